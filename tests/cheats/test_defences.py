"""Every defence is needed: with it left out, a cheat that it stops is accepted; or it is a second line, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.gates import GateName
from pytest_kernelfalcon.judge.host import Child, Line, Zygote
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.wire import Channel
from tests.cheats.court import CASES, Court, expected
from tests.cheats.defences import DEFENCES, Defence
from tests.cheats.left_out import LEFT_OUT

SHOWN = [defence for defence in DEFENCES if not defence.second_line]


class Weak(Zygote):
    """A zygote whose forks may leave out a defence."""

    program = (str(Path(__file__).with_name("left_out.py")),)


class Without(Line):
    """A line to such a zygote; each fork leaves out the named defence."""

    def __init__(self, kind: str, channel: Channel, name: str) -> None:
        super().__init__(kind, channel)
        self.name = name

    def fork(self, role: str, job: dict[str, Any], control: Control, fds: Sequence[int] = ()) -> Child:
        return super().fork(role, job | {"without": self.name}, control, fds)

    def last_words(self) -> str:
        return f"a fork without {self.name}"


@pytest.fixture(scope="module")
def weak() -> Iterator[dict[str, Zygote]]:
    """The same two for all defences that live in a fork."""
    zygotes = {kind: Weak(kind, "auto") for kind in ("plain", "interpreted")}
    try:
        for zygote in zygotes.values():
            zygote.wait(Control())
        yield zygotes
    finally:
        for zygote in zygotes.values():
            zygote.close()


@contextmanager
def lenient(defence: Defence, court: Court, gate: GateName, request: pytest.FixtureRequest) -> Iterator[Court]:
    """A court that does without."""
    opened = None
    if defence.name in LEFT_OUT:
        zygotes = request.getfixturevalue("weak")
        opened = partial(line, zygotes, defence.name)
    sandbox = "off" if defence.name == "sandbox" else "auto"
    with defence.parent() if defence.parent else nullcontext():
        if opened is None and sandbox == "auto":
            yield Court(court.judge, court.contract, gate)
        else:
            cache = request.getfixturevalue("compiled")
            with Judge("cpu", sandbox=sandbox, cache=cache, opened=opened) as judge:
                yield Court(judge, None if defence.name == "admissible problems" else court.contract, gate)


def line(zygotes: dict[str, Zygote], name: str, kind: str) -> Line:
    return Without(kind, zygotes[kind].lend(), name)


@pytest.mark.parametrize("defence", SHOWN, ids=lambda defence: defence.name)
def test_a_cheat_passes_without(defence: Defence, court: Court, request: pytest.FixtureRequest) -> None:
    if court.judge.platform != "cpu":
        pytest.skip("a judge on the CPU is weakened")
    assert expected(defence.passes)["defence"] == defence.name
    gate: GateName = "seed" if defence.behind else "accept"
    if defence.behind:
        sentence = Court(court.judge, court.contract, gate).cheat(defence.passes)
        assert sentence.cause in expected(defence.passes)["causes"], sentence
    with lenient(defence, court, gate, request) as weakened:
        sentence = weakened.cheat(defence.passes)
    assert sentence.outcome == "accepted", sentence


def test_every_defence_is_named_by_a_cheat() -> None:
    assert {defence.name for defence in DEFENCES} == {expected(case)["defence"] for case in CASES}
    assert len(DEFENCES) == len({defence.name for defence in DEFENCES})


def test_what_is_left_out_in_a_fork_is_a_defence() -> None:
    in_forks = {defence.name for defence in SHOWN if defence.parent is None}
    assert in_forks == LEFT_OUT.keys() | {"sandbox"}
