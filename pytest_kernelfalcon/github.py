"""GitHub Actions: annotations at the places of refusals, a summary of the step, and no say for candidates.

Actions takes lines of a step's output for commands: those that begin with `::`, whatever white space is before it, and
the older form `##[…]` anywhere in a line. What candidates and problems say is printed, too: it is made harmless first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_kernelfalcon import spending, summary
from pytest_kernelfalcon.options import Options
from pytest_kernelfalcon.store import digest
from pytest_kernelfalcon.store.kept import Kept

MOST = 10
"""Annotations of one kind that GitHub shows for a step."""
MAX_ROWS, MAX_MESSAGE = 500, 500
"""Of a step's summary, which may have a MiB."""
LINE = re.compile(r"([^\r\n]*)([\r\n]*)")
UNSAFE = re.compile(r"[^A-Za-z0-9 \-/,.()=]")

Problem = dict[str, Any]


def active(environ: Mapping[str, str] = os.environ) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true"


def guard(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Text to print as it is; under Actions, with nothing in it that Actions would take for a command."""
    if not active(environ):
        return text
    return LINE.sub(lambda match: _harmless(match[1]) + match[2], text)


def guard_json(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The same for JSON, whose lines begin with no text of others: it stays the same data."""
    return text.replace("##[", "##\\u005b") if active(environ) else text


def _harmless(line: str) -> str:
    start = len(line) - len(line.lstrip())
    if line.startswith("::", start):
        line = f"{line[:start]}: :{line[start + 2 :]}"
    return line.replace("##[", "## [")


def commands(report: dict[str, Any], options: Options, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """A command of Actions for each problem without a kernel, and for each that was not decided; at most ten a kind."""
    errors = [problem for problem in report["problems"] if _kind(problem) == "error"]
    warnings = [problem for problem in report["problems"] if _kind(problem) == "warning"]
    for kind, problems in (("error", errors), ("warning", warnings)):
        shown = problems if len(problems) <= MOST else problems[: MOST - 1]
        for problem in shown:
            yield _command(kind, _message(problem, options), **_place(problem, options, root, environ))
        if len(shown) < len(problems):
            more = f"and {len(problems) - len(shown)} more problems: see the table of the run"
            yield _command(kind, more, title="kernelfalcon")


def _kind(problem: Problem) -> str | None:
    if problem["outcome"] in (None, "undecided"):
        return "warning"
    return "error" if summary.without_kernel(problem) else None


def _message(problem: Problem, options: Options) -> str:
    text = problem["message"] or "no item that decides about it has ended"
    return f"{text.strip()}\nagain: {summary.again(problem, options)}"


def _place(problem: Problem, options: Options, root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The line of the kept kernel that was refused, else the problem's."""
    file, line = root / problem["path"], problem["line"]
    if problem["mode"] == "kept" and (refused := [one for one in problem["subgraphs"] if _refused(one)]):
        file = Kept.of(file, root, options.kernels).kernel
        line = (refused[0]["verdict"]["where"] or {}).get("line")
    workspace = Path(environ.get("GITHUB_WORKSPACE") or root).resolve()
    file = file.resolve()
    shown = file.relative_to(workspace) if file.is_relative_to(workspace) else file
    cause = f" ({problem['cause']})" if problem["cause"] else ""
    title = f"kernelfalcon: {problem['outcome'] or summary.UNDECIDED}{cause}"
    return {"file": str(shown), "line": str(line or 1), "title": title}


def _refused(subgraph: dict[str, Any]) -> bool:
    return bool(subgraph["verdict"]) and subgraph["verdict"]["outcome"] not in digest.KERNEL


def _command(kind: str, message: str, **properties: str) -> str:
    """https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions"""
    given = ",".join(f"{name}={_escape(value, ':,')}" for name, value in properties.items())
    return f"::{kind} {given}::{_escape(message)}".replace("##[", "## [")


def _escape(text: str, more: str = "") -> str:
    return "".join(f"%{ord(character):02X}" if character in "%\r\n" + more else character for character in text)


def step_summary(report: dict[str, Any], options: Options) -> str:
    """The table as Markdown, and below it each problem without a kernel."""
    problems: Sequence[Problem] = report["problems"]
    have = sum(problem["outcome"] in digest.KERNEL for problem in problems)
    return "\n".join(
        [
            f"### kernelfalcon: {have} of {len(problems)} problems have a kernel",
            "",
            *_markdown(report, options),
            *_cost(report),
            "",
            "",
        ]
    )


def _cost(report: dict[str, Any]) -> Iterator[str]:
    if cost := report["totals"]["cost"]:
        yield f"\nlanguage models: {_plain(spending.words(cost))}"


def _markdown(report: dict[str, Any], options: Options) -> Iterator[str]:
    problems, columns = report["problems"], summary.columns(report)
    ordered = sorted(problems, key=lambda problem: problem["outcome"] in digest.KERNEL)  # what GitHub may cut is last
    yield _columns([summary.COLUMNS[number] for number in columns])
    yield _columns(["---"] * len(columns), escape=False)
    for problem in ordered[:MAX_ROWS]:
        row = summary.row(problem)
        yield _columns([row[number] for number in columns])
    if len(problems) > MAX_ROWS:
        yield f"\nand {len(problems) - MAX_ROWS} more"
    for problem in [problem for problem in ordered[:MAX_ROWS] if summary.without_kernel(problem)]:
        why, command = summary.reason(problem)[:MAX_MESSAGE], summary.again(problem, options)
        yield f"\n**{_plain(problem['shown'])}**: {_plain(why)}<br><code>{_plain(command)}</code>"


def _columns(cells: Sequence[str], escape: bool = True) -> str:
    return f"| {' | '.join(map(_plain, cells) if escape else cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return UNSAFE.sub(lambda match: f"&#{ord(match[0])};", text)
