"""What a run found out is not worked out again by the next one, however it ended."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.rundir import RunDir
from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate
from tests.plugin.test_stopping import spawn, wait_for
from tests.processes import all_end, begun, below, wait_until

ACCEPT, COMPOSE, SEED = "add.py::model::accept", "add.py::compose", "add.py::model::seed[0]"
WORSE = candidate("refused", name="worse")
TOO_SLOW = candidate("undecided")


@pytest.fixture(autouse=True)
def one_seed(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")


def stored(example: Example) -> list[Path]:
    return sorted(example.path.glob(".fuse/state/*/*/seed0/round?.json"))


def judged(judge: FakeJudge) -> list[str]:
    """The candidates that were judged since the last time, at the gate *seed*."""
    found = [source for gate, source in judge.asked if gate == "seed"]
    judge.asked.clear()
    return found


def test_a_seed_that_lost_ends_at_once_and_is_told_as_restored(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, WORSE)
    first = example.run("add.py")
    assert judged(judge) == [BAD, WORSE]
    again = example.run("add.py")
    assert judged(judge) == []
    assert (again.ret, again.ended) == (1, first.ended)
    assert first.texts[SEED].startswith("Skipped: 2 rounds without a kernel; the last: refused: ")
    assert again.texts[SEED].startswith("Skipped: 2 rounds (2 judged in an earlier run) without a kernel; the last: ")
    (before,), (now,) = first.problem()["subgraphs"], again.problem()["subgraphs"]
    assert (before["rounds"], before["restored"], now["rounds"], now["restored"]) == (2, 0, 0, 2)
    assert "  >    1 | # seed=refused" in again.texts[ACCEPT], "the run directory holds the candidates all the same"


def test_more_rounds_go_on_from_those_that_there_were(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, WORSE, GOOD)
    assert example.run("add.py", "--kernelfalcon-rounds=2").ret == 1
    judge.asked.clear()
    run = example.run("add.py")
    assert judged(judge) == [GOOD]
    assert run.ret == 0
    assert run.problem()["subgraphs"][0]["round"] == 2


def test_fresh_takes_nothing_over(example: Example, judge: FakeJudge) -> None:
    example.script(BAD)
    example.run("add.py")
    judge.asked.clear()
    example.run("add.py", "--kernelfalcon-fresh")
    assert judged(judge) == [BAD]


def test_from_a_candidate_that_changed_on_everything_is_judged(example: Example, judge: FakeJudge) -> None:
    last = candidate("refused", name="last")
    example.script(BAD, WORSE, last)
    example.run("add.py")
    judge.asked.clear()
    other = candidate("refused", name="other")
    example.script(BAD, other)
    example.run("add.py")
    assert judged(judge) == [other, last], "what followed was told of another candidate"


def test_a_verdict_of_the_moment_is_asked_for_again(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, TOO_SLOW, WORSE)
    example.run("add.py")
    judge.asked.clear()
    example.run("add.py")
    assert judged(judge) == [TOO_SLOW]


def test_a_seed_goes_on_after_what_accept_refused(example: Example, judge: FakeJudge) -> None:
    wrong = candidate("accepted", "refused")
    example.script(wrong, GOOD)
    assert example.run("add.py").ended[SEED] == "WON"
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "accept"]
    judge.asked.clear()
    run = example.run("add.py")
    assert judge.asked[2:] == [("seed", GOOD), ("accept", GOOD)], "the refused one is judged at no gate again"
    assert run.problem()["subgraphs"][0]["round"] == 1


def test_each_list_of_authors_has_rounds_of_its_own(example: Example, judge: FakeJudge) -> None:
    example.script(BAD)
    example.write("other/round0.py", WORSE)
    example.run("add.py")
    example.run("add.py", "--kernelfalcon-author=scripted/other")
    judge.asked.clear()
    example.run("add.py")
    assert judged(judge) == []


class Talker:
    """An author that never says the same again, as language models."""

    name = "talker"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def propose(self, contract: object, history: list[object], seed: int, control: object) -> object:
        from pytest_kernelfalcon.generator.author import Proposal

        self.asked.append([round.proposal.source for round in history])  # type: ignore[attr-defined]
        return Proposal(candidate("refused", name=f"number {len(self.asked)}"))


def test_what_an_author_said_that_does_not_answer_alike_is_taken_as_said(
    example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker = Talker()
    monkeypatch.setattr("pytest_kernelfalcon.generator.registry.resolve", lambda *_: talker)
    example.run("add.py", "--kernelfalcon-rounds=2")
    first = judged(judge)
    example.run("add.py", "--kernelfalcon-rounds=2")
    assert (len(talker.asked), judged(judge)) == (2, [])
    example.run("add.py", "--kernelfalcon-rounds=3")
    assert talker.asked[2] == first, "it is told of all that it has said"
    assert len(judged(judge)) == 1


DAMAGES = {
    "garbage": lambda path: path.write_bytes(b"\xff\x00garbage"),
    "half": lambda path: path.write_text(path.read_text()[:-40]),
    "empty": lambda path: path.write_text(""),
    "another's": lambda path: path.write_text('{"schema": 1}'),
    "a list": lambda path: path.write_text("[1]"),
    "changed": lambda path: path.write_text(path.read_text().replace('"refused"', '"accepted"')),
    "a folder": lambda path: (path.unlink(), path.mkdir(), (path / "file").touch()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_round_is_set_aside_in_one_line_and_judged_again(
    example: Example, judge: FakeJudge, damage: object
) -> None:
    example.script(BAD, WORSE)
    example.run("add.py")
    judge.asked.clear()
    path = stored(example)[1]
    damage(path)  # type: ignore[operator]
    run = example.run("add.py")
    assert judged(judge) == [WORSE]
    assert run.ended[SEED] == "LOST"
    (line,) = [line for line in run.output.splitlines() if "set aside" in line]
    assert line.startswith(f"kernelfalcon: {path}: ")
    assert "Traceback" not in run.output
    assert example.run("add.py").output.count("set aside") == 0
    assert judged(judge) == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_winner_is_set_aside_and_nothing_is_lost(example: Example, judge: FakeJudge, damage: object) -> None:
    example.script(BAD, GOOD)
    example.run("add.py")
    judge.asked.clear()
    (winner,) = example.path.glob(".fuse/state/*/winner.json")
    damage(winner)  # type: ignore[operator]
    run = example.run("add.py")
    assert (run.ret, judged(judge)) == (0, [])
    assert run.output.count("set aside") == (0 if damage is DAMAGES["changed"] else 1)


def test_what_is_stored_accepts_nothing(example: Example, judge: FakeJudge) -> None:
    """A whole and well-sealed lie about a wrong kernel: the gate *accept* asks the judge."""
    from pytest_kernelfalcon.contracts.problem import sha256

    wrong = candidate("refused", "refused")
    example.script(wrong)
    example.run("add.py")
    (path,) = stored(example)
    data = json.loads(path.read_text())["data"]
    data["verdict"] |= {"outcome": "accepted", "cause": None}
    path.write_text(json.dumps({"sha256": sha256(files.to_json(data)), "data": data}))
    judge.asked.clear()
    run = example.run("add.py")
    assert (run.ret, run.ended[ACCEPT], run.ended[COMPOSE]) == (1, "FAILED", "FAILED")
    assert judge.asked[2:] == [("accept", wrong)]
    assert example.run("add.py").ended[SEED] == "LOST", "and the lie is over"


@pytest.mark.parametrize("name", ["subgraphs.json", "kernels_out/model/accept.json", "kernels_out/model/winner.json"])
@pytest.mark.parametrize("text", [b"\xff", b"{", b'{"wrong": 1}'])
def test_a_damaged_file_of_the_run_is_an_error_of_one_line(example: Example, name: str, text: bytes) -> None:
    """In the midst of a run: what an item needs is damaged before it is run."""
    example.script(GOOD)
    example.write(
        "conftest.py",
        f"""
