"""The plugin of a soak's runs: a judge that decides by the problem's table and notes what it was asked."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any, Literal

import pytest_kernelfalcon.session
from pytest_kernelfalcon.contracts.contract import Contract, Output
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store import files

JUDGED = "judged.jsonl"
MARK = "# soak="
"""Begins the line of a problem that holds its table."""


class TableJudge:
    """Notes each question in `judged.jsonl`, with whether its answer lay in the state already."""

    platform, device, targets = "cpu", "table", (80, 90)

    def lacking(self) -> list[str]:
        return []

    def start(self) -> None: ...

    def close(self) -> None: ...

    def inspect(self, problem: Problem, control: Control) -> Contract:
        return Contract(
            id="anything", source={"module": problem.path, "code": problem.text}, inputs=[], state=[],
            outputs=[Output((2,), "float32")], output_tree={"v": None}, ops=["add"], sizes={}, declared={},
            admitted={}, shrunk=None, admitted_shrunk={},
        )  # fmt: skip

    def judge(self, contract: Contract, source: str, gate: Literal["seed", "accept"], control: Control) -> Verdict:
        code = contract.source["code"]
        says = json.loads(code.rpartition(MARK)[2])
        seed, number = (int(found) for found in re.findall(r"=(\d+)", source))
        *outcomes, seconds = says["table"][seed][number]
        known = gate == "seed" and _stored(seed, number, sha256(code), sha256(source))
        entry = {"problem": says["name"], "gate": gate, "seed": seed, "round": number, "known": known}
        files.append(Path(JUDGED), (json.dumps(entry | {"pid": os.getpid()}) + "\n").encode())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            control.check()
            time.sleep(0.01)
        facts: dict[str, Any] = {"problem_sha256": sha256(code), "kernel_sha256": sha256(source)}
        outcome = outcomes[gate == "accept"]
        if outcome == "refused":
            facts |= {"cause": "inaccurate", "message": "output 0 is too far off", "fix": "mend it"}
        return Verdict(outcome, gate, cases=8, platform="cpu", device="table", versions={"torch": "2"}, **facts)


def _stored(seed: int, number: int, problem: str, kernel: str) -> bool:
    """Whether a round of the state holds the verdict."""
    for path in Path.cwd().glob(f".fuse/state/*/*/seed{seed}/round{number}.json"):
        verdict = json.loads(path.read_text())["data"]["verdict"]
        if (verdict["problem_sha256"], verdict["kernel_sha256"]) == (problem, kernel):
            return True
    return False


def open_judge(*_: object) -> TableJudge:
    return TableJudge()


def pytest_configure() -> None:
    """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_configure

    As a plugin of the runs that are soaked: whoever only imports this keeps the real judge.
    """
    pytest_kernelfalcon.session.open_judge = open_judge  # type: ignore[assignment]
