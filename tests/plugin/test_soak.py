"""The soak of benchmarks/soak, short: a run of each kind of mishap. `python -m benchmarks.soak` makes hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak.check import soak
from benchmarks.soak.world import drawn

NUMBERS = {"kill worker": 17, "kill controller": 251, "interrupt": 274, "twins": 39}
"""Worlds of few processes; the mishap comes while items run."""


@pytest.mark.parametrize(("mishap", "number"), NUMBERS.items())
def test_a_run_ends_as_the_model_has_it_and_the_next_one_finishes_it(tmp_path: Path, mishap: str, number: int) -> None:
    result = soak(drawn(number, mishap), tmp_path / "tree")
    assert result.wrong == []
    assert result.judged > 0
    assert result.struck or mishap == "twins"
