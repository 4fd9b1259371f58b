from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, address or proxy of whoever runs these tests has a part in them."""
    for name in [*os.environ]:
        if name.startswith(("OPENAI_", "ANTHROPIC_", "LLM_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
