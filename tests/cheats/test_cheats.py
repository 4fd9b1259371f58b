"""Every cheat is refused for the reason that it names, and the honest candidate beside it is accepted."""

from __future__ import annotations

import pytest

from tests.cheats.court import CASES, HERE, Court, expected
from tests.cheats.defences import DEFENCES


def tried(court: Court, case: str) -> None:
    """Skips the test where the case shows nothing on this platform."""
    platforms = expected(case).get("platforms")
    if platforms is not None and court.judge.platform not in platforms:
        pytest.skip(f"it can show on {', '.join(platforms)} only")


@pytest.mark.parametrize("case", CASES)
def test_a_cheat_is_refused_for_its_reason(court: Court, case: str) -> None:
    tried(court, case)
    expect = expected(case)
    expect |= expect.get(court.judge.platform, {})
    sentence = court.cheat(case)
    assert (sentence.outcome, sentence.cause in expect["causes"]) == (expect["outcome"], True), sentence


@pytest.mark.parametrize("case", CASES)
def test_its_honest_look_alike_is_accepted(court: Court, case: str) -> None:
    tried(court, case)
    sentence = court.honest(case)
    assert sentence.outcome == "accepted", sentence


@pytest.mark.parametrize("case", CASES)
def test_a_cheat_names_its_defence(case: str) -> None:
    assert (HERE / case / "cheat.py").read_text().startswith('"""Stopped by: ')
    assert expected(case)["defence"] in {defence.name for defence in DEFENCES}


def test_there_are_enough_cheats() -> None:
    assert len(CASES) >= 62
