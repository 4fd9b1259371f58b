"""The record of a run: events.jsonl, one JSON object a line, written by every process of the run."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.store.files import to_json


@dataclass(frozen=True)
class Events:
    """Appends to `path`. `worker`: the process's name in the record."""

    path: Path
    worker: str

    def add(self, event: str, **facts: Any) -> None:
        """One write to a file opened for appending: lines of several processes never mix."""
        entry = {"event": event, "time": time.time(), "worker": self.worker, **facts}
        line = (to_json(entry, indent=None) + "\n").encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(file, line)
        finally:
            os.close(file)
        if written != len(line):
            raise OSError(f"{self.path}: only {written} of {len(line)} bytes of an event could be written")


def read(path: Path) -> list[dict[str, Any]]:
    """Every event; a last line that its writer did not finish is left out. No file: no events.

    Raises ValueError naming file and line for a broken line elsewhere.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [_parse(line, path, number) for number, line in enumerate(lines[:-1], start=1)]


def _parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{path}:{number}: not an event: {error}") from None
    if not isinstance(entry, dict) or "event" not in entry:
        raise ValueError(f"{path}:{number}: not an event")
    return entry
