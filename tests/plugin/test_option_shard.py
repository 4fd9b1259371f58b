"""`--kernelfalcon-shard I/N`: each problem is in exactly one of the N parts, whatever else there is."""

from __future__ import annotations

import pytest

from tests.conftest import Example, Run
from tests.plugin.conftest import GOOD, FakeJudge
from tests.plugin.repository import commit, git
from tests.plugin.test_stopping import spawn

NAMES = tuple(f"level{number % 3}/{number}_problem.py" for number in range(9))


@pytest.fixture(autouse=True)
def problems(example: Example, judge: FakeJudge) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    for name in NAMES:
        example.problem(name)
    example.script(GOOD)


def shard(example: Example, text: str, *arguments: str) -> Run:
    return example.run(*(arguments or (".",)), f"--kernelfalcon-shard={text}")


def problems_of(run: Run) -> set[str]:
    return {name.split("::")[0] for name in run.ended}


@pytest.mark.parametrize("parts", [1, 4])
def test_each_problem_with_all_its_items_is_in_one_part(example: Example, parts: int) -> None:
    whole = example.run(".", "--co").output
    runs = [shard(example, f"{part}/{parts}") for part in range(1, parts + 1)]
    assert [run.ret for run in runs] == [0] * parts
    found = [name for run in runs for name in problems_of(run)]
    assert sorted(found) == sorted(NAMES)
    assert sum(len(run.ended) for run in runs) == whole.count("<Step") == 4 * len(NAMES)
    assert max(len(problems_of(run)) for run in runs) < 9 or parts == 1


def test_where_a_problem_goes_hangs_on_its_path_alone(example: Example) -> None:
    """The parts of these names, once and for all: another version may not deal them out otherwise in one CI run."""
    assert problems_of(shard(example, "2/3")) == problems_of(shard(example, "2/3", *reversed(NAMES)))
    before = problems_of(shard(example, "1/2"))
    for name in NAMES[::2]:
        (example.path / name).unlink()
    assert problems_of(shard(example, "1/2")) == before - set(NAMES[::2])


def test_from_another_folder_the_parts_are_the_same(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    before = problems_of(shard(example, "1/2", "level0"))
    monkeypatch.chdir(example.path / "level0")
    assert problems_of(shard(example, "1/2", ".")) == before


def test_an_empty_part_is_a_good_run_that_says_so(example: Example) -> None:
    (empty,) = [run for part in (1, 2) if not (run := shard(example, f"{part}/2", NAMES[0])).ended]
    assert empty.ret == 0
    assert "0 of 1 problem\n" in empty.output
    assert "nothing is left to judge" in empty.output


def test_a_node_id_and_minus_k_narrow_a_part_down(example: Example) -> None:
    (run,) = [run for part in (1, 2) if (run := shard(example, f"{part}/2", f"{NAMES[3]}::compose")).ended]
    assert run.ended == {f"{NAMES[3]}::compose": "PASSED"}
    both = [shard(example, f"{part}/2", ".", "-k", "accept") for part in (1, 2)]
    assert sorted(name for run in both for name in run.ended) == sorted(f"{name}::model::accept" for name in NAMES)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "-1/2", "1/2/3", "²/3"])
def test_a_bad_value_is_wrong_usage(example: Example, text: str) -> None:
    run = shard(example, text)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert f"--kernelfalcon-shard: {text!r} (from the command line) is not valid. Fix: give I/N" in run.output


def test_the_environment_names_the_part(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = problems_of(shard(example, "1/2"))
    monkeypatch.setenv("KERNELFALCON_SHARD", "1/2")
    assert problems_of(example.run(".")) == expected != set(NAMES)


def test_workers_share_a_part(example: Example) -> None:
    expected = problems_of(shard(example, "1/3"))
    process = spawn(example, ".", "-n2", "--kernelfalcon-shard=1/3")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert {name for name in NAMES if f"{name}::compose" in output} == expected
    assert f"shard 1/3: {len(expected)} of 9 problems" in output


def test_a_part_of_what_changed(example: Example) -> None:
    git(example.path, "init", "--quiet", "--initial-branch=main")
    commit(example.path)
    for name in NAMES[:5]:
        example.write(name, (example.path / name).read_text() + "# edited\n")
    runs = [shard(example, f"{part}/2", ".", "--kernelfalcon-changed=main") for part in (1, 2)]
    assert sorted(name for run in runs for name in problems_of(run)) == sorted(NAMES[:5])