import pathlib

def pytest_runtest_setup(item):
    if item.name == "compose":
        (path,) = pathlib.Path.cwd().glob(".fuse/2*/add-*/{name}")
        path.write_bytes({text!r})
        for other in path.parent.glob("accept.json"):
            other.write_bytes({text!r})
        item.getparent(__import__("pytest").Module).synthesis._plan = None
""",
    )
    run = example.run("add.py")
    assert (run.ret, run.ended[COMPOSE]) == (1, "ERROR")
    assert run.texts[COMPOSE].count("\n") == 0
    assert run.texts[COMPOSE].startswith(f"{COMPOSE}: /")
    assert "Traceback" not in run.output


FULL = """
import resource


def pytest_runtest_setup(item):
    if item.name == "accept":
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_full_disk_ends_the_run_with_one_line_and_the_next_goes_on(
    example: Example, judge: FakeJudge, workers: str
) -> None:
    """No file may grow above 200 bytes from *accept* on: the same error as that of a full disk, but for its number."""
    example.script(BAD, GOOD)
    example.write("conftest.py", FULL)
    process = spawn(example, "add.py", workers, "-p", "no:cacheprovider")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == pytest.ExitCode.INTERNAL_ERROR, output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    assert "[Errno 27] File too large: '" in output
    assert "events.jsonl'. What was judged before is kept" in output
    assert "FAILED" not in output, "no false verdict"
    example.path.joinpath("conftest.py").unlink()
    run = example.run("add.py")
    assert (run.ret, judged(judge)) == (0, [])


