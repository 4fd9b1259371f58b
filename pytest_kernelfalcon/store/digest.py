"""From the record to the report. Every summary, table and file about a run is this digest of its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_kernelfalcon.store import costs, files
from pytest_kernelfalcon.store.events import Event as Event
from pytest_kernelfalcon.store.rundir import RunDir, problem_key

SCHEMA = 1
KERNEL = ("accepted", "specialised")
OUTCOMES = (*KERNEL, "refused", "undecided", "no_kernel", "inadmissible", "broken")
FAILURES = ("judge_error", "diverged")
"""Ends that say nothing about a kernel: the judge failed, or a replay did not go as it was recorded."""
ENDS = (*OUTCOMES, *FAILURES)


def report(run_id: str, events: Sequence[Event]) -> dict[str, Any]:
    """The report of a run.

    problems: in the order of the run; outcome `judge_error` where the judge failed, `diverged`
    where a replay did not go as it was recorded, None where no item that
    decides was run. seconds: of the problem's items, in whatever process. rounds: candidates judged by all seeds;
    restored: those that kept the verdict of an earlier run. cost: of calls of language models (see costs.py), of the
    run, of each problem and subgraph, and in `seeds` of each seed and round; None where none was asked.
    totals: a count for each outcome; rounds_mean over the subgraphs that were searched; worker_utilisation: the
    share of all workers' time that items took.
    """
    about = next((event for event in events if event["event"] == "run"), {})
    names = [event["problem"] for event in events if event["event"] == "problem"]
    problems = [_problem(name, [event for event in events if event.get("problem") == name]) for name in names]
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "versions": about.get("versions", {}),
        "budget": _budget(about, events),
        "machine": about.get("machine", {}),
        "totals": _totals(problems, events),
        "problems": problems,
    }


def _budget(about: Event, events: Sequence[Event]) -> dict[str, Any] | None:
    """What the run was allowed to spend on models, and what was said last where that was not enough."""
    if not about.get("budget"):
        return None
    ended = _of(events, "spent")
    return {"amount": about["budget"], "spent": ended[-1]["message"] if ended else None}


def outcome(events: Sequence[Event]) -> str | None:
    """What the events of one problem say of it so far."""
    subgraphs = [_subgraph(identifier, events) for identifier in _identifiers(events)]
    return _decision(subgraphs, events).get("outcome")


def _problem(name: str, events: Sequence[Event]) -> dict[str, Any]:
    about = _of(events, "problem")[0]
    subgraphs = [_subgraph(identifier, events) for identifier in _identifiers(events)]
    decided = _decision(subgraphs, events)
    return {
        "path": name,
        **{key: about[key] for key in ("shown", "kept", "mode")},
        **{key: decided.get(key) for key in ("outcome", "cause", "message", "line")},
        "seconds": sum(event["seconds"] for event in _of(events, "item")),
        "cost": costs.total(costs.calls(events)),
        "subgraphs": subgraphs,
        "changed": _changed(subgraphs, events),
    }


def _changed(subgraphs: Sequence[dict[str, Any]], events: Sequence[Event]) -> dict[str, Any] | None:
    """What became of the problem and its kernel since a commit, and what the kernel took before and takes now."""
    if not (noted := _of(events, "before")):
        return None
    about = {key: noted[-1][key] for key in ("ref", "base", "problem_was", "kernel_was", "before")}
    verdicts = [subgraph["verdict"] for subgraph in subgraphs if subgraph["verdict"]]
    after = [{key: verdict[key] for key in ("outcome", "cause", "message", "targets")} for verdict in verdicts]
    return about | {"after": after[0] if after else None}


def _decision(subgraphs: Sequence[dict[str, Any]], events: Sequence[Event]) -> dict[str, Any]:
    """What decides about the problem: the whole where it got that far, else the first subgraph without a kernel."""
    if whole := _of(events, "broken", "compose"):
        return whole[-1]
    for subgraph in subgraphs:
        if subgraph["outcome"] not in (*KERNEL, None):
            return subgraph
    if failed := _of(events, *FAILURES):
        return {"outcome": failed[-1]["event"], "message": failed[-1]["message"]}
    outcomes = {subgraph["outcome"] for subgraph in subgraphs}
    if not outcomes or None in outcomes:
        return {}
    return {"outcome": "specialised" if "specialised" in outcomes else "accepted"}


def _subgraph(identifier: str, events: Iterable[Event]) -> dict[str, Any]:
    """The last word on a subgraph; its verdict is the accept gate's, else that of the last round."""
    own = [event for event in events if event.get("subgraph") == identifier]
    rounds = [event for event in _of(own, "round") if not event["repeated"]]
    restored = sum(event.get("restored", False) for event in rounds)
    found: dict[str, Any] = dict.fromkeys(("outcome", "cause", "message", "author", "seed", "round", "verdict"))
    found["verdict"] = rounds[-1]["verdict"] if rounds else None
    for event in _of(own, "accept", "no_kernel"):
        found |= {key: event[key] for key in found if key in event}
    missing = dict.fromkeys(name for event in _of(own, "seed") for name in event["missing"])
    counts = {"rounds": len(rounds) - restored, "restored": restored}
    calls = costs.calls(own)
    spent = {"cost": costs.total(calls), "seeds": costs.by_seed(calls)}
    return {"id": identifier, **found, **counts, "missing": list(missing), **spent}


def _identifiers(events: Iterable[Event]) -> list[str]:
    return [contract["id"] for event in _of(events, "plan") for contract in event["contracts"]]


def _of(events: Iterable[Event], *kinds: str) -> list[Event]:
    return [event for event in events if event["event"] in kinds]


def _totals(problems: Sequence[dict[str, Any]], events: Sequence[Event]) -> dict[str, Any]:
    subgraphs = [subgraph for problem in problems for subgraph in problem["subgraphs"]]
    searched = [subgraph["rounds"] for subgraph in subgraphs if subgraph["rounds"]]
    counts = {outcome: sum(problem["outcome"] == outcome for problem in problems) for outcome in OUTCOMES}
    return {
        "problems": len(problems),
        **counts,
        **{end: sum(problem["outcome"] == end for problem in problems) for end in FAILURES},
        "subgraphs": len(subgraphs),
        "rounds_mean": sum(searched) / len(searched) if searched else None,
        "worker_utilisation": _utilisation(events),
        "seconds": _span(events),
        "cost": costs.total(costs.calls(events)),
    }


def _span(events: Sequence[Event]) -> float:
    times = [event["time"] for event in events]
    return float(max(times) - min(times)) if times else 0.0


def _utilisation(events: Sequence[Event]) -> float | None:
    items = _of(events, "item")
    available = _span(events) * len({event["worker"] for event in items})
    return sum(event["seconds"] for event in items) / available if available else None


def write_summaries(run: RunDir, whole: Event) -> None:
    """The summaries of a run directory: its own, and two for each problem."""
    files.write_json(run.summary, whole)
    for problem in whole["problems"]:
        folder = run.problem(problem_key(problem["path"]))
        about = {"schema": SCHEMA, "path": problem["path"]}
        files.write_json(folder.kernels_summary, about | {"subgraphs": problem["subgraphs"]})
        decided = {key: problem[key] for key in ("outcome", "cause", "message", "seconds")}
        files.write_json(folder.compose_summary, about | decided)
