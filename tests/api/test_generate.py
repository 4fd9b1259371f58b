"""`generate_kernel`: what it takes, what it gives back, and that nothing of its caller's gets into the run."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon import CannotGenerate, Generated, RunFailed, generate_kernel
from pytest_kernelfalcon.options import TABLE
from tests.api.conftest import with_python
from tests.conftest import PROBLEM
from tests.plugin.conftest import BAD, GOOD

pytestmark = pytest.mark.usefixtures("faked")


def script(here: Path, *rounds: str) -> None:
    for number, text in enumerate(rounds):
        (here / "kernels" / f"round{number}.py").write_text(text)


def generated(problem: Any = PROBLEM, inputs: Any = None, **options: Any) -> Generated:
    return generate_kernel(problem, inputs, **{"author": "scripted/kernels", "seeds": 1, "show": False, **options})


def test_a_file_becomes_a_kernel(here: Path) -> None:
    script(here, BAD, GOOD)
    (here / "add.py").write_text(PROBLEM)
    said: list[str] = []
    found = generated("add.py", show=said.append)
    assert (found.ok, found.outcome, found.source) == (True, "accepted", GOOD)
    assert found.kernel is not None
    assert found.kernel.read_text() == GOOD
    assert found.run is not None
    assert found.run.parent == here / ".fuse"
    assert found.kernel.is_relative_to(found.run)
    assert found.problem == here / "add.py"
    assert found.verdict is not None
    assert found.verdict.outcome == "accepted"
    (problem,) = found.report["problems"]
    assert (problem["shown"], problem["subgraphs"][0]["rounds"]) == ("add.py", 2)
    assert "accepted" in str(found)
    assert "add.py W.." in "".join(said)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.outcome = "refused"  # type: ignore[misc]


def test_what_was_found_is_found_again(here: Path) -> None:
    script(here, BAD, GOOD)
    first = generated(PROBLEM)
    assert first.problem is not None
    assert first.problem.parent == here / ".fuse" / "problems"
    assert first.problem.read_text() == PROBLEM
    (here / "kernels" / "round0.py").write_text(BAD + "# another")
    again = generated(PROBLEM)
    assert (again.ok, again.source, again.problem) == (True, GOOD, first.problem)
    assert again.report["problems"][0]["subgraphs"][0]["rounds"] == 0
    assert not generated(PROBLEM, fresh=True, rounds=1).ok


def test_a_folder_of_its_own(here: Path) -> None:
    script(here, GOOD)
    found = generated(Path("add.py").absolute() if (here / "add.py").write_text(PROBLEM) else None, folder="a/b")
    assert found.ok
    assert found.run is not None
    assert found.run.parent == here / "a" / "b" / ".fuse"
    assert not (here / ".fuse").exists()


@pytest.mark.parametrize(
    ("problem", "kernel", "outcome", "says"),
    [
        (PROBLEM, BAD, "no_kernel", ("inaccurate", "seed[0] lost", "look at the worst element")),
        (PROBLEM, "# seed=undecided", "undecided", ("waits", "judge it on a GPU")),
        (f"{PROBLEM}# inspect=broken\n", GOOD, "broken", ("`forward` raises", "plain PyTorch on the CPU")),
        ("class Model:\n    pass\n", GOOD, "broken", ("get_inputs", "a problem defines")),
        ("def x(:\n", GOOD, "broken", ("syntax error", "mend the problem file")),
        (PROBLEM, "# seed=error", "judge_error", ("the executor died",)),
    ],
    ids=["refused", "undecided", "broken", "no-problem", "syntax", "judge"],
)
def test_what_is_not_found_is_told(here: Path, problem: str, kernel: str, outcome: str, says: tuple[str, ...]) -> None:
    script(here, kernel)
    found = generated(problem)
    assert (found.ok, found.outcome, found.kernel, found.source) == (False, outcome, None, "")
    for words in says:
        assert words in found.text


def test_a_run_that_dies_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", with_python(here))
    (here / "sitecustomize.py").write_text("import os, sys\nif 'pytest' in sys.orig_argv: os.kill(os.getpid(), 9)\n")
    with pytest.raises(RunFailed, match="by signal 9 and without a report"):
        generated()


class Shape:
    """Nothing that has a kernel."""


def test_wrong_usage_that_a_run_finds_is_told_without_the_run(here: Path) -> None:
    for workers in (1, 2):
        with pytest.raises(CannotGenerate, match=r"^--kernelfalcon-author: openai: [^=!]* Fix: [^=!]*$"):
            generated(author="openai/m", workers=workers)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "give one of problem and description"),
        ({"problem": PROBLEM, "description": "relu"}, "give one of problem and description"),
        ({"problem": "nowhere.py"}, "'nowhere.py' is no file. Fix: give the path or the text"),
        ({"problem": "kernels"}, "is a folder: `pytest --kernelfalcon` takes those"),
        ({"problem": 7}, "problem is a int. Fix: give the path"),
        ({"problem": Shape}, "problem is the class Shape"),
        ({"problem": abs}, "abs is given without inputs. Fix: give inputs="),
        ({"problem": PROBLEM, "inputs": [1]}, "a problem file has `get_inputs`"),
        ({"problem": script, "inputs": 3}, "`inputs` is a int. Fix: give a list"),
        ({"problem": PROBLEM, "seeds": 0}, "seeds='0' is not valid. Fix: give a whole number of at least 1"),
        ({"problem": PROBLEM, "platform": "tpu"}, "platform='tpu' is not valid. Fix: give one of auto, cpu"),
        ({"problem": PROBLEM, "workers": 0}, "workers=0 is not valid"),
        ({"problem": PROBLEM, "json": "kernels"}, "json='kernels' is a folder"),
        ({"problem": PROBLEM, "folder": "file"}, "cannot be written"),
        ({"problem": "x\n\ud800\n"}, "no UTF-8"),
        ({"problem": PROBLEM, "author": "nobody"}, "'nobody' is no author. Fix: name one of `cookbook`"),
        ({"problem": PROBLEM, "fresh": True, "frozen": True}, "Fix: give one of them"),
        ({"problem": PROBLEM, "shard": "2/2"}, "leave nothing to run"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value) or "nothing",
)
def test_wrong_usage_names_the_fix(here: Path, given: dict[str, Any], says: str) -> None:
    (here / "file").write_text("")
    with pytest.raises(CannotGenerate) as caught:
        generate_kernel(**given, show=False)
    assert says in str(caught.value)


def test_every_option_of_the_command_line_is_an_argument(here: Path) -> None:
    with pytest.raises(TypeError, match=r"generate_kernel\(\) has no argument 'seedz'. Fix: give one of") as caught:
        generate_kernel(PROBLEM, seedz=3)
    listed = str(caught.value).partition("one of ")[2].rstrip(".").split(", ")
    assert {option.name for option in TABLE} < set(listed)
    assert {"problem", "description", "workers"} < set(listed)


def test_options_reach_the_run(here: Path) -> None:
    script(here, BAD, BAD + "1", BAD + "2")
    found = generated(author=["cookbook", "scripted/kernels"], seeds=2, rounds=3, json="r.json", workers=2)
    assert found.report["problems"][0]["subgraphs"][0]["rounds"] == 6
    assert (here / "r.json").is_file()
    assert found.run is not None
    events = (found.run / "events.jsonl").read_text()
    assert '"worker": "gw1"' in events


def test_a_switch_can_be_off(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(here, GOOD)
    (here / "add.py").write_text(PROBLEM)
    monkeypatch.setenv("KERNELFALCON_UPDATE", "1")
    assert generated("add.py", update=False).ok
    assert not (here / "__kernels__").exists()
    assert generated("add.py").ok
    assert (here / "__kernels__" / "add.py").read_text() == GOOD


def test_a_call_in_ci_searches(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(here, GOOD)
    monkeypatch.setenv("CI", "true")
    assert generated().ok
    frozen = generated(frozen=True)
    assert (frozen.outcome, "there is no kept kernel" in frozen.text) == ("no_kernel", True)


def test_nothing_of_the_callers_gets_into_the_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(here, GOOD)
    (here / "conftest.py").write_text("raise RuntimeError('conftest')")
    (here / "pytest.ini").write_text("[pytest]\naddopts = --bogus\nkernelfalcon_author = nobody\n")
    (here / "json.py").write_text("raise RuntimeError('shadowed')")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--bogus")
    monkeypatch.setenv("PYTEST_PLUGINS", "bogus")
    assert generated().ok


def test_it_prints_only_what_it_may(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(here, GOOD)
    generated(show=False)
    assert capsys.readouterr() == ("", "")
    generated(show=True)
    assert "1 won" in capsys.readouterr().out


def test_it_works_within_an_event_loop_and_in_a_thread(here: Path) -> None:
    script(here, GOOD)

    async def both() -> tuple[Generated, Generated]:
        return generated(), await asyncio.to_thread(generated, PROBLEM.replace("4", str(random.randint(5, 9))))

    first, second = asyncio.run(both())
    assert first.ok
    assert second.ok
