"""A folder of the caller's own, and runs that the fake judge decides, in whatever process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kernelfalcon.options import TABLE
from tests.conftest import ROOT

FAKED = """
import only_loopback
from pytest_kernelfalcon import session
from pytest_kernelfalcon.judge import judge
from tests.plugin.conftest import FakeJudge

only_loopback.install()  # as the file of this name does that stands behind this one
session.open_judge = judge.Judge = lambda *_, **__: FakeJudge()
"""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs these tests decides about an option, or is a key."""
    named = {name for option in TABLE for name in option.environment} | {"CI"}
    for name in [*os.environ]:
        if name in named or name.startswith(("OPENAI_", "ANTHROPIC_", "LLM_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `kernels/` for the author `scripted/kernels`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels").mkdir()
    return tmp_path


def with_python(*folders: Path) -> str:
    """PYTHONPATH with these in front."""
    return os.pathsep.join([*map(str, folders), os.environ["PYTHONPATH"]])


@pytest.fixture
def faked(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python that starts from now on has the fake judge."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(FAKED)
    monkeypatch.setenv("PYTHONPATH", with_python(folder, ROOT))
