"""Whether two candidates do the same: message by message, and, where it can be run, bit by bit."""

from __future__ import annotations

import json
import os
from typing import Any

from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.sameness import differences
from pytest_kernelfalcon.judge.trial import How, Trial


def difference(one: Trial, other: Trial) -> str:
    """In words, empty where there is none; both at the problem's own sizes, on the same inputs. Both have started."""
    steps, others = (core(trial.dry(told=True)["steps"]) for trial in (one, other))
    for mine, theirs in zip(steps, others, strict=False):
        if mine != theirs:
            return f"{theirs[:160]} where the kernel says {mine[:160]}"
    if len(steps) != len(others):
        return f"{len(others)} steps where the kernel has {len(steps)}"
    if not one.platform.forms(one.contract, one.dry()["programs"])[0].declared:
        return ""  # they cannot be run here
    other.secret = one.secret
    case = Case.of(one.contract.declared)
    runs = one.run(case, How()), other.run(case, How())
    try:
        found = differences(one, runs[1].got["tensors"], runs[1].outputs_fd, runs[0])
        return next((f"output {output} has other values" for output, _ in found), "")
    finally:
        for run in runs:
            os.close(run.outputs_fd)


def core(steps: list[str]) -> list[str]:
    """Without lines, and without which of an autotuned kernel's configurations it is."""
    messages: list[dict[str, Any]] = [json.loads(step) for step in steps]
    kept = [{name: value for name, value in m.items() if name != "line"} for m in messages if m["op"] != "tune"]
    return [json.dumps(message, sort_keys=True) for message in kept]
