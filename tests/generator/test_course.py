"""Where a seed stands after its rounds: mending, or beginning anew."""

from __future__ import annotations

import pytest

from pytest_kernelfalcon.generator.author import Proposal, Round
from pytest_kernelfalcon.generator.llm.course import PATIENCE, Course
from pytest_kernelfalcon.generator.llm.strategies import STRATEGIES, strategy
from pytest_kernelfalcon.judge.verdict import Verdict


def refused(cause: str, source: str = "") -> Round:
    return Round(Proposal(source or f"x = {cause!r}\n"), Verdict("refused", "run", cause, f"{cause} it is"))


def rounds(causes: str) -> list[Round]:
    return [refused(cause, f"x = {number}\n") for number, cause in enumerate(causes)]


@pytest.mark.parametrize(
    ("causes", "attempt", "since"),
    [
        ("", 0, 0),
        ("aa", 0, 0),
        ("aab", 0, 0),
        ("abab", 0, 0),
        ("aaa", 1, 3),
        ("baaa", 1, 4),
        ("aaab", 1, 3),
        ("aaaaa", 1, 3),
        ("aaaaaa", 2, 6),
        ("aaabbbc", 2, 6),
    ],
)
def test_a_plateau_of_one_cause_begins_a_new_attempt(causes: str, attempt: int, since: int) -> None:
    assert PATIENCE == 3
    course = Course.of(rounds(causes))
    assert (course.attempt, course.since) == (attempt, since)


def test_what_is_mended_is_the_last_candidate_of_this_attempt() -> None:
    tried = rounds("ab")
    assert Course.of(tried).last is tried[-1]
    assert Course.of([]).last is None
    assert Course.of(rounds("aaa")).last is None, "a new attempt mends nothing"


def test_a_digest_has_every_round_but_the_one_that_is_shown_whole() -> None:
    assert [line.partition(":")[0] for line in Course.of(rounds("abc")).digests] == ["round 0", "round 1"]
    assert [line.partition(":")[0] for line in Course.of(rounds("aaa")).digests] == ["round 0", "round 1", "round 2"]


def test_a_candidate_that_was_there_before_is_known_by_what_it_does() -> None:
    again = [refused("a", "x = 1\n"), refused("b", "x = 2\n"), refused("a", "# once more\nx = 1\n")]
    assert Course.of(again).repeats == 0
    assert Course.of(again[:2]).repeats is None


def test_a_first_attempt_has_a_hint_only_where_temperature_makes_no_difference() -> None:
    assert strategy(0, 0, sampled=False) == strategy(3, 0, sampled=True) == ""
    assert len({strategy(seed, 0, sampled=False) for seed in range(1, len(STRATEGIES))}) == len(STRATEGIES) - 1
    assert strategy(0, 1, sampled=True) != strategy(0, 2, sampled=True) != ""
