from __future__ import annotations

import os

import pytest

from tests.conftest import Example
from tests.plugin.conftest import FakeJudge, judge, real, shared
from tests.wire.running import Wired

__all__ = ["judge", "real", "shared"]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, address or proxy of whoever runs these tests has a part in them."""
    for name in [*os.environ]:
        if name.startswith(("OPENAI_", "ANTHROPIC_", "LLM_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def wired(example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> Wired:
    """Runs with a model of this machine and the judge that decides by what candidates say."""
    monkeypatch.setattr("pytest_kernelfalcon.generator.llm.calling.LONGEST_S", 0.01)
    return Wired(example, judge, monkeypatch)
