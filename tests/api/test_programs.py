"""Programs that ask: scripts and notebooks, which define and ask at their own top level."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.llm.prompts import Prompts, Scene
from tests.api.conftest import with_python
from tests.conftest import ROOT
from tests.plugin.conftest import FakeJudge

DEFINED = """
import torch
from pytest_kernelfalcon import CannotGenerate, generate_kernel

SCALE = 3.0

def helper(x):
    return x * SCALE

class Net(torch.nn.Module):
    def forward(self, x):
        return helper(torch.relu(x))

    def other(self, x):
        return helper(x)

def inputs(rows=4):
    return [torch.randn(rows, 16)]

def ask(*given):
    try:
        generate_kernel(*given, json=".")  # a folder: the problem is made, and no run is
    except CannotGenerate as error:
        print(error)
"""
ASKED = """
ask(Net(), inputs)
ask(Net().other, [torch.randn(4, 16)])
ask(helper, inputs)
LATER = helper(1)
"""
CELLS = """
import sys
In = [""]
for cell in {cells!r}:
    In.append(cell)
    exec(compile(cell, "<cell>", "exec"), globals())
"""
"""What IPython does with cells, as far as a program in one can tell."""


@pytest.fixture(autouse=True)
def of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", with_python(ROOT))


def run(here: Path, *command: str) -> list[str]:
    done = subprocess.run([sys.executable, *command], cwd=here, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def made(here: Path, name: str) -> str:
    """The problem of that name, as a model reads it."""
    (path,) = here.glob(f".fuse/problems/{name}-*.py")
    contract = FakeJudge().inspect(Problem(path.name, path.read_text()), Control())
    return Prompts(Scene("cpu", "3.9", ("sm_90",))).first(contract)


@pytest.mark.parametrize("where", ["script", "notebook"])
def test_what_a_program_asks_for_at_its_top_level_is_what_it_has_defined(here: Path, where: str) -> None:
    if where == "script":
        (here / "program.py").write_text(DEFINED + ASKED)
        told = run(here, "program.py")
    else:
        first = DEFINED.replace("x * SCALE", "x - SCALE")
        told = run(here, "-c", CELLS.format(cells=[first, DEFINED, *ASKED.strip().splitlines()]))
    assert len(told) == 3
    assert all("is a folder" in line for line in told)
    net, method, function = (made(here, name) for name in ("net", "other", "helper"))
    for text in (net, method, function):
        assert "return x * SCALE" in text
        assert "ask(" not in text
        assert "LATER" not in text
        assert "class KfTexts" not in text, "what only lets it run is not shown to a model"
    assert "class Net" in net
    assert "#   Net()" in net
    assert "pickle.loads(base64.b64decode('…" in net
    assert "model.forward = model.other" in method
    assert "class Net" not in function
    assert "def inputs(rows=4)" in function


def test_what_is_typed_at_a_prompt_is_in_no_file(here: Path) -> None:
    asked = "for one in (Net(), helper, lambda x: x):\n    ask(one, [torch.randn(2)])\n"
    told = run(here, "-c", DEFINED + asked)
    assert len(told) == 3
    for name, line in zip(("Net", "helper", "<lambda>"), told, strict=True):
        assert f"`{name}` is in no file: it was typed at a prompt. Fix: put it into a file" in line


def test_the_first_screen_of_its_page_works_as_it_stands(here: Path) -> None:
    """With the judge and the cookbook."""
    page = (ROOT / "docs" / "generate_kernel.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    (here / "demo.py").write_text(code)
    told = run(here, "demo.py")
    assert "1 won" in "\n".join(told)
    assert re.search(r"sm_90 +ok +registers \d+", "\n".join(told))
    kernel = Path(told[-1]).read_text()
    assert "def kernel_function(x, *, scale)" in kernel
