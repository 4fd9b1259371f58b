"""What a worker is told to be at, from the record of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.progress import Progress
from pytest_kernelfalcon.store.events import Events

PLACE = {"problem": "p.py", "subgraph": "model", "seed": 2, "round": 1}
AGAIN = {"outcome": "rate_limited", "message": "m", "attempt": 0, "wait_s": 4.2}


@pytest.fixture
def asking(tmp_path: Path) -> tuple[Events, Progress]:
    events = Events(tmp_path / "events.jsonl", "gw0")
    events.add("problem", problem="p.py", shown="p.py")
    events.add("begin", **PLACE, author="openai/m")
    return events, Progress(tmp_path / "events.jsonl")


def at(progress: Progress) -> str:
    progress.read()
    (line,) = progress.workers()
    return line


def test_a_call_that_is_tried_again_says_why_until_the_next_one_ends(asking: tuple[Events, Progress]) -> None:
    events, progress = asking
    plain = "gw0 p model seed[2] round 1 asking openai/m"
    assert at(progress) == plain
    events.add("call_again", **PLACE, **AGAIN)
    assert at(progress) == f"{plain} (rate limited, again in 4 s)"
    facts: dict[str, Any] = {"author": "openai/m", "outcome": "answered"}
    events.add("call", **PLACE, **facts)
    assert at(progress) == plain


def test_a_new_round_knows_nothing_of_the_last_ones_trouble(asking: tuple[Events, Progress]) -> None:
    events, progress = asking
    events.add("call_again", **PLACE, **AGAIN)
    events.add("begin", **PLACE | {"round": 2}, author="openai/m")
    assert at(progress) == "gw0 p model seed[2] round 2 asking openai/m"
