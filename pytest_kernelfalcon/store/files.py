"""Writing so that no reader ever sees half a file, and locks that end with the process that holds them."""

from __future__ import annotations

import errno
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


class Unwritable(OSError):
    """A file of ours could not be written: the disk is full, or the place is closed. Names errno and the file."""


class Unreadable(ValueError):
    """A file of ours holds something else than what was written there. Names the file and what is wrong."""


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system says of a temporary file, or of none, becomes `Unwritable` of the file that is meant."""
    try:
        yield
    except OSError as error:
        raise Unwritable(error.errno, error.strerror or str(error), str(path)) from None


def write(path: Path, data: str | bytes) -> None:
    """Replaces `path` in one step and makes its folder; text is written as UTF-8 with LF line ends."""
    with _naming(path):
        temporary = _temporary(path, data)
        try:
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink()
            raise


def publish(path: Path, data: str | bytes) -> bool:
    """Creates `path` unless it exists; True for the one caller that did."""
    with _naming(path):
        temporary = _temporary(path, data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        return True


def append(path: Path, line: bytes) -> None:
    """One write at the end of the file: lines of several processes never mix. What a full disk cuts off is an error."""
    with _naming(path):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(file, line)
            if written != len(line):  # the rest would not go in: the second write says why
                os.write(file, line[written:])
                raise OSError(errno.EIO, "a line was written in two parts")
        finally:
            os.close(file)


def mark(path: Path) -> None:
    """Creates an empty file, unless it is there."""
    with _naming(path):
        path.touch()


def _temporary(path: Path, data: str | bytes) -> Path:
    """A finished, synced file beside `path`, under a name of this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with temporary.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a file would keep what a full disk has left
        raise
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
    """The object in `path`, None where there is no such file; raises `Unreadable` where it holds anything else."""
    try:
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise Unreadable(f"{path}: not a JSON object")
    return data


@contextmanager
def making_of(path: Path) -> Iterator[None]:
    """While something is made of what `path` holds: fields that are missing, or are others, are `Unreadable`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{path}: not what was written there: {error!r}") from None


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether this process now holds the lock; the operating system lets it go when the process dies."""
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def held(path: Path) -> bool:
    """Whether a living process holds a lock of the file. One that may not be asked about, as another user's, is."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


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
