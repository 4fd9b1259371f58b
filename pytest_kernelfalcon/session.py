"""What the items of one pytest process share: options, run directory, authors and the judge."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_kernelfalcon import options as options_module
from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.author import Author, Setting
from pytest_kernelfalcon.options import PREFIX, Options
from pytest_kernelfalcon.store import rundir
from pytest_kernelfalcon.store.events import Events
from pytest_kernelfalcon.store.kept import Kept, Status, unwritable
from pytest_kernelfalcon.store.rundir import RunDir

if TYPE_CHECKING:
    from pytest_kernelfalcon.judge.judge import Judge

DISTRIBUTIONS = ("pytest-kernelfalcon", "pytest", "torch", "triton")


@dataclass(frozen=True)
class Target:
    """A collected problem file.

    name: its node id, which the record and the report name. shown: its path as the user would type it.
    problem: what it holds, or why it is no problem. kept: the place of its kept kernel. subgraphs: their ids.
    """

    name: str
    shown: str
    problem: Problem | ProblemError
    kept: Kept
    status: Status
    subgraphs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return rundir.problem_key(self.name)

    def mode(self, options: Options) -> Literal["search", "kept", "frozen"]:
        """Search for a kernel; judge the kept one; or neither, because a frozen run has no fresh one."""
        if options.fresh or isinstance(self.problem, ProblemError):
            return "search"
        if self.status == "fresh":
            return "kept"
        return "frozen" if options.frozen else "search"


@dataclass(frozen=True)
class Session:
    """Made once for each pytest process; the run directory belongs to all processes of the run."""

    options: Options
    root: Path
    run: RunDir
    events: Events
    authors: tuple[Author, ...]
    judge: Judge

    def begin(self, targets: Sequence[Target]) -> None:
        """Makes the run directory and notes what will run; raises `pytest.UsageError` where nothing could be kept."""
        if self.options.update:
            for target in targets:
                _check_writable(target)
        if any(target.mode(self.options) != "frozen" for target in targets):
            self.judge.start()
        texts = {target.name: target.problem.text for target in targets if isinstance(target.problem, Problem)}
        if not self.run.begin(texts):
            return  # another process of this run has
        self.events.add("run", run_id=self.run.run_id, versions=versions(), machine=machine(self.judge))
        for target in targets:
            self.events.add(
                "problem", problem=target.name, shown=target.shown, kept=target.status, mode=target.mode(self.options)
            )

    def close(self) -> None:
        self.judge.close()


SESSION = pytest.StashKey[Session]()
INHERITED = "kernelfalcon"
"""Where pytest-xdist's `workerinput` holds the controller's run."""


def open_session(config: pytest.Config) -> Session:
    """The session of this process; raises `pytest.UsageError` for whatever the user has to change first."""
    options = options_module.read(config)
    authors = _authors(options, Setting(config.invocation_params.dir, config.rootpath, options.seeds))
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    if INHERITED in workerinput:  # a worker of pytest-xdist: the controller has made the run
        run = RunDir(Path(workerinput[INHERITED]["root"]), workerinput[INHERITED]["run_id"])
    else:
        run = RunDir(_root(config), rundir.new_run_id())
    worker = workerinput.get("workerid", "main")
    judge = open_judge(options, run.cache, workerinput.get(INHERITED, {}).pop("offer", None))
    return Session(options, config.rootpath, run, Events(run.events, worker), authors, judge)


def open_judge(options: Options, cache: Path | None, offer: dict[str, Any] | None = None) -> Judge:
    """Starts nothing yet: the judge's processes come with its first question. offer: of the controller's zygotes."""
    from pytest_kernelfalcon.judge.judge import Judge, Unavailable
    from pytest_kernelfalcon.judge.lending import Lent, Offer

    opened = partial(Lent, offer=Offer(**offer)) if offer else None
    try:
        return Judge(options.platform, options.sandbox, cache, opened=opened, sanitize=options.sanitize)
    except Unavailable as error:
        raise pytest.UsageError(str(error)) from None


def _authors(options: Options, setting: Setting) -> tuple[Author, ...]:
    try:
        return tuple(registry.resolve(spec, setting) for spec in options.author)
    except registry.UnknownAuthor as error:
        raise pytest.UsageError(f"{PREFIX}author: {error}") from None


def _root(config: pytest.Config) -> Path:
    """Where `.fuse` lies: in the root directory, or where pytest was started when that cannot be written."""
    if config.option.collectonly:
        return config.rootpath / rundir.FOLDER
    try:
        return rundir.find_root([config.rootpath, config.invocation_params.dir])
    except rundir.NotWritableError as error:
        raise pytest.UsageError(
            f"no place for the run directory: {error}. Fix: start pytest in a folder that can be written."
        ) from None


def _check_writable(target: Target) -> None:
    if place := unwritable(target.kept.kernel.parent):
        raise pytest.UsageError(
            f"{PREFIX}update: the kernel of {target.shown} cannot be kept: {str(place)!r} cannot be written. "
            f"Fix: name a folder that can, with {PREFIX}kernels DIR."
        )


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide about a kernel; read without importing them."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine(judge: Judge) -> dict[str, Any]:
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "platform": judge.platform,
        "device": judge.device,
    }
