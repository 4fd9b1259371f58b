"""pytest on a world's tree, in processes of its own; mishaps; and what must be true afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.world import World

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180.0
"""How long a run may take before it counts as hanging."""
EARLY = 0.2
"""Moments before this are, for a controller, seconds after its start, when it has made no run yet."""
MARKER = "KERNELFALCON_SOAK"
"""The environment variable by which the processes of a run are found."""
FULL = """
import resource


def pytest_runtest_setup(item):
    if item.name == {name!r}:
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""


@dataclass
class Ran:
    """How a run of pytest ended. items: (id, word) of those that ended, as JUnit's XML has them."""

    code: int
    output: str
    items: list[tuple[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> set[str]:
        return {name for name, word in self.items if word == "failure"}

    @property
    def errors(self) -> set[str]:
        return {name for name, word in self.items if word == "error"}


class Pytest:
    """One run of pytest on the tree. extra: further arguments."""

    def __init__(self, world: World, folder: Path, name: str, *extra: str) -> None:
        self.folder, self.xml = folder, folder / f"{name}.xml"
        self.marker = f"{folder.name}-{world.number}-{name}"
        arguments = ["-q", "--tb=short", "--kernelfalcon", f"-n{world.workers}"]
        if not (folder / "conftest.py").exists():  # on a full disk pytest's own writing fails as well
            arguments.append(f"--junitxml={self.xml}")
        arguments += [f"--dist={world.dist}"] if world.workers else []
        arguments += [f"--kernelfalcon-seeds={world.seeds}", "--kernelfalcon-author=scripted/script", *extra]
        plugins = [f"-p{name}" for name in ("xdist", "kernelfalcon_loader", "benchmarks.soak.judge")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KERNELFALCON_")}
        environment.pop("CI", None)
        environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self.output = (folder / f"{name}.txt").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *plugins, *arguments, *world.tables],
            cwd=folder,
            env=environment | {MARKER: self.marker},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ended(self) -> Ran:
        """Raises `subprocess.TimeoutExpired` where it hangs; its processes are ended then."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        with self.output:
            self.output.seek(0)
            return Ran(code, self.output.read(), list(_items(self.xml)))

    def processes(self) -> list[int]:
        """Those alive, by the environment that they inherited."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = path.read_bytes().split(b"\0")
            except OSError:
                continue  # it is gone, or another user's
            if f"{MARKER}={self.marker}".encode() in environment:
                found.append(int(path.parent.name))
        return sorted(found)

    def orphans(self) -> list[int]:
        """Who is left although the run is over, after a moment to end in."""
        end = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        return left

    def kill(self) -> None:
        for pid in self.processes():
            _signal(pid, signal.SIGKILL)
        self.process.wait()


def strike(world: World, run: Pytest) -> bool:
    """Waits for the moment and lets the mishap happen; whether there was still a process that it could happen to."""
    if world.mishap not in ("kill controller", "kill worker", "interrupt"):
        return False
    if world.mishap == "kill controller" and world.moment < EARLY:
        _sleep(world.moment, run)
    else:
        _progress(world, run)
    if run.process.poll() is not None:
        return False
    if world.mishap == "interrupt":
        return _signal(run.process.pid, signal.SIGINT)
    pids = [run.process.pid]
    if world.mishap == "kill worker":
        pids = [pid for pid in run.processes() if pid != run.process.pid]
    return bool(pids) and _signal(random.Random(world.number).choice(pids), signal.SIGKILL)


def _progress(world: World, run: Pytest) -> None:
    """Until the run's record is as long as the moment is late: of a whole run it has some three lines for two items.

    There is a record once items run. Before, there is nothing to interrupt but Python's start, and a worker that is
    killed while execnet starts it ends pytest-xdist by its internal error, whatever plugins there are.
    """
    lines = 1 + len(world.tables) + world.moment * 1.5 * world.items
    while run.process.poll() is None:
        for path in run.folder.glob(".fuse/2*/events.jsonl"):
            if path.read_bytes().count(b"\n") >= lines:
                _sleep(world.moment % 0.07, run)
                return
        time.sleep(0.005)


def fill_disk(world: World, folder: Path) -> None:
    """From some item on no file can grow: as on a full disk, but for the error's number."""
    rnd = random.Random(world.number)
    name = rnd.choice(("accept", "compose", f"seed[{rnd.randrange(world.seeds)}]"))
    (folder / "conftest.py").write_text(FULL.format(name=name, size=rnd.choice((50, 300, 3000))))


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _sleep(seconds: float, run: Pytest) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and run.process.poll() is None:
        time.sleep(0.01)


def _items(xml: Path) -> Iterator[tuple[str, str]]:
    """Nothing where the run did not live to write it."""
    if not xml.exists():
        return
    for case in ElementTree.parse(xml).iter("testcase"):
        name, place = case.get("name", ""), case.get("classname", "").split(".")
        words = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        yield "::".join([f"{place[0]}.py", *place[1:], name]), words[0] if words else "passed"
