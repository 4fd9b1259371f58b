"""Sums over calls: by kind, by seed and round; what is unknown stays so, and a killed process's call is not lost."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.store import costs


def event(kind: str = "call", call: str = "a", dollars: float | None = 0.5, **more: Any) -> dict[str, Any]:
    tokens = {"input": 10, "cached": 4, "written": None, "output": 3, "reasoning": None}
    place = {"seed": 0, "round": 0, "estimated": False}
    return {"event": kind, "call": call, "tokens": tokens, "dollars": dollars, **place, **more}


def test_no_call_costs_nothing_that_could_be_told() -> None:
    assert costs.total([]) is None
    assert costs.by_seed([]) == []


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    assert costs.total([event(), event(dollars=None)]) == {
        "calls": 2,
        "tokens": {"input": 20, "cached": 8, "written": 0, "output": 6, "reasoning": 0},
        "dollars": None,
        "estimated": 0,
    }


def test_calls_are_summed_by_seed_and_round() -> None:
    found = costs.by_seed([event(seed=2), event(seed=1, round=1), event(seed=1, round=0), event(seed=1, round=1)])
    assert [(one["seed"], one["cost"]["calls"]) for one in found] == [(1, 3), (2, 1)]
    assert [(one["round"], one["cost"]["dollars"]) for one in found[0]["rounds"]] == [(0, 0.5), (1, 1.0)]


def test_a_call_that_never_ended_counts_with_all_that_it_may_have_taken() -> None:
    begun = [event("asked", call, 2.0, tokens={"input": 100, "output": 30}) for call in "ab"]
    found = costs.total(costs.calls([*begun, event(call="a")]))
    assert found is not None
    assert (found["calls"], found["estimated"], found["dollars"]) == (2, 1, 2.5)
    assert found["tokens"] == {"input": 110, "cached": 4, "written": 0, "output": 33, "reasoning": 0}
