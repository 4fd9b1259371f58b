"""Folders with an `__init__.py`: pytest imports it before their items; for a problem's items it shall not.

It is code that came with the problems, and it would run in pytest's own process, where the verdicts are.
PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kernelfalcon.collection import Step

RUNNING = pytest.StashKey[pytest.Item]()


class Package(pytest.Package):
    """Like pytest's own for ordinary tests, unless a problem's item of the same folder was run just before."""

    def setup(self) -> None:
        if not isinstance(self.session.stash.get(RUNNING, None), Step):
            super().setup()


class Packages:
    """Registered under `--kernelfalcon` only."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collect_directory"""
        return Package.from_parent(parent, path=path) if (path / "__init__.py").is_file() else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_setup"""
        item.session.stash[RUNNING] = item
