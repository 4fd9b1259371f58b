"""Routing, fusing and extracting subgraphs. Import it as `pytest_kernelfalcon.fuser`."""

from __future__ import annotations

if __name__ != "pytest_kernelfalcon.fuser":
    raise ImportError("import pytest_kernelfalcon.fuser, not the bare folder name")
