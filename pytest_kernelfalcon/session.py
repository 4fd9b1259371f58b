"""What the items of one pytest process share: options, run directory, authors and the judge."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_kernelfalcon import hosts
from pytest_kernelfalcon import options as options_module
from pytest_kernelfalcon.changes import Changes
from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.author import Asking, Author, NotReady, Setting
from pytest_kernelfalcon.options import PREFIX, Options
from pytest_kernelfalcon.store import progress, rundir
from pytest_kernelfalcon.store.events import Events
from pytest_kernelfalcon.store.kept import Kept, Status, unwritable
from pytest_kernelfalcon.store.rundir import RunDir

if TYPE_CHECKING:
    from pytest_kernelfalcon.judge.judge import Judge

DISTRIBUTIONS = ("pytest-kernelfalcon", "pytest", "torch", "triton")
DECIDING = ("python", "pytest-kernelfalcon", "torch", "triton")
"""Those of `versions` that a verdict hangs on: what others have judged is no verdict of this run's."""


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
    changes: Changes | None = None
    _marks: list[FileIO] = field(default_factory=list)

    def begin(self, targets: Sequence[Target]) -> None:
        """Makes the run directory and notes what will run; raises `pytest.UsageError` where nothing could be kept."""
        if self.options.update:
            for target in targets:
                _check_writable(target)
        modes = {target.mode(self.options) for target in targets}
        if "search" in modes:
            _check_ready(self.authors)
        if modes != {"frozen"}:
            self.judge.start()
        texts = {target.name: target.problem.text for target in targets if isinstance(target.problem, Problem)}
        self.take_part()
        if not self.run.begin(texts):
            return  # another process of this run has
        budget = None if self.options.budget is None else str(self.options.budget)
        about = {"versions": versions(), "machine": machine(self.judge), "budget": budget}
        self.events.add("run", run_id=self.run.run_id, **about)
        for target in targets:
            facts = {"kept": target.status, "mode": target.mode(self.options), "subgraphs": target.subgraphs}
            self.events.add("problem", problem=target.name, shown=target.shown, **facts)

    def take_part(self) -> None:
        """Marks the run as in progress for as long as this process lives."""
        if not self._marks:
            self._marks.append(progress.hold(self.run))

    def close(self) -> None:
        self.judge.close()
        for mark in self._marks:
            mark.close()


SESSION = pytest.StashKey[Session]()
INHERITED = "kernelfalcon"
"""Where pytest-xdist's `workerinput` holds the controller's run."""


SHOWS = ("collectonly", "setuponly", "showfixtures", "show_fixtures_per_test", "markers", "cacheshow", "help")
"""Options of pytest's with which it shows something and runs no item."""


def only_shows(config: pytest.Config) -> bool:
    """Whether nothing will be run: then nothing is written and no judge is started."""
    return any(config.getoption(name, default=None) for name in SHOWS)


def open_session(config: pytest.Config) -> Session:
    """The session of this process; raises `pytest.UsageError` for whatever the user has to change first."""
    options = options_module.read(config)
    started = Setting(config.invocation_params.dir, config.rootpath, options.seeds, rounds=options.rounds)
    options = _repeating(options, _authors(options, started))  # a name that is wrong is told before anything is written
    started = replace(started, seeds=options.seeds, rounds=options.rounds)
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    if INHERITED in workerinput:  # a worker of pytest-xdist: the controller has made the run
        hosts.check(config, workerinput[INHERITED])
        run = RunDir(Path(workerinput[INHERITED]["root"]), workerinput[INHERITED]["run_id"])
    else:
        run = RunDir(_root(config), rundir.new_run_id())
    changes = _changes(config, options, workerinput.get(INHERITED, {}).get("changes"))
    worker = workerinput.get("workerid", "main")
    inherited = workerinput.get(INHERITED, {})
    # what a checkout could bring, and could lie, is not asked by those that trust no earlier run
    compiled = run.own_cache if options.frozen or options.fresh else run.cache
    judge = open_judge(options, compiled, inherited.pop("offer", None), inherited.get("place", 0))
    authors = _authors(options, _setting(started, options, run, judge))
    return Session(options, config.rootpath, run, Events(run.events, worker), authors, judge, changes)


def _repeating(options: Options, authors: Sequence[Author]) -> Options:
    """With the seeds and rounds that an author repeats, where the user says nothing of their number."""
    for author in authors:
        repeats = {name: n for name, n in getattr(author, "repeats", {}).items() if name not in options.given}
        alone = ("seeds",) if len(authors) == 1 else ()
        wanted = {name: n if name in alone else max(n, getattr(options, name)) for name, n in repeats.items()}
        options = replace(options, **wanted)
    return options


def _setting(started: Setting, options: Options, run: RunDir, judge: Judge) -> Setting:
    return replace(
        started,
        run=run.path,
        stopped=run.stopped,
        platform=judge.platform,
        device=judge.device,
        triton=versions()["triton"],
        targets=judge.targets,
        asking=Asking(
            effort=options.effort,
            max_tokens=options.max_tokens,
            window=options.window,
            calls=options.calls,
            templates=options.templates,
            budget=options.budget,
            prices=dict(options.prices or ()),
        ),
    )


def _changes(config: pytest.Config, options: Options, told: dict[str, Any] | None) -> Changes | None:
    """told: what the controller found; by now this run may have changed files."""
    if told is not None:
        return Changes.from_json(told)
    return Changes.since(options.changed, config.rootpath, config.inipath) if options.changed else None


def open_judge(options: Options, cache: Path | None, offer: dict[str, Any] | None = None, place: int = 0) -> Judge:
    """Starts nothing yet: the judge's processes come with its first question. offer: of the controller's zygotes.
    place: of the worker among those of its machine, which decides about its device.
    """
    from pytest_kernelfalcon.judge.judge import Judge, Unavailable
    from pytest_kernelfalcon.judge.lending import Lent, Offer

    opened = partial(Lent, offer=Offer(**offer), place=place) if offer else None
    try:
        return Judge(options.platform, options.sandbox, cache, opened=opened, sanitize=options.sanitize, place=place)
    except Unavailable as error:
        raise pytest.UsageError(str(error)) from None


def _authors(options: Options, setting: Setting) -> tuple[Author, ...]:
    try:
        return tuple(registry.resolve(spec, setting) for spec in options.author)
    except registry.UnknownAuthor as error:
        raise pytest.UsageError(f"{PREFIX}author: {error}") from None


def _check_ready(authors: Sequence[Author]) -> None:
    try:
        for author in authors:
            getattr(author, "ready", lambda: None)()
    except NotReady as error:
        raise pytest.UsageError(f"{PREFIX}author: {error}") from None


def _root(config: pytest.Config) -> Path:
    """Where `.fuse` lies: in the root directory, or where pytest was started when that cannot be written."""
    if only_shows(config):
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


@cache
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
