"""A wrapper's messages held against others: where they begin to differ, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pytest_kernelfalcon.judge.launch_plan.bounds import MAX_LINE

Step = dict[str, Any]
DEEPEST = 40
"""Levels that a step may have."""


@dataclass(frozen=True)
class Departure:
    """got: the step that differs, want: the one in whose place it stands, both in words. line: the candidate's."""

    got: str
    want: str
    line: int | None


def departure(want: Sequence[Step], got: Sequence[Step]) -> Departure | None:
    """The first step that differs, but for its line; None where all are the same."""
    for mine, theirs in zip_longest(want, got):
        if core(mine) != core(theirs):
            line = (theirs or {}).get("line") or (mine or {}).get("line")
            known = type(line) is int and 1 <= line <= MAX_LINE
            return Departure(_shown(theirs, mine), _shown(mine, theirs), line if known else None)
    return None


def core(step: Step | None) -> str:
    """A step without its line, as text: NaN is equal to itself."""
    if step is None:
        return ""
    return json.dumps({name: value for name, value in step.items() if name != "line"}, sort_keys=True)


def read(texts: Sequence[str]) -> list[Step]:
    """Messages from a process that may be hostile; one that is none becomes a step unlike any."""
    steps: list[Step] = []
    for text in texts:
        try:
            step = json.loads(text)
        except (ValueError, RecursionError):
            step = None
        steps.append(step if isinstance(step, dict) and _shallow(step) else {"op": text[:80]})
    return steps


def _shallow(step: Step) -> bool:
    """Whether it is nested no deeper than a message ever is."""
    level: list[Any] = [step]
    for _ in range(DEEPEST):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return not level


def renumbered(steps: Sequence[Step], inputs: int) -> list[Step]:
    """With storages that are no inputs numbered as they come: for steps of which some were left out."""
    numbers: dict[int, int] = {}

    def look(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: number(item) if name == "storage" else look(item) for name, item in value.items()}
        return [look(item) for item in value] if isinstance(value, list) else value

    def number(storage: Any) -> Any:
        if type(storage) is not int or storage < inputs:
            return storage
        return numbers.setdefault(storage, inputs + len(numbers))

    return [look(step) for step in steps]


def _shown(step: Step | None, other: Step | None) -> str:
    """In words, and where both launch one kernel the arguments that differ."""
    if step is None:
        return "nothing"
    match step.get("op"):
        case "launch":
            return f"launch of `{str(step.get('kernel'))[:60]}` {str(step.get('grid'))[:40]}{_arguments(step, other)}"
        case "refuse":
            return f"{step.get('cause')} ({str(step.get('facts'))[:160]})"
        case "raise":
            return f"{str(step.get('type'))[:60]}: {str(step.get('text'))[:160]}"
        case "other":
            return str(step.get("detail"))[:160]
    return core(step)[:160]


def _arguments(step: Step, other: Step | None) -> str:
    """Those of a launch that another launch of the kernel has not, or gives another value."""
    if not other or other.get("kernel") != step.get("kernel"):
        return ""
    groups = [(step.get(kind), other.get(kind)) for kind in ("arguments", "options")]
    pairs = [(mine, theirs) for mine, theirs in groups if isinstance(mine, dict) and isinstance(theirs, dict)]
    found = {name: mine[name] for mine, theirs in pairs for name in mine if mine[name] != theirs.get(name)}
    return f" with {json.dumps(found)[:160]}" if found else ""
