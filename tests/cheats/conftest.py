"""One warm judge for all cheats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kernelfalcon.judge.judge import Judge
from tests.cheats.court import Court


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is compiled once need not be compiled again where a defence is left out."""
    return tmp_path_factory.mktemp("court")


@pytest.fixture(scope="session")
def court(compiled: Path) -> Iterator[Court]:
    with Judge(cache=compiled) as judge:
        yield Court(judge)
