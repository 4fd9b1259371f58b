"""The section at the end of a run: a table, then each problem without a kernel. It computes nothing about kernels."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pytest_kernelfalcon import spending
from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.verdict_text import error_over_eager
from pytest_kernelfalcon.options import PREFIX, Options
from pytest_kernelfalcon.screen import fit
from pytest_kernelfalcon.store import digest

COLUMNS = ("problem", "outcome", "subgraphs", "winner", "rounds", "cases", "error/eager", "tokens", "cost", "time")
PROBLEM, OUTCOME, WINNER, TOKENS, COST = 0, 1, 3, 7, 8
NONE, UNDECIDED = "-", "not decided"
COLOURS = {"accepted": "green", "specialised": "yellow", "undecided": "yellow", UNDECIDED: "yellow"}
MAX_ROWS = 50
"""Problems in a table; of more than these, those that were accepted are only counted."""
MIN_NAME, MIN_WINNER = 24, 16
"""Characters that a narrow terminal leaves of a cell."""
LEFT_OUT = (2, 5, 4, 6, TOKENS)
"""Columns that a narrow terminal does without: subgraphs, cases, rounds, error, tokens."""
OF_MODELS = (TOKENS, COST)
"""Columns that are there only where language models were asked."""
GAP = "  "

Problem = dict[str, Any]
Paint = Callable[[str, str], str]
"""Text in a colour of pytest's writer."""


def row(problem: Problem) -> tuple[str, ...]:
    """A problem of the report as cells of the table."""
    subgraphs = problem["subgraphs"]
    verdicts = [subgraph["verdict"] for subgraph in subgraphs if subgraph["verdict"]]
    right = [verdict["worst"] for verdict in verdicts if verdict["outcome"] in digest.KERNEL and verdict["worst"]]
    ratios = [worst["error_over_eager"] for worst in right]
    return (
        problem["shown"],
        problem["outcome"] or UNDECIDED,
        str(len(subgraphs) or NONE),
        ", ".join(dict.fromkeys(map(winner, subgraphs))) or NONE,
        str(sum(subgraph["rounds"] for subgraph in subgraphs) or NONE),
        str(sum(verdict["cases"] for verdict in verdicts) or NONE),
        ", ".join(map(error_over_eager, ratios)) or NONE,
        spending.tokens(problem["cost"]),
        spending.dollars(problem["cost"]),
        f"{problem['seconds']:.1f} s",
    )


def columns(report: dict[str, Any]) -> list[int]:
    """The numbers of the columns that say something about this run."""
    asked = report["totals"]["cost"] is not None
    return [number for number in range(len(COLUMNS)) if asked or number not in OF_MODELS]


def winner(subgraph: dict[str, Any]) -> str:
    if subgraph["outcome"] not in digest.KERNEL:
        return NONE
    if subgraph["seed"] is None:
        return "kept"
    return f"{subgraph['author']} seed[{subgraph['seed']}] round {subgraph['round']}"


def without_kernel(problem: Problem) -> bool:
    """Whether it was decided that there is none."""
    return problem["outcome"] not in (*digest.KERNEL, None)


def reason(problem: Problem) -> str:
    """Place, outcome, cause and message of a problem without a kernel, on one line."""
    place = f"{problem['shown']}:{problem['line']}" if problem["line"] else problem["shown"]
    cause = f" ({problem['cause']})" if problem["cause"] else ""
    text = problem["message"].strip().splitlines()
    if problem["outcome"] == "judge_error":
        text = text[-1:]  # of a traceback
    if problem["outcome"] == "diverged":
        text = text[:1]  # the difference follows
    return f"{place}: {problem['outcome']}{cause}: {' '.join(text)}"


def again(problem: Problem, options: Options) -> str:
    """The command that runs it again; or goes on with it, where the budget was too small."""
    if problem["cause"] == Cause.BUDGET_SPENT:
        return options.go_on(problem["shown"])
    run = options.regenerate if problem["mode"] == "frozen" else options.command
    return run(problem["shown"])


