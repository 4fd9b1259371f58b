"""repro.py: a refusal as a script of its own, which needs torch and Triton alone."""

from __future__ import annotations

from pytest_kernelfalcon.judge.repro.script import MARK, Repro, of

__all__ = ["MARK", "Repro", "of"]
