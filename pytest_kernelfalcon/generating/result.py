"""What a caller is given: the kernel, or why there is none, from what a run has left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause, fix
from pytest_kernelfalcon.generating.child import Ended
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store import costs, events, files
from pytest_kernelfalcon.store.digest import KERNEL
from pytest_kernelfalcon.store.events import Event
from pytest_kernelfalcon.store.rundir import ProblemDir, RunDir, problem_key

NO_PROBLEM, DECLINED, STOPPED = "no_problem", "declined", "stopped"
"""Outcomes beside those of a run: no draft was a problem; the caller did not want the draft; the run ended early."""
USAGE = 4
"""Pytest's exit code for wrong usage."""
SAID = re.compile(r"^ERROR: (.*?)(?=\n+=+ |\Z)|^!+ _pytest\.outcomes\.Exit: (.*?) !+$", re.MULTILINE | re.DOTALL)
"""Pytest's words for it before a run has begun, and with workers."""
TAIL = 3000
"""Characters of a run's output that an error shows."""


class CannotGenerate(ValueError):
    """What is asked for cannot be tried as it is given; the text names the thing, the value and the fix."""


class RunFailed(RuntimeError):
    """The run ended without a report: it was killed, or pytest failed itself. What it had judged is kept."""


@dataclass(frozen=True)
class Generated:
    """What came of it.

    outcome: as in a report (`accepted`, `specialised`, `no_kernel`, `undecided`, `inadmissible`, `broken`, …), or
    `judge_error`; `stopped` where the run ended before it was decided; of a description also `no_problem`, where no
    draft was a problem, and `declined`, where `confirm` did not want it.
    kernel: the accepted kernel's file, None where there is none. source: its text, else that of no kernel, "".
    verdict: of the kernel, or the last on a candidate; None where none was judged.
    run: the run directory; None where nothing was run. problem: the problem's file; None where none was drafted.
    report: as `--kernelfalcon-json` writes it. text: the verdict, or why there is no kernel, for people.
    cost: of all calls of language models, those for a draft too: calls, tokens by kind, dollars (None where a price is
    not known), as in a report; None where none was asked.
    """

    outcome: str
    text: str = field(repr=False)
    kernel: Path | None = None
    source: str = field(default="", repr=False)
    verdict: Verdict | None = field(default=None, repr=False)
    run: Path | None = None
    problem: Path | None = None
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cost: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a kernel."""
        return self.kernel is not None

    def __str__(self) -> str:
        return self.text


def of_run(fuse: Path, problem: Path, report: Path, ended: Ended, calls: Sequence[Event]) -> Generated:
    """fuse: the folder of runs. report: what the run was told to write. calls: of models before the run.

    Raises CannotGenerate and RunFailed.
    """
    if ended.code == USAGE:
        raise CannotGenerate(_said(ended.output))
    data = files.read_json(report)
    if data is None:
        end = f"by signal {-ended.code}" if ended.code < 0 else f"with exit code {ended.code}"
        raise RunFailed(
            f"the run ended {end} and without a report. What it judged is kept: the next call goes on from there. "
            f"It said:\n{ended.output[-TAIL:]}"
        )
    if not data["problems"]:
        raise CannotGenerate(
            f"the options leave nothing to run. Fix: leave out what deselects.\n{ended.output[-TAIL:]}"
        )
    run = RunDir(fuse, data["run_id"])
    cost = costs.total([*calls, *costs.calls(events.of_kinds(run.events, "call", "asked"))])
    return _decided(run, data, ended, problem=problem, cost=cost)


def _decided(run: RunDir, report: dict[str, Any], ended: Ended, **more: Any) -> Generated:
    (about,) = report["problems"]
    folder = run.problem(problem_key(about["path"]))
    verdict = _verdict(about)
    common: dict[str, Any] = {"run": run.path, "verdict": verdict, "report": report, **more}
    if about["outcome"] in KERNEL and folder.composed.is_file():
        source = folder.composed.read_text(encoding="utf-8")
        text = verdict_text.render(verdict, source, str(folder.composed)) if verdict else about["outcome"]
        return Generated(about["outcome"], text, folder.composed, source, **common)
    if about["outcome"] in (None, *KERNEL):  # a kernel that was not composed any more is no result yet
        return Generated(STOPPED, f"the run ended before it was decided:\n{ended.output[-TAIL:]}", **common)
    return Generated(about["outcome"], _why(folder, about), **common)


def _verdict(about: Mapping[str, Any]) -> Verdict | None:
    """Of the subgraph that decides: the first without a kernel, else the first."""
    verdicts = [one["verdict"] for one in about["subgraphs"] if one["verdict"]]
    decides = [verdict for verdict in verdicts if verdict["outcome"] not in KERNEL] or verdicts
    return Verdict.from_json(decides[0]) if decides else None


def _why(folder: ProblemDir, about: Mapping[str, Any]) -> str:
    """The whole story, as the failing item told it; else what the report says."""
    for subgraph in about["subgraphs"]:
        stored = files.read_json(folder.contract(subgraph["id"]) / "accept.json") or {}
        if "failure" in stored:
            return str(stored["failure"]["detail"])
    broken = (files.read_json(folder.plan) or {}).get("broken")
    if broken:
        return str(broken["text"])
    hint = f" Fix: {fix(Cause.named(about['cause']))}." if about["cause"] else ""
    return f"{about['shown']}: {about['outcome']}: {about['message']}.{hint}"


def _said(output: str) -> str:
    """What pytest says of wrong usage, without its own words around it."""
    found = SAID.search(output)
    return (found[1] or found[2]).strip() if found else output[-TAIL:].strip()
