"""From a candidate's text to its kernels, and nothing else of it. Read candidate.py first.

Only the @triton.jit functions are kept, each node checked against an allow-list. Runs in forked role processes.
"""

from pytest_kernelfalcon.judge.extractor.candidate import extract
from pytest_kernelfalcon.judge.extractor.kernels import Kernels
from pytest_kernelfalcon.judge.extractor.refusal import Refusal, Refused

__all__ = ["Kernels", "Refusal", "Refused", "extract"]
