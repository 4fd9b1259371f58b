"""What calls of language models took: sums over the record's events `call`, and `asked` where none followed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_kernelfalcon.store.events import Event

KINDS = ("input", "cached", "written", "output", "reasoning")
"""Of tokens: `cached` and `written` are parts of `input`, `reasoning` of `output`."""

Cost = dict[str, Any]


def calls(events: Sequence[Event]) -> list[Event]:
    """Those that ended; and those that did not, as their process was killed, with the most that they may have taken."""
    asked = {event["call"]: event for event in events if event["event"] == "asked"}
    ended = [event for event in events if event["event"] == "call"]
    lost = asked.keys() - {event["call"] for event in ended}
    none = dict.fromkeys(KINDS)
    return [*ended, *({**asked[call], "tokens": none | asked[call]["tokens"], "estimated": True} for call in lost)]


def total(calls: Sequence[Event]) -> Cost | None:
    """None where no model was asked.

    calls: how many there were. tokens: by kind. dollars: None where one of the prices is not known.
    estimated: calls of which the server did not say what they took.
    """
    if not calls:
        return None
    dollars = [call["dollars"] for call in calls]
    return {
        "calls": len(calls),
        "tokens": {kind: sum(call["tokens"][kind] or 0 for call in calls) for kind in KINDS},
        "dollars": None if None in dollars else sum(dollars),
        "estimated": sum(call["estimated"] for call in calls),
    }


def by_seed(calls: Sequence[Event]) -> list[Cost]:
    """Of each seed that asked, and in it of each round."""
    return [{"seed": seed, "cost": total(own), "rounds": list(_by_round(own))} for seed, own in _split(calls, "seed")]


def _by_round(calls: Sequence[Event]) -> Iterable[Cost]:
    return ({"round": number, "cost": total(own)} for number, own in _split(calls, "round"))


def _split(calls: Sequence[Event], by: str) -> Iterable[tuple[int, list[Event]]]:
    for value in sorted({call[by] for call in calls}):
        yield value, [call for call in calls if call[by] == value]
