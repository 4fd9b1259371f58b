"""`python -m pytest_kernelfalcon generate`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.__main__ import main
from tests.conftest import PROBLEM
from tests.plugin.conftest import BAD, GOOD
from tests.wire.asking import environment
from tests.wire.server import wire
from tests.wire.turns import Turn

pytestmark = pytest.mark.usefixtures("faked")


def command(*words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pytest_kernelfalcon", "generate", *words]
    return subprocess.run(line, input=answer, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("kernel", "code", "last"), [(GOOD, 0, "composed_kernel.py"), (BAD, 1, "stage seed, 0.50 s")])
def test_a_file(here: Path, kernel: str, code: int, last: str) -> None:
    (here / "add.py").write_text(PROBLEM)
    (here / "kernels" / "round0.py").write_text(kernel)
    done = command("add.py", "--author=scripted/kernels", "--seeds", "1", "--update")
    assert done.returncode == code, done.stderr
    assert "test session starts" in done.stdout
    assert last in done.stdout.splitlines()[-1]
    assert (here / "__kernels__" / "add.py").is_file() == (code == 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere.py",), "'nowhere.py' is no file. Fix: give the path"),
        ((), "give one of problem and description"),
        (("x.py", "--seeds=0"), "seeds='0' is not valid"),
        (("x.py", "-n0"), "workers='0' is not valid"),
        (("-d", "relu"), "needs an author that is a language model"),
    ],
    ids=["no-file", "nothing", "seeds", "workers", "no-model"],
)
def test_wrong_usage(here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "answer", "code", "last"),
    [((), "", 1, "the draft was declined"), ((), "y\n", 0, "composed_kernel")],
    ids=["nobody", "yes"],
)
def test_words(
    here: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], answer: str, code: int, last: str
) -> None:
    pytest.importorskip("openai", reason="openai is not installed: no model can be asked here")
    (here / "kernels" / "round0.py").write_text(GOOD)
    with wire([Turn((f"```python\n{PROBLEM}```",))]) as server:
        for name, value in environment("responses", server.url).items():
            monkeypatch.setenv(name, value)
        done = command("-d", "add one", "--author=scripted/kernels,openai/m", "--rounds=1", *more, answer=answer)
    assert done.returncode == code, done.stderr
    assert PROBLEM in done.stdout
    assert last in done.stdout.splitlines()[-1]
