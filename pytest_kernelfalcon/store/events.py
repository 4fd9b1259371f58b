"""The record of a run: events.jsonl, one JSON object a line, written by every process of the run."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.store import files

ALWAYS = ("event", "time", "worker")
BEGINNING = b'{"event": "'
"""Stands nowhere else in a line: within a text its quotes would be escaped, and no fact is called `event`."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Events:
    """Appends to `path`. `worker`: the process's name in the record."""

    path: Path
    worker: str

    def add(self, event: str, **facts: Any) -> None:
        """Raises `Unwritable`."""
        entry = {"event": event, "time": time.time(), "worker": self.worker, **facts}
        files.append(self.path, (files.to_json(entry, indent=None) + "\n").encode())


def read(path: Path) -> list[dict[str, Any]]:
    """Every event that is whole. No file: no events.

    What a full disk or a kill cut off is left out; the next event, which then begins in the middle of its line, is not.
    """
    return scan(path)[0]


def of_kinds(path: Path, *kinds: str) -> list[Event]:
    """Those that `read` gives of some kinds, without reading what the others say."""
    beginnings = [BEGINNING + kind.encode() + b'"' for kind in kinds]
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    found = (_parse(line)[1] for line in lines if any(one in line for one in beginnings))
    return [event for event in found if event is not None and event["event"] in kinds]


def scan(path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """What `read` gives; and the numbers of the lines, from 1, that hold something else than one whole event."""
    lines = _lines(path)
    damaged = [number for number, (line, event) in enumerate(lines, start=1) if event is None or line is None]
    return [event for _, event in lines if event is not None], damaged


def _lines(path: Path) -> list[tuple[bytes | None, dict[str, Any] | None]]:
    """Each line with its event; no line where only its end is an event. A last line without an end is left out."""
    if not path.exists():
        return []
    return [_parse(line) for line in path.read_bytes().split(b"\n")[:-1]]


def _parse(line: bytes) -> tuple[bytes | None, dict[str, Any] | None]:
    if (event := _event(line)) is not None:
        return line, event
    return None, _event(line[max(line.rfind(BEGINNING), 0) :])


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and set(ALWAYS) <= set(entry) else None
