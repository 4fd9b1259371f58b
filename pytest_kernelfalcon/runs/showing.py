"""`runs list` and `runs show`: what past runs were, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_kernelfalcon import spending
from pytest_kernelfalcon.runs import past
from pytest_kernelfalcon.runs.past import NotThere, PastRun
from pytest_kernelfalcon.store import digest, files
from pytest_kernelfalcon.store.rundir import problem_key

LIST = ("run", "when (UTC)", "state", "problems", "outcomes", "time", "size")
TABLE = ("problem", "outcome", "cause", "rounds", "time")
NONE = "-"
OTHERS = (*digest.FAILURES, "not decided")
"""What problems of a run may be besides the outcomes."""


def list_all(root: Path, as_json: bool) -> int:
    runs = past.everyone(root)
    if as_json:
        print(files.to_json([_facts(run) for run in runs]))
        return 0
    rows = [_row(_facts(run)) for run in runs]
    print(*aligned([LIST, *rows]) if rows else [f"no runs in {root}"], sep="\n")
    for run in runs:
        if run.damage:
            print(f"{run.name}: damaged: {run.damage[0]}{_more(run.damage)}")
    return 0


def _facts(run: PastRun) -> dict[str, Any]:
    totals = run.report["totals"]
    outcomes = {name: totals[name] for name in digest.ENDS if totals[name]}
    if undecided := totals["problems"] - sum(outcomes.values()):
        outcomes["not decided"] = undecided
    return {
        "run": run.name,
        "path": str(run.folder.path),
        "begun": run.begun.isoformat(),
        "state": run.state,
        "exit": run.exit,
        "problems": totals["problems"],
        "outcomes": outcomes,
        "seconds": totals["seconds"],
        "bytes": run.size,
        "damage": run.damage,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    outcomes = ", ".join(f"{count} {name}" for name, count in facts["outcomes"].items())
    when = datetime.fromisoformat(facts["begun"]).strftime("%Y-%m-%d %H:%M:%S")
    damaged = ", damaged" if facts["damage"] else ""
    time, size = f"{facts['seconds']:.1f} s", megabytes(facts["bytes"])
    return facts["run"], when, facts["state"] + damaged, str(facts["problems"]), outcomes or NONE, time, size


def _more(damage: Sequence[str]) -> str:
    return f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""


def show(run: PastRun, problem: str | None) -> int:
    """The table, and of each problem (or the one that is named) every seed and round. Raises `NotThere`."""
    problems = run.report["problems"]
    if problem is not None:
        problems = [one for one in problems if problem in (one["path"], one["shown"])]
        if not problems:
            raise NotThere(f"{problem!r} is no problem of {run.name}. Fix: take one that `runs show {run.name}` shows")
    code = "" if run.exit is None else f" with exit code {run.exit}"
    print(f"run {run.name}: {run.state}{code}, {run.report['totals']['seconds']:.1f} s, {run.folder.path}")
    versions = ", ".join(f"{name} {version}" for name, version in run.report["versions"].items())
    print(*([f"judged with {versions}"] if versions else []), *(f"damaged: {text}" for text in run.damage), sep="\n")
    if cost := run.report["totals"]["cost"]:
        print(f"language models: {spending.words(cost)}")
    print(
        *(["", *aligned([TABLE, *map(_problem_row, problems)])] if problems else ["no problem was recorded"]), sep="\n"
    )
    for one in problems:
        print("", *_story(run, one), sep="\n")
    return 0


def _problem_row(problem: dict[str, Any]) -> tuple[str, ...]:
    rounds = sum(subgraph["rounds"] for subgraph in problem["subgraphs"])
    outcome = problem["outcome"] or "not decided"
    return problem["shown"], outcome, problem["cause"] or NONE, str(rounds), f"{problem['seconds']:.1f} s"


def _story(run: PastRun, problem: dict[str, Any]) -> Iterator[str]:
    yield f"{problem['shown']}: {_decided(problem)}"
    own = [event for event in run.events if event.get("problem") == problem["path"]]
    folder = run.folder.problem(problem_key(problem["path"]))
    for subgraph in problem["subgraphs"]:
        name = subgraph["id"]
        events = [event for event in own if event.get("subgraph") == name]
        ends = {event["seed"]: event for event in events if event["event"] == "seed"}
        rounds = [event for event in events if event["event"] == "round"]
        for seed in sorted({*ends, *(event["seed"] for event in rounds)}):
            yield f"  {name} seed[{seed}] {_ended(ends.get(seed))}"
            for event in rounds:
                if event["seed"] == seed:
                    place = folder.round(name, seed, event["round"]) / "candidate.py"
                    yield f"    round {event['round']}: {_decided(event['verdict'])}  {_place(place)}"
        for event in events:
            if event["event"] == "accept":
                place = folder.judged(name, event["verdict"]["kernel_sha256"])
                yield f"  {name} accept: {_decided(event)}  {_place(place)}"
    if folder.composed.is_file():
        yield f"  composed: {folder.composed}"


def _ended(seed: dict[str, Any] | None) -> str:
    if seed is None:
        return "did not end"
    about = f" by {seed['author']}" if seed["author"] else ""
    return f"{seed['state']}{about}" + (f": {_line(seed['reason'])}" if seed["reason"] else "")


def _decided(decision: dict[str, Any]) -> str:
    cause = f" ({decision['cause']})" if decision["cause"] else ""
    message = f": {_line(decision['message'])}" if decision["message"] else ""
    return f"{decision['outcome'] or 'not decided'}{cause}{message}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _place(path: Path) -> str:
    return str(path) if path.is_file() else "(its text is not there)"


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
