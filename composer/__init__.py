"""Composing accepted kernels into one module. Import it as `pytest_kernelfalcon.composer`."""

from __future__ import annotations

if __name__ != "pytest_kernelfalcon.composer":
    raise ImportError("import pytest_kernelfalcon.composer, not the bare folder name")
