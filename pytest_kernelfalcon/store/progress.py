"""Which runs are in progress: every process of a run holds a lock, which the system lets go however it ends.

.fuse/cleaning               locked while runs are removed: none begins meanwhile
.fuse/<run_id>/in_progress   locked, by many at once, for as long as the run has processes
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.rundir import RunDir

MARK, CLEANING = "in_progress", "cleaning"


def hold(run: RunDir) -> FileIO:
    """Makes the run's directory and marks the run as in progress until the file is closed, or this process dies."""
    run.root.mkdir(parents=True, exist_ok=True)
    with _open(run.root / CLEANING) as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)
        run.path.mkdir(exist_ok=True)
        mark = _open(run.path / MARK)
        fcntl.flock(mark, fcntl.LOCK_SH)
    return mark


def _open(path: Path) -> FileIO:
    """For a lock, which takes no more than reading: the file may be another user's."""
    return FileIO(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644))


def in_progress(run: RunDir) -> bool:
    """Whether a process of the run lives. One that may not be asked about, as another user's, is taken to."""
    return files.held(run.path / MARK)


@contextmanager
def cleaning(root: Path) -> Iterator[None]:
    """No run begins in here."""
    with _open(root / CLEANING) as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
