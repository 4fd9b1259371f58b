"""One world from its first run to the last, and every way in which it departs from the model, in words."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.soak.judge import JUDGED
from benchmarks.soak.runs import Pytest, Ran, fill_disk, strike
from benchmarks.soak.world import World
from pytest_kernelfalcon.store import events, files

CODES = {
    "none": (0, 1),
    "kill worker": (0, 1),
    "kill controller": (-9,),
    "interrupt": (0, 1, 2),
    "exitfirst": (0, 1, 2),
    "full disk": (0, 1, 3),
}
"""What a first run may exit with, where the mishap came in time. An interrupt may come as the run ends anyway."""


@dataclass
class Result:
    """struck: whether the mishap came in time. judged: candidates at the gate seed, in all runs. saved: of those that
    a later run took over.
    """

    number: int
    mishap: str
    struck: bool
    first: int = 0
    judged: int = 0
    saved: int = 0
    wrong: list[str] = field(default_factory=list)


def soak(world: World, folder: Path) -> Result:
    """Runs the world in a new folder, which is left where something is wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    world.write(folder)
    result = Result(world.number, world.mishap, False)
    try:
        result.wrong += _twins(world, folder) if world.mishap == "twins" else _struck(world, folder, result)
        result.wrong += _last(world, folder)
    except subprocess.TimeoutExpired:
        result.wrong.append("hangs")
    result.wrong += [*_record(world, folder, result)]
    if not result.wrong:
        shutil.rmtree(folder)
    return result


def _struck(world: World, folder: Path, result: Result) -> Iterator[str]:
    """The run with the mishap in it, and perhaps one of what failed."""
    if world.mishap == "full disk":
        fill_disk(world, folder)
    run = Pytest(world, folder, "first", *(["-x"] if world.mishap == "exitfirst" else []))
    result.struck = strike(world, run)
    ran = run.ended()
    result.first = ran.code
    if world.mishap == "full disk":
        (folder / "conftest.py").unlink()
        result.struck = ran.code == 3
    if world.mishap == "exitfirst":
        result.struck = bool(ran.failed)
    codes = CODES[world.mishap] if result.struck else (0, 1)
    if ran.code not in codes:
        yield f"first: exits with {ran.code}, not one of {codes}"
    yield from _tidy(run, ran, "first")
    if ran.errors and world.mishap not in ("kill worker", "full disk"):
        yield f"first: errors: {sorted(ran.errors)}"
    if world.mishap != "kill worker" and (extra := ran.failed - world.failing()):
        yield f"first: fails, though there is a kernel: {sorted(extra)}"
    if world.last_failed:
        again = Pytest(world, folder, "lf", "--lf")
        ran = again.ended()
        yield from _tidy(again, ran, "lf")
        if ran.code != (1 if ran.failed else 0) or ran.errors or ran.failed - world.failing():
            yield f"lf: exits with {ran.code}; fails: {sorted(ran.failed)}"


def _twins(world: World, folder: Path) -> Iterator[str]:
    """Two runs at once that keep what they find, and what a frozen run says of it."""
    names = ("one", "two")
    twins = [Pytest(world, folder, name, "--kernelfalcon-update", "--kernelfalcon-fresh") for name in names]
    for name, run in zip(names, twins, strict=True):
        ran = run.ended()
        yield from _tidy(run, ran, name)
        yield from _exact(ran, name, world, world.items, world.failing())
    frozen = Pytest(world, folder, "frozen", "--kernelfalcon-frozen")
    ran, without = frozen.ended(), set(world.tables) - world.solved
    yield from _tidy(frozen, ran, "frozen")
    failing = {f"{name}::compose" for name in without}
    yield from _exact(ran, "frozen", world, 2 * len(world.solved) + len(without), failing)
    shutil.rmtree(folder / "__kernels__", ignore_errors=True)


def _last(world: World, folder: Path) -> Iterator[str]:
    """An undisturbed run finishes the work."""
    run = Pytest(replace(world, workers=0), folder, "last")
    ran = run.ended()
    yield from _tidy(run, ran, "last")
    yield from _exact(ran, "last", world, world.items, world.failing())
    (newest, *_) = sorted(folder.glob(".fuse/2*"), key=lambda path: path.stat().st_mtime, reverse=True)
    report = json.loads((newest / "summary.json").read_text())
    won = {problem["path"] for problem in report["problems"] if problem["outcome"] == "accepted"}
    if won != world.solved:
        yield f"last: the report has kernels for {sorted(won)}, not {sorted(world.solved)}"


def _exact(ran: Ran, name: str, world: World, items: int, failing: set[str]) -> Iterator[str]:
    if ran.code != (1 if failing else 0):
        yield f"{name}: exits with {ran.code}"
    if len({item for item, _ in ran.items}) != items or len(ran.items) != items:
        yield f"{name}: {len(ran.items)} items, not {items}"
    if ran.failed != failing or ran.errors:
        yield f"{name}: errors {sorted(ran.errors)}, fails {sorted(ran.failed)}, not {sorted(failing)}"


def _tidy(run: Pytest, ran: Ran, name: str) -> Iterator[str]:
    if left := run.orphans():
        run.kill()
        yield f"{name}: processes are left: {left}"
    for word in ("INTERNALERROR", "Traceback"):
        if word in ran.output:
            yield f"{name}: {word} in its output"


def _record(world: World, folder: Path, result: Result) -> Iterator[str]:
    """What lies in the tree afterwards: whole, and nothing judged that was known."""
    for path in folder.glob(".fuse/**/[!.]*.json"):
        try:
            files.read_json(path)
        except files.Unreadable as error:
            yield str(error)
    if list(folder.glob(".fuse/state/**/*.damaged*")):
        yield "a file of the state was set aside"
    for path in folder.glob(".fuse/2*/events.jsonl"):
        if world.mishap != "full disk" and events.scan(path)[1]:
            yield f"{path} has lines that are no events"
        rounds = [event for event in events.read(path) if event["event"] == "round"]
        result.saved += sum(event["restored"] for event in rounds)
    asked = [json.loads(line) for line in (folder / JUDGED).read_text().splitlines()] if _any(folder) else []
    at_seed = [entry for entry in asked if entry["gate"] == "seed"]
    result.judged = len(at_seed)
    if world.mishap != "twins" and (twice := [entry for entry in at_seed if entry["known"]]):
        yield f"judged though its verdict was there: {twice}"


def _any(folder: Path) -> bool:
    return (folder / JUDGED).exists()
