"""A verdict as text that the author of a kernel can act on: a person, or a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kernelfalcon.contracts.variants import DECLARED, DRAWN
from pytest_kernelfalcon.judge.verdict import Verdict

INDENT = "  "
CONTEXT = 2
"""Lines of the source before and after the one that a verdict speaks of."""
VARIED, OWN = ("dtypes", "strides", "values"), (DECLARED, DRAWN)
"""What a case may have otherwise than the problem, and the words for the problem's own."""


def render(verdict: Verdict, source: str, name: str, *notes: str) -> str:
    """What was decided, where, on which case, by how much, and what to do. `name`: the candidate's file. notes: lines
    that stand at the end.
    """
    return "\n".join([_headline(verdict, name), *(INDENT + line for line in (*_lines(verdict, source), *notes))])


def feedback(verdict: Verdict, source: str) -> str:
    """The same for a model: without the file's path, and without what does not help to mend the kernel."""
    return "\n".join([_headline(verdict, "candidate.py"), *(INDENT + line for line in _mending(verdict, source))])


def _headline(verdict: Verdict, name: str) -> str:
    what = f"{verdict.outcome}: {verdict.cause}" if verdict.cause else verdict.outcome
    line = (verdict.where or {}).get("line")
    place = f"{name}:{line}" if line else name
    return f"{what}\n{place}: {verdict.message}" if verdict.message else f"{place}: {what}"


def _lines(verdict: Verdict, source: str) -> Iterator[str]:
    yield from _mending(verdict, source)
    if verdict.flags:
        yield f"flags: {', '.join(verdict.flags)}"
    if verdict.sandbox:
        yield f"not isolated by: {', '.join(verdict.sandbox)}"
    if verdict.platform:
        yield _footer(verdict)


def _mending(verdict: Verdict, source: str) -> Iterator[str]:
    """Where it is wrong, on which case, by how much, and what to do."""
    where = verdict.where or {}
    yield from _source_lines(source, where.get("line"))
    if where.get("program") is not None:
        yield f"program: {_value(where['program'])}"
    if verdict.case:
        yield f"case: {_case(verdict.case)}"
    if verdict.worst:
        yield _worst(verdict.worst)
    if verdict.fix:
        yield f"fix: {verdict.fix}"
    if verdict.ok or verdict.stage == "compile":
        yield from _targets(verdict.targets)
    if verdict.unsupported:
        first = verdict.unsupported[0]
        count = f"{len(verdict.unsupported)} case{'' if len(verdict.unsupported) == 1 else 's'}"
        yield f"not served: {count}, the first {_case(first)}: {first.get('detail', '')}"


def _source_lines(source: str, number: int | None) -> Iterator[str]:
    """The line that the verdict speaks of, marked, among its neighbours."""
    lines = source.splitlines()
    if number is None or not 0 < number <= len(lines):
        return
    for shown in range(max(1, number - CONTEXT), min(len(lines), number + CONTEXT) + 1):
        mark = ">" if shown == number else " "
        yield f"{mark}{shown:>5} | {lines[shown - 1]}".rstrip()


def _case(case: Mapping[str, Any]) -> str:
    """Its sizes, and what is not the problem's own."""
    varied = [f"{name} {case[name]}" for name in VARIED if case.get(name) not in (None, *OWN)]
    sizes = _value(case.get("sizes") or {}) or "the problem as it is"
    return "; ".join([sizes, *varied])


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
        known = figures if figures.get("status") != "error" else {}
        rest = ", ".join(f"{key} {_value(value)}" for key, value in known.items() if key != "status")
        yield f"{name:<{width}}  {figures.get('status', '')}{'  ' + rest if rest else ''}"


def _footer(verdict: Verdict) -> str:
    cases = f"{verdict.cases} case{'' if verdict.cases == 1 else 's'}"
    seconds = sum(verdict.seconds.values())
    return f"{cases} on {verdict.platform or 'no platform'}, stage {verdict.stage}, {seconds:.2f} s"
