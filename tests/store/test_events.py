from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from pytest_kernelfalcon.store import events
from pytest_kernelfalcon.store.events import Events


def _write(path: Path, worker: str, count: int) -> None:
    for number in range(count):
        Events(path, worker).add("round", number=number, text=worker * 2000)


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path, context = tmp_path / "events.jsonl", multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(path, worker, 40)) for worker in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = events.read(path)
    for worker in "ab":
        own = [event for event in found if event["worker"] == worker]
        assert [event["number"] for event in own] == list(range(40))
        assert {event["text"] for event in own} == {worker * 2000}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Events(path, "main").add("run")
    with path.open("a") as file:
        file.write('{"event": "ro')
    assert [event["event"] for event in events.read(path)] == ["run"]


@pytest.mark.parametrize("line", ["{", "[]", "{}"])
def test_a_broken_line_elsewhere_is_an_error_with_its_place(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    Events(path, "main").add("run")
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=r"events\.jsonl:2: not an event"):
        events.read(path)


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert events.read(tmp_path / "none") == []
