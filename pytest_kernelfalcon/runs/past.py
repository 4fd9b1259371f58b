"""A past run, as far as its directory tells: killed at any moment, damaged, or whole."""

from __future__ import annotations

import json
import os
import re
import tarfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.store import digest, progress, rundir
from pytest_kernelfalcon.store.rundir import RunDir

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
LAST = "last"
FACTS = {
    "finish": ("exitstatus",),
    "problem": ("problem", "shown"),
    "broken": ("problem", "outcome", "cause"),
    "round": ("problem", "subgraph", "seed", "round", "repeated", "verdict"),
    "seed": ("problem", "subgraph", "seed", "state", "reason", "author"),
    "asked": ("problem", "subgraph", "seed", "round", "call", "tokens", "dollars"),
    "call": ("problem", "subgraph", "seed", "round", "call", "tokens", "dollars", "estimated"),
    "spent": ("message",),
    "accept": ("problem", "subgraph", "outcome", "cause", "message", "verdict"),
}
"""What is read here of an event, beside what the digest reads."""
VERDICT = {"outcome", "cause", "message", "kernel_sha256"}

Event = dict[str, Any]


class NotThere(Exception):
    """What the command line names is not there; what is, and the fix."""


@dataclass(frozen=True)
class PastRun:
    """A run's directory; what is read of it is read once."""

    folder: RunDir

    @property
    def name(self) -> str:
        return self.folder.run_id

    @property
    def begun(self) -> datetime:
        """As its name says; in UTC."""
        day = self.name.rpartition("-")[0]
        try:
            return datetime.strptime(day, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        except ValueError:  # digits, but no date
            return datetime.min.replace(tzinfo=UTC)

    @cached_property
    def state(self) -> str:
        """`in progress`, `finished`, or `unfinished`: killed before it could say that it ends."""
        if progress.in_progress(self.folder):
            return "in progress"
        return "unfinished" if self.exit is None else "finished"

    @property
    def exit(self) -> int | None:
        """Pytest's exit code; None where the run did not come to it."""
        ended = [event["exitstatus"] for event in self.events if event["event"] == "finish"]
        return ended[-1] if ended else None

    @cached_property
    def _record(self) -> tuple[list[Event], list[str]]:
        """The events that are whole, and what is wrong with the others."""
        path = self.folder.events
        if is_linked(path, self.folder.root):
            return [], [f"{path.name} is a link, which is not followed"]
        if not path.is_file():
            return [], [f"there is no {path.name}"]
        try:
            *lines, rest = path.read_bytes().split(b"\n")
        except OSError as error:
            return [], [f"{path.name} cannot be read: {error.strerror}"]
        found, wrong = [], []
        for number, line in enumerate(lines, start=1):
            if (event := _event(line)) is not None:
                found.append(event)
            else:
                wrong.append(f"line {number} of {path.name} is no event")
        return found, [*wrong, f"the last line of {path.name} is torn"] if rest else wrong

    @property
    def events(self) -> list[Event]:
        return self._record[0]

    @cached_property
    def _digest(self) -> tuple[dict[str, Any], str]:
        try:
            return digest.report(self.name, self.events), ""
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            return digest.report(self.name, []), f"its record does not fit together: {type(error).__name__}: {error}"

    @property
    def report(self) -> dict[str, Any]:
        """Of what was recorded: that of a run without problems where nothing was."""
        return self._digest[0]

    @property
    def damage(self) -> list[str]:
        """What is wrong with the directory of a run that is over."""
        unfit = self._digest[1]
        return [*self._record[1], unfit] if unfit else self._record[1]

    @cached_property
    def size(self) -> int:
        """Bytes of its files."""
        return size_of(self.folder.path)

    def text(self, path: Path) -> str | None:
        """A file of the run; None where it is not there, is no text, or is not reached without a link."""
        if is_linked(path, self.folder.root):
            return None
        try:
            return path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None

    @cached_property
    def sources(self) -> dict[str, str]:
        """The problem files as they were, by the names that the archive gives them; none where it is damaged."""
        path = self.folder.path / "orchestrator" / "code.py.tgz"
        if is_linked(path, self.folder.root):
            return {}
        try:
            with tarfile.open(path) as archive:
                members = [(one.name, archive.extractfile(one)) for one in archive if one.isfile()]
                return {name: file.read().decode() for name, file in members if file is not None}
        except (OSError, EOFError, tarfile.TarError, UnicodeDecodeError, zlib.error):
            return {}


def _event(line: bytes) -> Event | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("event"), str):
        return None
    facts = {"time", *FACTS.get(entry["event"], ())}
    judged = entry.get("verdict", dict.fromkeys(VERDICT))
    return entry if facts <= set(entry) and isinstance(judged, dict) and set(judged) >= VERDICT else None


def find(given: Path | None) -> Path:
    """The folder of runs: the one that is named, or the nearest. Raises `NotThere`."""
    if given is not None:
        if given.is_dir():
            return given.absolute()
        raise NotThere(f"--fuse: {str(given)!r} is no folder. Fix: name the folder of runs")
    start = Path.cwd()
    for place in (start, *start.parents):
        if (place / rundir.FOLDER).is_dir():
            return place / rundir.FOLDER
    raise NotThere(
        f"there is no {rundir.FOLDER} in {str(start)!r} or above. Fix: name the folder of runs with --fuse DIR"
    )


def everyone(root: Path) -> list[PastRun]:
    """Every run, the last one last. A link is none."""
    with os.scandir(root) as entries:
        names = [one.name for one in entries if RUN_ID.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]
    return [PastRun(RunDir(root, name)) for name in sorted(names)]


def choose(root: Path, name: str) -> PastRun:
    """A run by its name, the beginning of it, or `last`. Raises `NotThere`."""
    runs = everyone(root)
    found = runs[-1:] if name == LAST else [run for run in runs if run.name.startswith(name)] if name else []
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} runs begin so: {', '.join(run.name for run in found)}" if found else "there is no such run"
    raise NotThere(f"{name!r}: {what} in {str(root)!r}. Fix: take a name that `runs list` shows, or `{LAST}`")


def is_linked(path: Path, root: Path) -> bool:
    """Whether a link below the folder of runs is on the way: it could lead anywhere."""
    return os.path.realpath(path) != os.path.join(os.path.realpath(root), path.relative_to(root))


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, which may be removed meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total
