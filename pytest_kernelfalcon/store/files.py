"""Writing so that no reader ever sees half a file, and locks that end with the process that holds them."""

from __future__ import annotations

import fcntl
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.contracts.control import Cancelled

POLL_S = 0.05


def write(path: Path, data: str | bytes) -> None:
    """Replaces `path` in one step and makes its folder; text is written as UTF-8 with LF line ends."""
    temporary = _temporary(path, data)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink()
        raise


def publish(path: Path, data: str | bytes) -> bool:
    """Creates `path` unless it exists; True for the one caller that did."""
    temporary = _temporary(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _temporary(path: Path, data: str | bytes) -> Path:
    """A finished, synced file beside `path`, under a name of this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with temporary.open("xb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def to_json(data: object, *, indent: int | None = 2) -> str:
    """Strict JSON: a float that is not finite becomes the string that Python calls it."""
    return json.dumps(_finite(data), indent=indent, ensure_ascii=False, allow_nan=False)


def _finite(data: object) -> object:
    match data:
        case float() if not math.isfinite(data):
            return str(data)
        case dict():
            return {key: _finite(value) for key, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
    return data


def write_json(path: Path, data: object) -> None:
    write(path, to_json(data) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`, None where there is no such file; raises ValueError naming a file that holds no object."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not a JSON object")
    return data


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether this process now holds the lock; the operating system lets it go when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def lock(path: Path, stopped: Callable[[], str | None]) -> Iterator[None]:
    """Waits for the lock; raises `Cancelled` once `stopped()` gives a reason."""
    while True:
        with try_lock(path) as mine:
            if mine:
                yield
                return
        if reason := stopped():
            raise Cancelled(reason)
        time.sleep(POLL_S)
