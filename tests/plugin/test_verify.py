"""`python -m pytest_kernelfalcon verify`: its exit codes and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon import __main__ as command
from pytest_kernelfalcon.judge.judge import Unavailable
from tests.conftest import KERNEL, PROBLEM, ROOT
from tests.plugin.conftest import FakeJudge, candidate

BROKEN, ERROR = PROBLEM + "# inspect=broken\n", PROBLEM + "# inspect=error\n"


class Opened(FakeJudge):
    """The fake judge, opened as `verify` opens the real one."""

    def __init__(self, platform: str, sandbox: str, sanitize: bool = False) -> None:
        if sandbox == "require":
            raise Unavailable("the sandbox is not complete here")
        super().__init__()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(command, "Judge", Opened)
    monkeypatch.chdir(tmp_path)
    Path("add.py").write_text(PROBLEM)
    Path("kernel.py").write_text(candidate())
    return Path("add.py"), Path("kernel.py")


def verify(*arguments: str) -> int:
    try:
        return command.main(["verify", "add.py", "kernel.py", *arguments])
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.mark.parametrize(
    ("problem", "kernel", "code", "outcome"),
    [
        (PROBLEM, candidate(), 0, "accepted"),
        (PROBLEM, candidate(accept="specialised"), 0, "specialised"),
        (PROBLEM, candidate(accept="refused"), 1, "refused"),
        (PROBLEM, candidate(accept="undecided"), 3, "undecided"),
        (PROBLEM, candidate(accept="breaks"), 2, "broken"),
        (BROKEN, candidate(), 2, "broken"),
        ("class Model(:\n", candidate(), 2, "broken"),
    ],
)
def test_the_exit_code_follows_the_outcome(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], problem: str, kernel: str, code: int, outcome: str
) -> None:
    files[0].write_text(problem)
    files[1].write_text(kernel)
    assert verify("--json") == code
    assert json.loads(capsys.readouterr().out)["outcome"] == outcome
    assert verify() == code
    assert outcome in capsys.readouterr().out


def test_a_refusal_says_where_by_how_much_and_what_to_do(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[1].write_text(candidate(accept="refused"))
    verify()
    assert capsys.readouterr().out.splitlines() == [
        "refused: inaccurate",
        "kernel.py:1: output 0 is too far off",
        "  >    1 | # seed=accepted accept=refused",
        "  worst element: output 0 at [1]: got 1, want 2, 1.25 times eager's error",
        "  fix: look at the worst element",
        "  8 cases on cpu, stage accept, 0.50 s",
        "  no repro.py: the verdict names no case that a run could show",
    ]


def test_a_broken_problem_is_named_and_not_the_kernel(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text(BROKEN)
    verify()
    assert capsys.readouterr().out.splitlines()[:5] == [
        "broken: problem_forward", "add.py:3: `forward` raises: ValueError: no",
        '       1 | """Adds one."""', "       2 |", "  >    3 | import torch",
    ]  # fmt: skip


def test_a_kernel_that_is_no_text_is_refused(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[1].write_bytes(b"\xff\xfe")
    assert verify("--json") == 1
    assert json.loads(capsys.readouterr().out)["cause"] == "source_unreadable"


def test_a_refusal_leaves_a_script_where_it_is_asked_for(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[1].write_text(candidate(accept="refused", name="case"))
    assert verify("--repro=shown.py") == 1
    assert "repro: python shown.py" in capsys.readouterr().out
    first = Path("shown.py").read_text()
    assert "accept=refused" in first
    assert verify("--repro=shown.py", "--json") == 1, "a script of ours is written again"
    shown = capsys.readouterr()
    assert json.loads(shown.out)["outcome"] == "refused"
    assert shown.err == "repro: python shown.py\n"


def test_without_a_place_it_goes_below_the_folder_of_runs(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[1].write_text(candidate(accept="refused", name="case"))
    verify()
    (path,) = Path().glob(".fuse/verify/kernel-*/repro.py")
    assert f"repro: python {path.absolute()}" in capsys.readouterr().out
    assert Path(".fuse/.gitignore").read_text() == "*\n"
    files[1].write_text(candidate())
    path.unlink()
    verify()
    assert not path.exists(), "there is nothing to show of an accepted kernel"


@pytest.mark.parametrize("there", ["kernel.py", "folder"])
def test_no_other_file_is_overwritten(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], there: str) -> None:
    Path("folder").mkdir()
    before = files[1].read_text()
    assert verify(f"--repro={there}") == 2
    assert f"--repro: '{there}' is there already, and is no repro.py. Fix: name another" in capsys.readouterr().err
    assert files[1].read_text() == before


def test_a_judge_that_fails_is_no_verdict(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[0].write_text(ERROR)
    assert verify("--json") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "the judge failed, which says nothing about the kernel: the zygote died\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify"], "PROBLEM"),
        (["verify", "add.py", "none.py"], "'none.py' is not a file"),
        (["verify", "add.py", "kernel.py", "--platform=tpu"], "invalid choice: 'tpu'"),
        (["verify", "add.py", "kernel.py", "--sandbox=require"], "the sandbox is not complete here"),
        ([], "command"),
    ],
)
def test_wrong_usage(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_real_command_judges_a_real_kernel(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text(PROBLEM)
    (tmp_path / "kernel.py").write_text(KERNEL.replace("mask = offsets < n", "mask = offsets < n - 1"))
    run = subprocess.run(
        [sys.executable, "-m", "pytest_kernelfalcon", "verify", "add.py", "kernel.py", "--platform=cpu"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.startswith("refused: unwritten_output\nkernel.py"), run.stdout
    assert "fix: launch enough programs and check the store's mask" in run.stdout


def test_a_candidate_gives_github_no_commands(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].write_text(candidate(accept="refused", name="##[add-mask]secret"))
    verify()
    assert "##[add-mask]secret" in capsys.readouterr().out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    verify()
    assert "## [add-mask]secret" in capsys.readouterr().out
