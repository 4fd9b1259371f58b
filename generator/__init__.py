"""Authors, the cookbook and the search loop. Import it as `pytest_kernelfalcon.generator`."""

from __future__ import annotations

if __name__ != "pytest_kernelfalcon.generator":
    raise ImportError("import pytest_kernelfalcon.generator, not the bare folder name")
