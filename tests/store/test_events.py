from __future__ import annotations

import multiprocessing
import resource
from pathlib import Path

import pytest

from pytest_kernelfalcon.store import events, files
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


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"event": "run"}', b"\xff\x00", b"[" * 100_000])
def test_what_is_no_event_is_left_out_and_has_its_place(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "events.jsonl"
    Events(path, "main").add("run")
    with path.open("ab") as file:
        file.write(line + b"\n")
    Events(path, "main").add("finish")
    assert [event["event"] for event in events.read(path)] == ["run", "finish"]
    assert events.scan(path)[1] == [2]


def test_an_event_after_one_that_was_cut_off_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Events(path, "main").add("round", text='{"event": "nothing"}')
    with path.open("rb+") as file:
        file.truncate(40)
    Events(path, "main").add("finish", text='{"event": "nothing"}')
    assert [event["event"] for event in events.read(path)] == ["finish"]
    assert events.scan(path)[1] == [1]


def test_what_does_not_fit_on_the_disk_is_named_and_the_record_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # Python ignores SIGXFSZ
    try:
        Events(path, "main").add("run")
        with pytest.raises(files.Unwritable, match=r"\[Errno 27\] File too large: '.*events\.jsonl'"):
            Events(path, "main").add("round", text="x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [event["event"] for event in events.read(path)] == ["run"]
    Events(path, "main").add("finish")
    assert [event["event"] for event in events.read(path)] == ["run", "finish"]


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert events.read(tmp_path / "none") == []
