"""A judge that decides by what problems and candidates say of themselves: fast, and able to fail in every way."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from pytest_kernelfalcon import session
from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract, Output
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round
from pytest_kernelfalcon.judge.figures import Figures
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.platforms import Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError, Verdict
from pytest_kernelfalcon.options import Options


def candidate(seed: str = "accepted", accept: str = "accepted", name: str = "") -> str:
    """A candidate that the fake judge will judge so at each gate."""
    return f"# seed={seed} accept={accept} {name}\n"


GOOD, BAD, WRONG_AT_ACCEPT = candidate(), candidate("refused"), candidate("accepted", "refused")


@dataclass
class FakeJudge:
    """A problem says `# inspect=broken|error|unavailable|waits` (until there is a file `finished-*`).

    A candidate says `# seed=OUTCOME accept=OUTCOME`, a problem `# kernels=OUTCOME` of all candidates for it.

    Where it ends with the word `case`, a refusal names one.

    Besides outcomes: `error` (the judge fails), `breaks` (the problem does), `hang` (until it is stopped).
    """

    platform: str = "cpu"
    device: str = "fake"
    targets: tuple[int, ...] = (80, 90)
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False
    lacks: list[str] = field(default_factory=list)

    def __enter__(self) -> FakeJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lacking(self) -> list[str]:
        return self.lacks

    def inspect(self, problem: Problem, control: Control) -> Contract:
        self.asked.append(("inspect", problem.path))
        says = _says(problem.text, "inspect")
        if says == "broken":
            raise ProblemError(problem.path, Cause.PROBLEM_FORWARD, line=3, detail="ValueError: no")
        if says == "error":
            raise JudgeError("the zygote died")
        while says == "waits" and not list(Path.cwd().glob("finished-*")):
            time.sleep(0.01)
        control.check()
        if says == "unavailable":
            raise Unavailable("the sandbox is not complete here")
        return Contract(
            id="anything", source={"module": problem.path, "code": problem.text}, inputs=[], state=[],
            outputs=[Output((2,), "float32")], output_tree={"v": None}, ops=["add"], sizes={}, declared={},
            admitted={}, shrunk=None, admitted_shrunk={},
        )  # fmt: skip

    def judge(self, contract: Contract, source: str, gate: Literal["seed", "accept"], control: Control) -> Verdict:
        self.asked.append((gate, source))
        says = _says(contract.source["code"], "kernels", _says(source, gate))
        if says == "error":
            raise JudgeError("the executor died")
        if says == "breaks":
            raise ProblemError("bad.py", Cause.PROBLEM_MEMORY, detail="forward")
        while says == "hang":
            control.check()
            time.sleep(0.01)
        worst = {"output": 0, "index": [1], "got": 1.0, "want": 2.0, "error_over_eager": 1.25}
        refused = {"cause": "inaccurate", "message": "output 0 is too far off", "fix": "look at the worst element",
                   "where": {"file": "candidate.py", "line": 1, "program": None}}  # fmt: skip
        undecided = {
            "cause": "not_runnable",
            "message": "cannot be run on this platform: waits",
            "fix": "judge it on a GPU",
        }
        if source.rstrip().endswith(" case"):
            refused["case"] = {"sizes": {}, "dtypes": "declared", "strides": "declared", "values": "drawn"}
        facts = {"refused": refused, "undecided": undecided}.get(says, {})
        if found := re.search(r"registers=(\d+)", source):
            facts |= {"targets": {"sm_90": {"status": "ok", "registers": int(found[1]), "spills": 0, "shared": 512}}}
        return Verdict(
            says, gate, worst=worst, cases=8, platform="cpu", device="fake", kernel_sha256=sha256(source),
            versions={"torch": "2"}, seconds={"run": 0.5}, **facts,
        )  # type: ignore[arg-type]  # fmt: skip

    def figures(self, contract: Contract, source: str, control: Control) -> Figures:
        """A candidate says `# registers=N`, or `compiles=no`, or `compiles=error` where the judge fails."""
        self.asked.append(("figures", source))
        match _says(source, "compiles"):
            case "no":
                return Figures({"sm_90": {"status": "error"}}, "compile_error", "it does not compile")
            case "error":
                raise JudgeError("the compiler's process died")
        registers = _says(source, "registers").replace("accepted", "0")
        return Figures({"sm_90": {"status": "ok", "registers": int(registers), "spills": 0, "shared": 512}})

    def start(self) -> None:
        self.asked.append(("start", ""))

    def close(self) -> None:
        self.closed = True


def _says(text: str, word: str, otherwise: str = "accepted") -> str:
    found = re.search(rf"\b{word}=(\w+)", text)
    return found[1] if found else otherwise


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> FakeJudge:
    """The judge of every run in this test."""
    fake = FakeJudge()

    def open_judge(options: Options, cache: Path, *_: object) -> FakeJudge:
        return fake

    monkeypatch.setattr(session, "open_judge", open_judge)
    return fake


@pytest.fixture(scope="session")
def real() -> Iterator[Judge]:
    """One real judge for all tests that need one: its processes take seconds to start."""
    with Judge("cpu") as judge:
        yield judge


@pytest.fixture
def shared(real: Judge, monkeypatch: pytest.MonkeyPatch) -> type[object]:
    """Runs of this test borrow the real judge and do not close it."""

    class Borrowed:
        platform, device, targets = real.platform, real.device, real.targets
        lacking, start, inspect = real.lacking, real.start, real.inspect
        judge, figures = real.judge, real.figures

        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Borrowed:
            return self

        def __exit__(self, *_: object) -> None: ...

        def close(self) -> None: ...

    def open_judge(options: Options, cache: Path, *_: object) -> Borrowed:
        return Borrowed()

    monkeypatch.setattr(session, "open_judge", open_judge)
    return Borrowed


class Author:
    """Knows a kernel for one problem only."""

    name = "knowing"

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        if history:
            return Exhausted("no more")
        return Proposal(GOOD if contract.source["module"] == "accepted.py" else BAD)


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every author has a kernel for `accepted.py` alone."""
    monkeypatch.setattr(registry, "resolve", lambda *_: Author())
