"""Shared by all tests: no network, and one helper that runs pytest on a small tree of problems."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# All that a run imports, before the first: pytester forgets the modules of a run, but not what packages hold of them.
import pytest_kernelfalcon.collection
import pytest_kernelfalcon.judge.judge
import pytest_kernelfalcon.plugin
import pytest_kernelfalcon.reporting
from tests.loopback import only_loopback

ROOT = Path(__file__).parent.parent

PROBLEM = '''"""Adds one."""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x + 1.0


batch = 4
features = 32


def get_inputs():
    return [torch.randn(batch, features)]


def get_init_inputs():
    return []
'''

KERNEL = """import torch
import triton
import triton.language as tl


@triton.jit
def add_one(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x + 1.0, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    n = x.numel()
    add_one[(triton.cdiv(n, 64),)](x, out, n, BLOCK=64)
    return out
"""

WRONG_KERNEL = KERNEL.replace("x + 1.0", "x + 2.0")


def _stay_here() -> None:
    """Closes the way out of this machine for this process and for those that it starts."""
    notes = Path(tempfile.mkdtemp(prefix="kernelfalcon-tests-")) / "left"
    atexit.register(shutil.rmtree, notes.parent, ignore_errors=True)
    os.environ[only_loopback.NOTES] = str(notes)
    folder = str(Path(only_loopback.__file__).parent)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
    only_loopback.install()


_stay_here()


@pytest.fixture(autouse=True)
def no_test_leaves_this_machine() -> Iterator[None]:
    """Fails a test at whose end something has tried to, even where the error was caught, or was another process's."""
    yield
    notes = Path(os.environ[only_loopback.NOTES])
    if notes.exists():
        lines = notes.read_text(encoding="utf-8")
        notes.unlink()
        pytest.fail(f"something tried to leave this machine:\n{lines}", pytrace=False)


class Loader:
    """Gives a pytest run in a test the plugin of this checkout, as the root conftest.py does."""

    def pytest_addoption(self, pluginmanager: pytest.PytestPluginManager) -> None:
        if not pluginmanager.is_registered(pytest_kernelfalcon.plugin):
            pluginmanager.register(pytest_kernelfalcon.plugin, "kernelfalcon")


LOADER = """
def pytest_addoption(pluginmanager):
    from pytest_kernelfalcon import plugin

    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "kernelfalcon")
"""


@dataclass(eq=False)  # plugins are kept in sets
class Words:
    """Notes the word of each item as a plugin: PASSED, LOST, ERROR, …"""

    ended: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    config: pytest.Config | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self.config is not None
        _, _, word = self.config.hook.pytest_report_teststatus(report=report, config=self.config)
        if word:
            self.ended[report.nodeid] = word
            self.texts[report.nodeid] = report.longrepr[2] if report.skipped else report.longreprtext


@dataclass
class Run:
    """What came out: the exit code, each item's word and text, the terminal's lines, the report."""

    ret: int
    ended: dict[str, str]
    texts: dict[str, str]
    output: str
    report: dict[str, Any]

    def problem(self) -> dict[str, Any]:
        """The report of the only problem."""
        (problem,) = self.report["problems"]
        assert isinstance(problem, dict)
        return problem


class Example:
    """A tree of problems and scripted kernels in a folder of its own, and pytest run on it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "script").mkdir()

    def problem(self, name: str = "add.py", text: str = PROBLEM) -> Path:
        return self.write(name, text)

    def script(self, *rounds: str, seed: int | None = None) -> None:
        """What the author `scripted/script` proposes, round by round, to one seed or to all."""
        folder = "script" if seed is None else f"script/seed{seed}"
        for number, source in enumerate(rounds):
            self.write(f"{folder}/round{number}.py", source)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *arguments: str, plugins: Sequence[object] = ()) -> Run:
        """`pytest --kernelfalcon ARGUMENTS` in this process, with the scripted author unless another is named."""
        words, report = Words(), self.path / "report.json"
        report.unlink(missing_ok=True)
        given = [f"--kernelfalcon-json={report}", *arguments]
        if not any(argument.startswith("--kernelfalcon-author") for argument in arguments):
            given.insert(0, f"--kernelfalcon-author=scripted/{self.path / 'script'}")
        result = self.pytester.runpytest_inprocess(
            "--kernelfalcon", "-v", "-p", "no:hypothesispytest", *given, plugins=[Loader(), words, *plugins]
        )
        found = json.loads(report.read_text()) if report.exists() else {}
        text = result.stdout.str() + result.stderr.str()
        return Run(int(result.ret), words.ended, words.texts, text, found)

    def spawn(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`pytest ARGUMENTS` in a process of its own, with nothing to read."""
        self.write("kernelfalcon_loader.py", LOADER)
        path = os.pathsep.join([str(ROOT), str(self.path), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "kernelfalcon_loader", "-p", "no:hypothesispytest", *arguments],
            cwd=self.path,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Example:
    """An empty tree; nothing of this process's environment decides about the options."""
    for name in [*os.environ]:
        if name.startswith("KERNELFALCON_") or name in ("CI", "NUM_KERNEL_SEEDS", "MAX_REFINEMENT_ROUNDS"):
            monkeypatch.delenv(name)
    pytester.makeini("[pytest]\n")
    return Example(pytester)