def section(
    report: dict[str, Any], options: Options, arguments: Sequence[str], paint: Paint, width: int | None, verbosity: int
) -> Iterator[str]:
    """The lines. arguments: pytest's own. width: columns to keep to, None where lines may be long.

    With `-q` only what has no kernel is told, as pytest tells only what failed.
    """
    problems = report["problems"]
    if verbosity >= 0:
        shown = problems if len(problems) <= MAX_ROWS or verbosity > 0 else [p for p in problems if not _plain(p)]
        yield from _table(list(map(row, shown)), columns(report), paint, width)
        if len(shown) < len(problems):
            yield f"and {len(problems) - len(shown)} more that are accepted; -v lists them"
        if cost := report["totals"]["cost"]:
            yield ""
            yield f"language models: {spending.words(cost)}"
    unpaid = [problem for problem in problems if problem["cause"] == Cause.BUDGET_SPENT]
    for problem in problems:
        if not without_kernel(problem) or problem in unpaid:
            continue
        yield ""
        yield paint(reason(problem), _colour(problem["outcome"]))
        yield f"  again: {again(problem, options)}"
    if unpaid:
        yield ""
        yield from _unpaid(unpaid, options, arguments, paint)
    if undecided := [problem["shown"] for problem in problems if problem["outcome"] is None]:
        yield ""
        yield paint(
            f"{UNDECIDED}: {len(undecided)} of {len(problems)} problems; what was found for them is kept", "yellow"
        )
        yield f"  go on: {_resume(arguments)}"


def _unpaid(unpaid: Sequence[Problem], options: Options, arguments: Sequence[str], paint: Paint) -> Iterator[str]:
    """Told once, whatever the number of problems that it kept from a kernel."""
    count = f"{len(unpaid)} problem{'' if len(unpaid) == 1 else 's'}"
    yield paint(f"{count} without a kernel: {unpaid[-1]['message']}; what was found is kept", "red")
    yield f"  go on: {shlex.join(['pytest', *options.larger(arguments)])}"


def _plain(problem: Problem) -> bool:
    return bool(problem["outcome"] == "accepted")


def _resume(arguments: Sequence[str]) -> str:
    """The same command; `fresh` would leave what was found aside."""
    return shlex.join(["pytest", *(word for word in arguments if word != f"{PREFIX}fresh")])


def _table(rows: Sequence[Sequence[str]], columns: Sequence[int], paint: Paint, width: int | None) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    widths = [width if number in columns else 0 for number, width in enumerate(widths)]
    if width is not None:
        widths = _narrow(widths, width)
    yield GAP.join(_cells(COLUMNS, widths)).rstrip()
    for row in rows:
        cells = _cells(row, widths)
        cells[OUTCOME] = paint(cells[OUTCOME], _colour(row[OUTCOME]))
        yield GAP.join(cells).rstrip()


def _narrow(widths: list[int], width: int) -> list[int]:
    """Widths that fit: cells that tell least go first (width 0), then the winner's and the problem's are cut."""
    narrow = list(widths)
    least = {WINNER: min(widths[WINNER], MIN_WINNER), PROBLEM: min(widths[PROBLEM], MIN_NAME)}
    for column in LEFT_OUT:
        if _total([least.get(column, width) for column, width in enumerate(narrow)]) > width:
            narrow[column] = 0
    for column, minimum in least.items():
        narrow[column] = max(minimum, narrow[column] - max(0, _total(narrow) - width))
    return narrow


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (sum(width > 0 for width in widths) - 1)


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Cells as wide as they should be; PROBLEM and OUTCOME are always the first two."""
    return [_cell(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True) if width]


def _cell(text: str, width: int) -> str:
    """Cut at its front: the end of a path and of a winner tells more."""
    return text if len(text) <= width else fit(text[::-1], width)[::-1]


def _colour(outcome: str) -> str:
    return COLOURS.get(outcome, "red")
