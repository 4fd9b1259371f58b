"""A problem that an answer without a computation would satisfy: no kernel is kept for it, nor trusted if one was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kernelfalcon import __main__ as command
from pytest_kernelfalcon.contracts.problem import sha256
from tests.conftest import KERNEL, PROBLEM, Example

TRIVIAL = PROBLEM.replace("x + 1.0", "x - x")
SAYS = "output 0 is 0.0 whatever the inputs are"


def kept(example: Example) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((example.path / "__kernels__").glob("*"))}


@pytest.mark.usefixtures("shared")
def test_nothing_is_kept_for_it(example: Example) -> None:
    example.problem(text=TRIVIAL)
    example.script(KERNEL)
    run = example.run("add.py", "--kernelfalcon-update", "--kernelfalcon-seeds=1")
    assert run.ended["add.py::compose"] == "FAILED"
    assert "FAILED" not in {word for name, word in run.ended.items() if name != "add.py::compose"}
    assert SAYS in run.texts["add.py::compose"]
    assert (run.problem()["outcome"], run.problem()["cause"]) == ("inadmissible", "constant_output")
    assert not (example.path / "__kernels__").exists()


@pytest.mark.usefixtures("shared")
def test_a_kernel_that_was_kept_for_it_is_neither_passed_nor_written_again(example: Example) -> None:
    """As it may come in a pull request: a trivial problem with a kernel of which the manifest says that it is right."""
    example.problem()
    example.script(KERNEL)
    assert example.run("add.py", "--kernelfalcon-update", "--kernelfalcon-seeds=1").ret == 0
    example.problem(text=TRIVIAL)
    manifest = example.path / "__kernels__" / "add.json"
    manifest.write_text(manifest.read_text().replace(sha256(PROBLEM), sha256(TRIVIAL)))
    before = kept(example)
    for arguments in (["--kernelfalcon-update"], ["--kernelfalcon-frozen"]):
        run = example.run("add.py", *arguments)
        assert run.ended["add.py::compose"] == "FAILED"
        assert not {"WON", "PASSED"} & set(run.ended.values())
        assert run.problem()["outcome"] == "inadmissible"
        assert kept(example) == before


def test_verify_says_so_and_exits_2(
    shared: type[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "Judge", shared)
    monkeypatch.chdir(tmp_path)
    Path("add.py").write_text(TRIVIAL)
    Path("kernel.py").write_text(KERNEL)
    assert command.main(["verify", "add.py", "kernel.py", "--json"]) == 2
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["outcome"], verdict["cause"], verdict["message"]) == ("inadmissible", "constant_output", SAYS)
    assert command.main(["verify", "add.py", "kernel.py"]) == 2
    assert capsys.readouterr().out.startswith(f"inadmissible: constant_output\nadd.py: {SAYS}\n")
