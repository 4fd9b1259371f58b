"""What compiling gave before: kept in memory and, where there is a directory, on disk."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


class Compiled:
    """Rows of the compile role by their key. A file that holds anything else is as good as none."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._memory: dict[str, Rows] = {}

    def get(self, key: str) -> Rows | None:
        if key not in self._memory and self._directory is not None:
            rows = _read(self._directory / f"{key}.json")
            if rows is not None:
                self._memory[key] = rows
        return self._memory.get(key)

    def put(self, key: str, rows: Rows) -> None:
        """Atomically: another process sees all of it or nothing. Raises OSError naming the file."""
        self._memory[key] = rows
        if self._directory is not None:
            _write(self._directory / f"{key}.json", rows)


def _read(path: Path) -> Rows | None:
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(rows, list) and all(isinstance(row, dict) and {"target", "status"} <= set(row) for row in rows)
    return rows if whole else None


def _write(path: Path, rows: Rows) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(fd, "w") as file:
                json.dump(rows, file)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
