"""What compiling gave before: kept in memory and, where there is a directory, on disk."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


class Compiled:
    """Rows of the compile role by their key. A file that is no JSON (a torn write of an old version) is not there."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._memory: dict[str, Rows] = {}

    def get(self, key: str) -> Rows | None:
        if key not in self._memory and self._directory is not None:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                self._memory[key] = json.loads((self._directory / f"{key}.json").read_text())
        return self._memory.get(key)

    def put(self, key: str, rows: Rows) -> None:
        """Atomically: another process sees all of it or nothing."""
        self._memory[key] = rows
        if self._directory is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=self._directory)
        with os.fdopen(fd, "w") as file:
            json.dump(rows, file)
        os.replace(name, self._directory / f"{key}.json")
