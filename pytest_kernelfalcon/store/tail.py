"""The record of a run as it grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Tail:
    """Reads what was added to an events.jsonl since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """The events whose lines are whole by now; nothing while there is no file.

        A line that is no event is passed over: who sums up the run reads the whole record, and complains there.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        return [event for event in map(_parse, lines) if event is not None]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
