"""`runs clean`: removes runs that are over, and nothing beyond the folder of runs."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from pytest_kernelfalcon import runs
from pytest_kernelfalcon.runs import past
from pytest_kernelfalcon.runs.past import NotThere, PastRun
from pytest_kernelfalcon.runs.showing import megabytes
from pytest_kernelfalcon.store import progress, rundir

NOT_REMOVED = 1
SHARED = ("state", "cache")
"""What runs share, by the options that name it."""


def clean(root: Path, given: argparse.Namespace) -> int:
    """Returns the exit code: 1 where something that should go could not. Raises `NotThere`."""
    if root.is_symlink() or root.name != rundir.FOLDER:
        raise NotThere(
            f"{str(root)!r} is no folder {rundir.FOLDER!r}: nothing else is cleaned. Fix: name one, not a link"
        )
    with progress.cleaning(root):
        everyone = past.everyone(root)
        alive = {run.name for run in everyone if run.state == "in progress"}
        for name in sorted(alive):
            print(f"kept: {name} is in progress")
        gone = [run.folder.path for run in _chosen(everyone, given) if run.name not in alive]
        shared = [root / name for name in SHARED if getattr(given, name) and os.path.lexists(root / name)]
        blocked = bool(shared and alive)
        if blocked:
            print(f"kept: {', '.join(path.name for path in shared)}: a run in progress uses it", file=sys.stderr)
        results = [_remove(path, given.dry_run) for path in gone + ([] if blocked else shared)]
    count = len(results) - results.count(None)
    print(f"{count} {'would be ' if given.dry_run else ''}removed, {megabytes(sum(filter(None, results)))}")
    return NOT_REMOVED if blocked or None in results else 0


def _chosen(everyone: list[PastRun], given: argparse.Namespace) -> list[PastRun]:
    """Those that may go. Where only shared folders are named, runs stay."""
    keep = given.keep
    if keep is None and given.older is None:
        if given.state or given.cache:
            return []
        keep = runs.KEPT
    chosen = everyone[: len(everyone) - keep] if keep else everyone
    if given.older is not None:
        chosen = [run for run in chosen if datetime.now(UTC) - run.begun > given.older]
    return chosen


def _remove(path: Path, dry_run: bool) -> int | None:
    """Bytes that were freed; None where it could not be removed. Links within are removed, not followed."""
    if path.is_symlink():
        print(f"kept: {path} is a link, which is not followed", file=sys.stderr)
        return None
    size = past.size_of(path)
    try:
        if not dry_run:
            shutil.rmtree(path)
    except OSError as error:
        print(f"kept: {path} cannot be removed: {error}", file=sys.stderr)
        return None
    print(f"{'would remove' if dry_run else 'removed'} {path} ({megabytes(size)})")
    return size
