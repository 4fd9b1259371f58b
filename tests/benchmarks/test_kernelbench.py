"""The measuring of many problems: as a command, since its workers import the main module anew."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.problem import sha256

ROOT = Path(__file__).parents[2]
PROBLEM = """import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x + 1.0


rows = 4


def get_inputs():
    return [torch.randn(rows, 8)]


def get_init_inputs():
    return []
"""
NO_MODEL = "def get_inputs():\n    return []\n"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m benchmarks.kernelbench ARGUMENTS`, from the checkout."""
    words = [sys.executable, "-m", "benchmarks.kernelbench", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)


def result(name: str, text: str, outcome: str, cause: str | None = None, message: str = "", **more: object) -> str:
    record = {"name": name, "platform": "cpu", "problem_sha256": sha256(text), "outcome": outcome, "cause": cause}
    record |= {"message": message, "configuration": "", "rounds": 1, "cases": 24, "error_over_eager": None}
    return json.dumps(record | {"seconds": 1.0, "kernel_sha256": None} | more) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two problems: one that the cookbook can do, and a file that is none."""
    problems = tmp_path / "problems"
    problems.mkdir()
    (problems / "2_add.py").write_text(PROBLEM)
    (problems / "10_none.py").write_text(NO_MODEL)
    return tmp_path


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_kernel_is_found_written_and_judged_again_from_its_file(folder: Path) -> None:
    problems, results, kernels = folder / "problems", folder / "results.jsonl", folder / "kernels"
    first = command(problems, results, "--out", kernels, "--jobs", 1)
    assert first.returncode == 0, first.stderr
    by_name = {record["name"]: record for record in records(folder)}
    assert by_name["2_add"]["outcome"] == "accepted"
    assert by_name["2_add"]["problem_sha256"] == sha256(PROBLEM)
    assert by_name["2_add"]["rounds"] == 1
    assert by_name["10_none"]["cause"] == "problem_no_model"
    assert [file.name for file in kernels.iterdir()] == ["2_add.py"]

    (kernels / "2_add.py").write_text("def kernel_function(x):\n    return x + 1.0\n")
    again = command(problems, results, "--kernels", kernels, "--jobs", 1)
    assert "1 problems on cpu: 0 done before, 1 to do" in again.stdout
    assert records(folder)[-1]["cause"] == "torch_operation"


def test_what_is_done_is_not_judged_again_and_counted(folder: Path) -> None:
    (folder / "problems" / "3_conv.py").write_text(PROBLEM)
    results = folder / "results.jsonl"
    results.write_text(
        result("2_add", PROBLEM, "accepted")
        + result("3_conv", PROBLEM, "no_kernel", "exhausted", "no recipe has `conv`")
        + result("10_none", NO_MODEL, "broken", "problem_no_model")
    )
    before = results.read_text()
    run = command(folder / "problems", results)
    assert run.returncode == 0, run.stderr
    assert "3 problems on cpu: 3 done before, 0 to do" in run.stdout
    assert run.stdout.splitlines()[2:] == [
        "accepted        1",
        "no_kernel       1",
        "       1  no recipe has `conv`",
        "broken          1",
        "       1  problem_no_model",
        "problems        3",
    ]
    assert results.read_text() == before


def test_an_unfinished_line_another_text_and_our_own_failure_are_judged_again(folder: Path) -> None:
    results = folder / "results.jsonl"
    other = result("10_none", "another text", "accepted") + result("10_none", NO_MODEL, "failed", "KeyError")
    results.write_text(other + result("10_none", NO_MODEL, "accepted").rstrip("\n"))
    run = command(folder / "problems", results, "--only", "10", "--jobs", 1)
    assert "1 problems on cpu: 0 done before, 1 to do" in run.stdout, run.stderr
    assert [record["outcome"] for record in records(folder)] == ["accepted", "failed", "broken"]


def test_the_limit_records_nothing_of_what_it_cuts_short(folder: Path) -> None:
    run = command(folder / "problems", folder / "results.jsonl", "--limit-seconds", 0, "--jobs", 1)
    assert run.returncode == 0, run.stderr
    assert "not judged      2" in run.stdout
    assert records(folder) == []


def test_one_that_takes_too_long_is_undecided(folder: Path) -> None:
    run = command(folder / "problems", folder / "results.jsonl", "--timeout", 0, "--only", "2", "--jobs", 1)
    assert run.returncode == 0, run.stderr
    (record,) = records(folder)
    assert (record["outcome"], record["cause"]) == ("undecided", "timeout")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--platform", "abacus"], "abacus"),
        (["--only", "one"], "'one' names no problems"),
        (["--only", "7"], "no such problem"),
        (["--kernels", "nowhere"], "'nowhere' is no folder"),
        (["--jobs", "0"], "0 is too few"),
    ],
)
def test_usage_errors_name_the_value(folder: Path, arguments: list[str], words: str) -> None:
    run = command(folder / "problems", folder / "results.jsonl", *arguments)
    assert run.returncode == 2
    assert words in run.stderr


@pytest.mark.parametrize("text", ["do not lose this\nnor this", "a line without its end", '{"of": "another"}\n'])
def test_another_file_is_no_file_of_results_and_stays(folder: Path, text: str) -> None:
    other = folder / "notes.txt"
    other.write_text(text)
    run = command(folder / "problems", other)
    assert run.returncode == 2
    assert "is no file of results" in run.stderr
    assert other.read_text() == text
