from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled
from pytest_kernelfalcon.store import files


def test_only_the_first_publisher_creates_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "winner"
    assert files.publish(path, "first")
    assert not files.publish(path, "second")
    assert path.read_text() == "first"
    assert [entry.name for entry in path.parent.iterdir()] == ["winner"]


def test_a_failed_write_leaves_what_was_there_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    files.write(path, "old")

    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        files.write(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


def test_json_is_strict_where_figures_are_not_finite() -> None:
    text = files.to_json({"got": math.nan, "all": [math.inf, (-math.inf, 1.5)]})
    assert json.loads(text, parse_constant=pytest.fail) == {"got": "nan", "all": ["inf", ["-inf", 1.5]]}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_file_that_holds_no_object_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"plan\.json"):
        files.read_json(path)


def _hold(path: Path, held: multiprocessing.synchronize.Event) -> None:
    with files.try_lock(path):
        held.set()
        signal.pause()


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "claim", held))
    process.start()
    held.wait()
    with files.try_lock(tmp_path / "claim") as mine:
        assert not mine
    process.kill()
    process.join()
    with files.try_lock(tmp_path / "claim") as mine:
        assert mine


def test_waiting_for_a_lock_ends_when_the_run_is_stopped(tmp_path: Path) -> None:
    with (
        files.try_lock(tmp_path / "lock"),
        pytest.raises(Cancelled, match="stopped"),
        files.lock(tmp_path / "lock", lambda: "stopped"),
    ):
        pytest.fail("the lock was held twice")
