"""Whole runs on kernels that another tool wrote."""

from __future__ import annotations

import pytest

from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate

OUT = "--kernelfalcon-author=dir/out"


@pytest.fixture(autouse=True)
def problem(example: Example, judge: FakeJudge) -> None:
    example.problem("problems/level1/3_add.py")


def test_a_wrong_kernel_is_refused_and_the_next_one_of_the_folder_wins(example: Example, judge: FakeJudge) -> None:
    example.write("out/problems/level1/3_add/k2.py", BAD)
    example.write("out/problems/level1/3_add/k10.py", GOOD)
    run = example.run("problems", OUT, "--kernelfalcon-update", "--kernelfalcon-seeds=1")
    assert run.ret == 0, run.output
    (subgraph,) = run.problem()["subgraphs"]
    assert (subgraph["author"], subgraph["seed"], subgraph["round"]) == ("dir/out", 0, 1)
    assert [source for gate, source in judge.asked if gate == "seed"] == [BAD, GOOD]
    assert (example.path / "problems/level1/__kernels__/3_add.py").read_text() == GOOD


def test_each_seed_has_candidates_of_its_own(example: Example, judge: FakeJudge) -> None:
    sources = [candidate("refused", name=f"number {number}") for number in range(3)]
    for number, source in enumerate(sources):
        example.write(f"out/problems/level1/3_add/{number}.py", source)
    run = example.run("problems", OUT, "--kernelfalcon-seeds=2")
    assert sorted(source for gate, source in judge.asked if gate == "seed") == sources
    assert run.problem()["outcome"] == "no_kernel"


def test_what_the_folder_held_in_an_earlier_run_wins_nothing(example: Example) -> None:
    example.write("out/problems/level1/3_add.py", GOOD)
    assert example.run("problems", OUT).ret == 0
    example.write("out/problems/level1/3_add.py", BAD)
    run = example.run("problems", OUT)
    assert (run.ret, run.problem()["outcome"]) == (1, "no_kernel")


def test_a_candidate_that_cannot_be_read_is_told_of_though_another_was_judged(example: Example) -> None:
    example.write("out/problems/level1/3_add/a.py", BAD)
    (example.path / "out/problems/level1/3_add/b.py").write_bytes(b"\xff")
    run = example.run("problems", OUT, "--kernelfalcon-seeds=1")
    (accept,) = (text for name, text in run.texts.items() if name.endswith("accept"))
    assert "the last: refused: output 0 is too far off; not read: " in accept
    assert "b.py (is not UTF-8: invalid start byte at byte 0)" in accept


def test_a_folder_that_is_not_there_is_an_error_before_anything_runs(example: Example, judge: FakeJudge) -> None:
    run = example.run("problems", OUT)
    assert (run.ret, run.ended, judge.asked) == (pytest.ExitCode.USAGE_ERROR, {}, [])
    assert f"--kernelfalcon-author: 'dir/out': '{example.path / 'out'}' is no folder. Fix: " in run.output
    assert not (example.path / ".fuse").exists()
