"""`assert_kernel`: a Triton wrapper held against a PyTorch callable by the judge, in anybody's own test.

The judge takes texts: a problem and a candidate. So both are made from what the test names: `kernels` finds what is
judged and `gathering` its text, `references` that of a callable, `inputs` how arguments are drawn, and `problems` puts
a problem together; `court` is the judge of a pytest process, `api` what tests call. Nothing here decides about
correctness.
"""

from __future__ import annotations

from pytest_kernelfalcon.asserting.api import KernelRefused, assert_kernel
from pytest_kernelfalcon.asserting.modules import CannotJudge

__all__ = ["CannotJudge", "KernelRefused", "assert_kernel"]
