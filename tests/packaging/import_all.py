"""Import every module of the installed package: `python import_all.py PREFIX`, PREFIX being where it must lie."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import pytest_kernelfalcon


def main(prefix: str) -> None:
    (place,) = pytest_kernelfalcon.__path__
    if not place.startswith(prefix):
        sys.exit(f"pytest_kernelfalcon is imported from {place}, not from {prefix}")
    for module in pkgutil.walk_packages(pytest_kernelfalcon.__path__, "pytest_kernelfalcon."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            print(module.name)


if __name__ == "__main__":
    main(sys.argv[1])
