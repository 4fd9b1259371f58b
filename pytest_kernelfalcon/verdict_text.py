"""A verdict as text that the author of a kernel can act on; used by `verify` and by failing items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kernelfalcon.judge.verdict import Verdict

INDENT = "  "


def render(verdict: Verdict, source: str, name: str) -> str:
    """What was decided, where, on which case, by how much, and what to do. `name`: the candidate's file."""
    return "\n".join([_headline(verdict, name), *(INDENT + line for line in _lines(verdict, source))])


def _headline(verdict: Verdict, name: str) -> str:
    what = f"{verdict.outcome}: {verdict.cause}" if verdict.cause else verdict.outcome
    line = (verdict.where or {}).get("line")
    place = f"{name}:{line}" if line else name
    return f"{what}\n{place}: {verdict.message}" if verdict.message else f"{place}: {what}"


def _lines(verdict: Verdict, source: str) -> Iterator[str]:
    where = verdict.where or {}
    yield from _source_line(source, where.get("line"))
    if where.get("program") is not None:
        yield f"program: {_value(where['program'])}"
    if verdict.case:
        yield f"case: {'; '.join(_part(name, part) for name, part in verdict.case.items() if part)}"
    if verdict.worst:
        yield _worst(verdict.worst)
    if verdict.fix:
        yield f"fix: {verdict.fix}"
    yield from _targets(verdict.targets)
    if verdict.unsupported:
        yield f"unsupported: {len(verdict.unsupported)} other sizes, first {_value(verdict.unsupported[0])}"
    if verdict.flags:
        yield f"flags: {', '.join(verdict.flags)}"
    if verdict.sandbox:
        yield f"not isolated by: {', '.join(verdict.sandbox)}"
    yield _footer(verdict)


def _source_line(source: str, number: int | None) -> Iterator[str]:
    lines = source.splitlines()
    if number is not None and 0 < number <= len(lines):
        yield f"{number:>5} | {lines[number - 1].rstrip()}"


def _part(name: str, part: object) -> str:
    return f"{name} {_value(part)}"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _worst(worst: Mapping[str, Any]) -> str:
    text = f"worst element: output {worst.get('output', 0)} at {_value(worst.get('index'))}"
    text += f": got {_value(worst.get('got'))}, want {_value(worst.get('want'))}"
    ratio = worst.get("error_over_eager")
    return text if ratio is None else f"{text}, {error_over_eager(ratio)} times eager's error"


def error_over_eager(ratio: object) -> str:
    return f"{ratio:.3g}" if isinstance(ratio, int | float) else str(ratio)


def _targets(targets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One aligned row a target: status, then its figures."""
    width = max(map(len, targets), default=0)
    for name, figures in targets.items():
        rest = ", ".join(f"{key} {_value(value)}" for key, value in figures.items() if key != "status")
        yield f"{name:<{width}}  {figures.get('status', '')}{'  ' + rest if rest else ''}"


def _footer(verdict: Verdict) -> str:
    cases = f"{verdict.cases} case{'' if verdict.cases == 1 else 's'}"
    seconds = sum(verdict.seconds.values())
    return f"{cases} on {verdict.platform or 'no platform'}, stage {verdict.stage}, {seconds:.2f} s"
