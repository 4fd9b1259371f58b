"""Programs that ask: scripts and notebooks, which define and ask at their own top level."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.plugin.conftest import GOOD

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

OPTIONS = dict(author="scripted/kernels", seeds=1, show=False)
"""
ASKED = """
print(generate_kernel(Net(), inputs, **OPTIONS).problem)
print(generate_kernel(Net().other, [torch.randn(4, 16)], **OPTIONS).problem)
print(generate_kernel(helper, inputs, **OPTIONS).problem)
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


def run(here: Path, *command: str) -> list[str]:
    (here / "kernels" / "round0.py").write_text(GOOD)
    done = subprocess.run([sys.executable, *command], cwd=here, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def embedded(path: str) -> str:
    """The user's part of a problem, as a program of its own."""
    from pytest_kernelfalcon.generator.llm.readable import readable

    return readable(Path(path).read_text())


@pytest.mark.usefixtures("faked")
@pytest.mark.parametrize("where", ["script", "notebook"])
def test_what_a_program_asks_for_at_its_top_level_is_what_it_has_defined(here: Path, where: str) -> None:
    if where == "script":
        (here / "ask.py").write_text(DEFINED + ASKED)
        told = run(here, "ask.py")
    else:
        first = DEFINED.replace("x * SCALE", "x - SCALE")
        told = run(here, "-c", CELLS.format(cells=[first, DEFINED, *ASKED.strip().splitlines()]))
    net, method, function = map(embedded, told)
    for text in (net, method, function):
        assert "return x * SCALE" in text
        assert "generate_kernel(" not in text
        assert "LATER" not in text
        assert "kf_drawn(text" not in text, "what only lets it run is not shown to a model"
    assert "class Net" in net
    assert "#   Net()" in net
    assert "pickle.loads(base64.b64decode('…" in net
    assert "model.forward = model.other" in method
    assert "class Net" not in function
    assert "def inputs(rows=4)" in function


@pytest.mark.usefixtures("faked")
def test_what_is_typed_at_a_prompt_is_in_no_file(here: Path) -> None:
    asked = DEFINED + (
        "for one in (Net(), helper, lambda x: x):\n"
        "    try:\n"
        "        generate_kernel(one, [torch.randn(2)], **OPTIONS)\n"
        "    except CannotGenerate as error:\n"
        "        print(error)\n"
    )
    told = run(here, "-c", asked)
    assert len(told) == 3
    for name, line in zip(("Net", "helper", "<lambda>"), told, strict=True):
        assert f"`{name}` is in no file: it was typed at a prompt. Fix: put it into a file" in line


def test_the_first_screen_of_its_page_works_as_it_stands(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the judge and the cookbook."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    page = (ROOT / "docs" / "generate_kernel.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    (here / "demo.py").write_text(code)
    told = run(here, "demo.py")
    assert "1 won" in "\n".join(told)
    assert re.search(r"sm_90 +ok +registers \d+", "\n".join(told))
    kernel = Path(told[-1]).read_text()
    assert "def kernel_function(x, *, scale)" in kernel