NO_ROOM = FULL.replace("runtest_setup(item)", "collection_finish(session)").replace('item.name == "accept"', "True")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_disk_that_is_full_before_anything_runs_is_one_line(example: Example, workers: str) -> None:
    example.script(GOOD)
    example.write("conftest.py", NO_ROOM)
    process = spawn(example, "add.py", workers, "-p", "no:cacheprovider")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == pytest.ExitCode.INTERNAL_ERROR, output
    assert "Traceback" not in output
    assert "[Errno 27] File too large: '" in output
    assert "code.py.tgz'" in output


def test_a_report_that_cannot_be_written_is_an_error_of_one_line(example: Example) -> None:
    example.script(GOOD)
    example.write("file", "")
    run = example.run("add.py", "--kernelfalcon-json=file/report.json")
    assert run.ret == pytest.ExitCode.INTERNAL_ERROR
    assert set(run.ended.values()) == {"WON", "PASSED"}
    (line,) = [line for line in run.output.splitlines() if line.startswith("kernelfalcon: [Errno ")]
    assert f"'{example.path / 'file' / 'report.json'}'" in line
    assert "Traceback" not in run.output


def test_what_a_killed_run_had_judged_is_not_judged_again(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, WORSE, candidate("hang"))
    process = spawn(example, "add.py")
    wait_for(example, ".fuse/state/*/*/seed0/round1.json", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    example.script(BAD, WORSE, GOOD)
    run = example.run("add.py")
    assert (run.ret, judged(judge)) == (0, [GOOD])
    assert len(list(example.path.glob(".fuse/2*"))) == 2


INTERRUPTED = """
import os
import pathlib


def pytest_keyboard_interrupt():
    pathlib.Path(f"interrupted-{os.getpid()}").touch()
"""


def test_workers_end_with_their_controller_and_do_no_more(example: Example) -> None:
    """Left to execnet they would work on for seconds and be interrupted then."""
    for name in ("one.py", "two.py"):
        example.problem(name)
    example.script(candidate("hang"))
    example.write("conftest.py", INTERRUPTED)
    process = spawn(example, "one.py", "two.py", "-n2", "--dist=loadfile")
    for name in ("one", "two"):
        wait_for(example, f".fuse/*/{name}-*/kernels_out/model/seed0/started", process)
    started = [begun(pid) for pid in below(process.pid)]
    assert len(started) == 2
    process.kill()
    process.communicate()
    assert all_end(started, 60)
    assert not list(example.path.glob("interrupted-*"))


def test_what_another_run_is_keeping_is_waited_for(example: Example) -> None:
    """Else a kernel may be left with another one's manifest."""
    example.problem()
    example.script(GOOD)
    kernel = example.path / "__kernels__" / "add.py"
    with files.try_lock(RunDir(example.path / ".fuse", "another").keeping(kernel)) as mine:
        assert mine
        process = spawn(example, "add.py", "--kernelfalcon-update")
        wait_for(example, ".fuse/2*/add-*/compose_out/composed_kernel.lock", process)
        assert not wait_until(kernel.exists, 1)
        assert process.poll() is None
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert kernel.read_text() == GOOD
