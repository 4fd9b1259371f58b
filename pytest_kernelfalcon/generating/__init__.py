"""`generate_kernel`: from a problem, a module, a function or words to a kernel, from any Python program.

`asked` makes a problem file of what is given, `drafts` of words, `settings` the options of a command line of keyword
arguments; `child` runs pytest in a process of its own, and `result` reads what it left. Nothing here decides about
correctness.
"""

from __future__ import annotations

from pytest_kernelfalcon.generating.api import generate_kernel
from pytest_kernelfalcon.generating.result import CannotGenerate, Generated, RunFailed

__all__ = ["CannotGenerate", "Generated", "RunFailed", "generate_kernel"]
