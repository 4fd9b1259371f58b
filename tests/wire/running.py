"""Whole runs of pytest that ask the server of these tests."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from pytest_kernelfalcon.generator.llm import registry
from pytest_kernelfalcon.store import events
from tests.conftest import KERNEL, PROBLEM, Example, Run
from tests.plugin.conftest import FakeJudge
from tests.plugin.test_stopping import FAKE
from tests.wire.asking import KEY, WIRES, environment
from tests.wire.model import Model, Move
from tests.wire.server import WireServer

MODEL = "m-1"
LIMIT_S = 100
"""For what ends by itself, on a loaded machine."""


def kernel(number: int, seed: str = "refused", accept: str = "accepted") -> str:
    """A candidate that differs from those with other numbers, and that the fake judge will judge so."""
    return f"# seed={seed} accept={accept}\n" + KERNEL.replace("x + 1.0", f"x + {number}.0")


def right(number: int = 1) -> str:
    return kernel(number, "accepted")


def problem(name: str) -> str:
    """One that a prompt can be told by."""
    return PROBLEM.replace("Adds one.", f"Adds one: {name}.")


def about(**moves: Sequence[Move]) -> Model:
    """A model with a list of moves for each problem, by its name."""
    return Model({f"Adds one: {name}.": listed for name, listed in moves.items()})


def author(wire: str, model: str = MODEL) -> str:
    return f"{WIRES[wire][0]}/{model}"


class Wired:
    """A tree of problems, and pytest run on it with a model of the server's. judge: of runs in this process."""

    def __init__(self, example: Example, judge: FakeJudge | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.example, self.judge, self._monkeypatch = example, judge, monkeypatch

    def problems(self, *names: str) -> None:
        for name in names:
            self.example.problem(f"{name}.py", problem(name))

    def run(self, wire: str, server: WireServer | str, *arguments: str, key: str = KEY) -> Run:
        """In this process."""
        for name, value in self._environment(wire, server, key).items():
            self._monkeypatch.setenv(name, value)
        return self.example.run(*_chosen(wire, arguments))

    def spawn(
        self, wire: str, server: WireServer | str, *arguments: str, key: str = KEY, plugin: str = FAKE
    ) -> subprocess.Popen[str]:
        """In processes of its own, with the judge that `plugin` puts there."""
        self.example.write("fake.py", plugin)
        given = ("-p", "fake", "--kernelfalcon", "-v", *_chosen(wire, arguments))
        return self.example.spawn(*given, **self._environment(wire, server, key), PYTHONDONTWRITEBYTECODE="1")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Of the last run, in their order."""
        last = max(self.example.path.glob(".fuse/2*/events.jsonl"))
        return [one for one in events.read(last) if kind in ("", one["event"])]

    def judged(self, gate: str = "seed") -> list[str]:
        """What the fake judge of this process was asked to judge."""
        assert self.judge is not None
        return [source for asked, source in self.judge.asked if asked == gate]

    def _environment(self, wire: str, server: WireServer | str, key: str) -> dict[str, str]:
        name = WIRES[wire][0]
        for package in registry.PROVIDERS[name][1]:
            pytest.importorskip(package, reason=f"{package} is not installed: {name} cannot be asked here")
        values = environment(wire, server if isinstance(server, str) else server.url, key)
        return {name: value for name, value in values.items() if value}


def _chosen(wire: str, arguments: Iterable[str]) -> list[str]:
    given = list(arguments)
    if not any(one.startswith("--kernelfalcon-author") for one in given):
        given.insert(0, f"--kernelfalcon-author={author(wire)}")
    if not any(one.startswith("--kernelfalcon-seeds") for one in given):
        given.insert(0, "--kernelfalcon-seeds=1")
    return given


def ended(process: subprocess.Popen[str]) -> str:
    """The output of a run that ends by itself; it must be one without an error of ours."""
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert "INTERNALERROR" not in output, output
    assert "Traceback" not in output, output
    return output


def reach(process: subprocess.Popen[str], there: Callable[[], bool]) -> None:
    """Waits until the run has come so far."""
    end = time.monotonic() + LIMIT_S
    while not there():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it does not come so far"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    return ended(process)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
