"""A search over the wire that is stopped in the middle closes what it listens to, and goes on without asking again."""

from __future__ import annotations

import pytest

from tests.plugin.test_stopping import FAKE
from tests.wire import model
from tests.wire.asking import SPOKEN
from tests.wire.running import LIMIT_S, Wired, about, interrupt, kernel, kill, reach, right
from tests.wire.server import wire

MOVES = [model.limited, model.code(kernel(2)), model.talking(kernel(3)), model.endless, model.code(right())]
ENDLESS = MOVES.index(model.endless)
"""The question at which a seed is stopped."""


@pytest.mark.parametrize("name", SPOKEN)
def test_four_workers_that_are_interrupted_leave_their_streams_and_the_next_run_asks_nothing_again(
    wired: Wired, name: str
) -> None:
    wired.problems("one", "two")
    script = about(one=MOVES, two=MOVES)
    with wire(script) as server:
        process = wired.spawn(name, server, "-n4", "--kernelfalcon-seeds=2", "one.py", "two.py")
        reach(process, lambda: len(script.numbered(ENDLESS)) == 4)
        output = interrupt(process)
        assert process.returncode == pytest.ExitCode.INTERRUPTED, output
        assert all(asked.request.left.wait(LIMIT_S) for asked in script.numbered(ENDLESS))
        before = len(script.asked)
        run = wired.run(name, server, "one.py", "two.py", "--kernelfalcon-seeds=2")
    assert run.ret == 0, run.output
    assert sorted(run.ended.values()) == ["CANCELLED"] * 2 + ["PASSED"] * 4 + ["WON"] * 2
    assert script.asked_again() == []
    assert len(script.asked) - before == 2, "one question for each problem"
    assert wired.judged() == [right(), right()], "what was judged is not judged again"


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_run_that_is_killed_while_it_listens_goes_on_without_asking_again(wired: Wired, workers: str) -> None:
    wired.problems("one")
    script = about(one=MOVES)
    with wire(script) as server:
        process = wired.spawn("chat", server, workers, "--kernelfalcon-seeds=2", "one.py")
        reach(process, lambda: len(script.numbered(ENDLESS)) == (1 if workers == "-n0" else 2))
        kill(process)
        assert all(asked.request.left.wait(LIMIT_S) for asked in script.numbered(ENDLESS))
        before = len(script.asked)
        run = wired.run("chat", server, "one.py", "--kernelfalcon-seeds=2")
    assert run.ret == 0, run.output
    assert script.asked_again() == []
    assert len(script.asked) - before == 1
    assert wired.judged() == [right()]


SLOW = """
import time

judged = FakeJudge.judge


def judge(self, contract, source, gate, control):
    while "x + 3.0" in source:
        control.check()
        time.sleep(0.01)
    return judged(self, contract, source, gate, control)


FakeJudge.judge = judge
"""


def test_an_answer_whose_judging_was_killed_is_judged_and_not_asked_for_again(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.code(kernel(2)), model.code(kernel(3)), model.code(right())])
    with wire(script) as server:
        process = wired.spawn("messages", server, "one.py", plugin=FAKE + SLOW)
        reach(process, lambda: bool(list(wired.example.path.glob(".fuse/state/*/*/seed0/round1.json"))))
        kill(process)
        run = wired.run("messages", server, "one.py")
    assert run.ret == 0, run.output
    assert (script.asked_again(), len(script.asked)) == ([], 3)
    assert wired.judged() == [kernel(3), right()]
