"""What language models took, in words for people and as properties for machines. What is not known is called so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kernelfalcon.store import costs, events
from pytest_kernelfalcon.store.costs import Cost
from pytest_kernelfalcon.store.rundir import RunDir

UNKNOWN = "unknown"
NONE = "-"


def tokens(cost: Cost | None) -> str:
    """Read and written: `12.3k`."""
    return NONE if cost is None else _about(cost, _short(cost["tokens"]["input"] + cost["tokens"]["output"]))


def dollars(cost: Cost | None) -> str:
    if cost is None:
        return NONE
    if cost["dollars"] is None:
        return UNKNOWN
    return _about(cost, money(cost["dollars"]))


def money(amount: float) -> str:
    """Cents where they say enough, else two digits."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount:.2g}"


def words(cost: Cost) -> str:
    """`12 calls, 34.5k tokens read (20k of them from a cache), 4.1k written (2k of them thinking), cost $0.42`."""
    count, used = cost["calls"], cost["tokens"]
    cached = f" ({_short(used['cached'])} of them from a cache)" if used["cached"] else ""
    thought = f" ({_short(used['reasoning'])} of them thinking)" if used["reasoning"] else ""
    parts = [
        f"{count} call{'' if count == 1 else 's'}",
        f"{_short(used['input'])} tokens read{cached}",
        f"{_short(used['output'])} written{thought}",
        f"cost {UNKNOWN if cost['dollars'] is None else money(cost['dollars'])}",
    ]
    if cost["estimated"]:
        parts.append(f"{cost['estimated']} of the calls estimated, as their server did not say")
    return ", ".join(parts)


def line(cost: Cost | None) -> str:
    """In a few characters: `34.5k tokens · $0.42`; none where no model was asked."""
    if cost is None:
        return ""
    known = "unknown price" if cost["dollars"] is None else dollars(cost)
    return f"{tokens(cost)} tokens · {known}"


def properties(cost: Cost | None) -> Iterator[tuple[str, object]]:
    if cost is None:
        return
    yield "calls", cost["calls"]
    yield "calls_estimated", cost["estimated"]
    yield from ((f"tokens.{kind}", cost["tokens"][kind]) for kind in costs.KINDS)
    yield "dollars", UNKNOWN if cost["dollars"] is None else f"{cost['dollars']:.6f}"


def of(run: RunDir, **place: object) -> Cost | None:
    """What the calls of a run took, or those of a problem, subgraph or seed that have ended. None where none was made.

    Those that are under way may be others' in the same place.
    """
    if not run.models.is_dir():
        return None
    found = events.of_kinds(run.events, "call", *([] if place else ["asked"]))
    return costs.total(costs.calls([event for event in found if _is_at(event, place)]))


def _is_at(event: Mapping[str, Any], place: Mapping[str, object]) -> bool:
    return all(event.get(key) == value for key, value in place.items() if value is not None)


def _about(cost: Cost, text: str) -> str:
    return f"~{text}" if cost["estimated"] else text


def _short(number: int) -> str:
    """`999`, `12.3k`, `4.5M`."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number / unit:.1f}".removesuffix(".0") + name
    return str(number)
