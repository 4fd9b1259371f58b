"""The shipped scheduler in simulated time: its goals, which no load of this machine can move."""

from __future__ import annotations

import pytest

from benchmarks.makespan import CASES, SEEDS, WAYS, WORKERS, Case, composed, means, work

OURS = WAYS[0]
BIG, ONE, FIVE = CASES


@pytest.mark.parametrize("case", [ONE, FIVE], ids=lambda case: case.name)
def test_few_problems_are_done_in_time(case: Case) -> None:
    assert means(OURS, case, 60)[0] <= case.goal


def test_many_problems_are_done_in_time_and_before_those_of_other_ways() -> None:
    last, mean = means(OURS, BIG, 6)
    assert last <= BIG.goal
    for way in WAYS[1:]:
        others = means(way, BIG, 6)
        assert last < others[0] or mean < others[1] * 0.7, way.name


def test_one_subgraph_with_a_worker_for_each_seed_takes_as_long_as_its_first_winner() -> None:
    (((race,),), *_) = ([races] for seed in range(20) if len(races := work(ONE, seed)[0]) == 1)
    assert SEEDS <= WORKERS
    first = min((minutes for wins, minutes in race.seeds if wins), default=max(minutes for _, minutes in race.seeds))
    seed = next(seed for seed in range(20) if len(work(ONE, seed)[0]) == 1)
    assert composed(OURS, ONE, seed) == [pytest.approx(first + 0.3 + 0.5, abs=0.01)]
