"""From files to items: problem (Module) → subgraph (Class) → `seed[k]`, `accept`; then `compose`.

Files are read by `ast` alone and never imported, so their names may be any. The classes are pytest's own kinds
with real parametrisation: `-k`, `--lf`, `--sw` and node ids work as they do for tests.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_kernelfalcon import markers, workers
from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem, looks_like_one
from pytest_kernelfalcon.fixtures import STATE, WORK, NoAnswer, SubgraphSteps, step
from pytest_kernelfalcon.fuser.outline import outline
from pytest_kernelfalcon.session import SESSION, Session, Target, only_shows
from pytest_kernelfalcon.store import kept
from pytest_kernelfalcon.store.kept import Kept
from pytest_kernelfalcon.synthesis import Ended, Synthesis

EVERY = "*.py"
"""As a pattern of pytest's `python_files` it does not tell tests from problems."""


class Step(pytest.Function):
    """An item. Its place is the problem file, not the function of ours that it runs."""

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, 0, self.getmodpath()

    def runtest(self) -> None:
        """As pytest does, and not passed where nobody did the work, as under `-p no:python`."""
        super().runtest()
        if STATE not in dict(self.user_properties):
            raise NoAnswer(f"{self.nodeid}: nothing was judged, as no plugin called the item's function", pytrace=False)

    def work(self, number: int | None) -> Ended:
        """Does what the item is for; `number` is the seed's."""
        synthesis, subgraph = _file(self).synthesis, self.getparent(Subgraph)
        if subgraph is None:
            return synthesis.compose()
        return synthesis.accept(subgraph.name) if number is None else synthesis.seed(subgraph.name, number)


class Subgraph(pytest.Class):
    """A subgraph: its seeds, and the gate for the winner."""

    def _getobj(self) -> type[SubgraphSteps]:
        return SubgraphSteps

    def collect(self) -> Iterable[pytest.Item]:
        if _file(self).synthesis.mode == "search":
            yield from _steps(self, "seed")
        yield from _steps(self, "accept")


class ProblemFile(pytest.Module):
    """A problem file, or a file that was meant to be one."""

    synthesis: Synthesis

    def _getobj(self) -> ModuleType:
        """A stand-in: the file itself is never imported."""
        module = ModuleType(self.path.stem)
        module.__file__ = str(self.path)
        module.compose = module.problem = step  # type: ignore[attr-defined]
        return module

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        self.synthesis = Synthesis(self.config.stash[SESSION], self._target())
        markers.mark_problem(self, self.synthesis.target.status)
        if isinstance(self.synthesis.target.problem, ProblemError):
            return list(_steps(self, "problem"))
        nodes: list[pytest.Item | pytest.Collector] = []
        if self.synthesis.mode != "frozen":
            nodes += [Subgraph.from_parent(self, name=name) for name in self.synthesis.target.subgraphs]
        return [*nodes, *_steps(self, "compose")]

    def _target(self) -> Target:
        session, shown = self.config.stash[SESSION], _shown(self.path, self.config)
        place = Kept.of(self.path, session.root, session.options.kernels)
        try:
            problem = Problem.load(self.path, shown)
        except ProblemError as error:
            return Target(self.nodeid, shown, error, place, "missing")
        return Target(self.nodeid, shown, problem, place, place.status(problem), tuple(outline(problem)))


def _file(node: pytest.Class | pytest.Item) -> ProblemFile:
    file = node.getparent(ProblemFile)
    if file is None:
        raise TypeError(f"{node.nodeid} is in no problem file")
    return file


def _steps(parent: pytest.Class | pytest.Module, name: str) -> Iterator[Step]:
    """The items of one function. Through pytest's own generator: `--lf` loses items whose parameters are not real."""
    for made in parent._genfunctions(name, getattr(parent.obj, name)):
        kind: dict[str, Any] = {"name": made.name, "originalname": name, "fixtureinfo": made._fixtureinfo}
        if hasattr(made, "callspec"):
            kind |= {"callspec": made.callspec, "keywords": {made.callspec.id: True}}
        item = Step.from_parent(parent, **kind)
        markers.mark_step(item, name)
        yield item


def _tests(config: pytest.Config) -> list[str]:
    """The patterns by which files are the user's tests; `-p no:python` leaves none."""
    patterns = config.getini("python_files") if config.pluginmanager.has_plugin("python") else []
    return [pattern for pattern in patterns if pattern != EVERY]


def _shown(path: Path, config: pytest.Config) -> str:
    """As one would type it where pytest was started."""
    start = config.invocation_params.dir
    return str(path.relative_to(start) if path.is_relative_to(start) else path)


class Collection:
    """The hooks of collection; registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collect_file

        A problem is collected once and by us alone, whatever other plugins make of `.py` files.
        """
        others = yield
        if file_path.suffix != ".py":
            return others
        if self._is_problem(file_path, parent):
            return [parent.ihook.pytest_pycollect_makemodule(module_path=file_path, parent=parent)]
        return [] if self._is_kept(file_path) else others

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_pycollect_makemodule"""
        if not self._is_problem(module_path, parent):
            return None
        if module_path.is_relative_to(self.session.root):
            return ProblemFile.from_parent(parent, path=module_path)
        # pytest would call it by its place under the argument: two arguments outside the root could be the same
        return ProblemFile.from_parent(parent, path=module_path, nodeid=module_path.as_posix())

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_generate_tests"""
        if isinstance(metafunc.definition.parent, Subgraph) and metafunc.definition.originalname == "seed":
            metafunc.parametrize(WORK, range(self.session.options.seeds), indirect=True)

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtestloop"""
        found = (item.getparent(ProblemFile) for item in session.items)
        targets = {file.nodeid: file.synthesis.target for file in found if file is not None}
        if not targets or only_shows(session.config):
            return None
        try:
            self.session.begin(list(targets.values()))
        except pytest.UsageError as error:
            if not workers.is_worker(session.config):
                raise
            workers.give_up(session, str(error))
            return True
        return None

    def _is_problem(self, path: Path, parent: pytest.Collector) -> bool:
        """A file that is named on the command line is meant as a problem, unless it is plainly a test."""
        if path.name == "conftest.py":
            return False
        named = parent.session.isinitpath(path)
        if any(path.match(pattern) for pattern in _tests(parent.config)):
            return named and looks_like_one(path)
        return named or (not self._is_kept(path) and looks_like_one(path))

    def _is_kept(self, path: Path) -> bool:
        folder = self.session.options.kernels
        return kept.FOLDER in path.parts or (folder is not None and path.is_relative_to(folder))
