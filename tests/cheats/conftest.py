"""One warm judge for all cheats."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_kernelfalcon.judge.judge import Judge
from tests.cheats.court import Court


@pytest.fixture(scope="session")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with Judge(cache=tmp_path_factory.mktemp("court")) as judge:
        yield Court(judge)
