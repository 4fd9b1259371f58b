"""Which problems a run judges: those that changed (`changed REF`), and a part of them (`shard I/N`).

Ordinary tests are left alone. PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon import workers
from pytest_kernelfalcon.collection import ProblemFile
from pytest_kernelfalcon.session import Session
from pytest_kernelfalcon.store import kept

TOLD = "kernelfalcon_selected"
"""What a worker leaves in its `workeroutput`."""


@dataclass
class Selected:
    """problems: how many were collected; changed, here: how many of them the options left. empty: they left no item.
    orphans: kept kernels whose problem was not collected, and why. unjudged: those of them that changed.
    """

    problems: int = 0
    changed: int = 0
    here: int = 0
    empty: bool = False
    orphans: dict[str, str] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)


class Selection:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session, self.options = session, session.options
        self.selected: Selected | None = None
        self._kernels: set[Path] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_file(self, file_path: Path) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collect_file"""
        if file_path.parent.name == kept.FOLDER and file_path.suffix == ".py":
            self._kernels.add(file_path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collection_modifyitems

        First, so that what `-k` and the like take away is not taken for unchanged.
        """
        try:
            self._select(session, items)
        except pytest.UsageError as error:
            if not workers.is_worker(session.config):
                raise
            workers.give_up(session, str(error))
            items.clear()

    def _select(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        of = {item: item.getparent(ProblemFile) for item in items}
        problems = {file.nodeid: file for file in of.values() if file is not None}
        changed = [name for name, file in problems.items() if self._is_changed(file)]
        here = {name for name in changed if self._is_in_shard(name)}
        left = [item for item in items if (file := of[item]) is None or file.nodeid in here]
        gone = [item for item in items if item not in set(left)]
        if gone:
            session.config.hook.pytest_deselected(items=gone)
            items[:] = left
        selected = Selected(len(problems), len(changed), len(here), bool(gone) and not left)
        self._look_for_orphans(session, {file.path for file in problems.values()}, selected)
        self.selected = selected

    def _is_changed(self, file: ProblemFile) -> bool:
        place = file.synthesis.target.kept
        return self._is_touched(file.path, place.kernel, place.manifest)

    def _is_touched(self, *paths: Path) -> bool:
        changes = self.session.changes
        if changes is None or changes.everything:
            return True
        touched = [changes.touches(path) for path in paths]  # all of them: one outside of the repository is an error
        return any(touched)

    def _is_in_shard(self, name: str) -> bool:
        """By the problem's path alone, so that no other problem decides where it goes."""
        if self.options.shard is None:
            return True
        part, parts = self.options.shard
        return int.from_bytes(hashlib.sha256(name.encode(errors="surrogatepass")).digest()) % parts == part - 1

    def _look_for_orphans(self, session: pytest.Session, collected: set[Path], found: Selected) -> None:
        for kernel, problem in sorted(self._walked()):
            if problem in collected or not any(map(session.isinitpath, problem.parents)):
                continue
            shown, there = os.path.relpath(kernel, self.session.root), problem.exists()
            found.orphans[shown] = "its problem was not collected" if there else "it has no problem"
            if there and self.session.changes and self._is_touched(problem, kernel, kernel.with_suffix(".json")):
                found.unjudged.append(shown)

    def _walked(self) -> Iterator[tuple[Path, Path]]:
        """Kept kernels of the folders that were collected, each with the place of its problem."""
        folder, root = self.options.kernels, self.session.root
        if folder is None:
            yield from ((kernel, kernel.parent.parent / kernel.name) for kernel in self._kernels)
        else:
            yield from ((kernel, root / kernel.relative_to(folder)) for kernel in folder.rglob("*.py"))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        A run whose options leave nothing to judge is a good one; one that leaves out what changed is none.
        """
        if self.selected is None:
            return
        if workers.is_worker(session.config):
            session.config.workeroutput[TOLD] = asdict(self.selected)  # type: ignore[attr-defined]
        elif self._unjudged(session.config) and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self.selected.empty and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended. All collect the same: what one tells is enough."""
        told = getattr(node, "workeroutput", {}).get(TOLD)
        if told is not None:
            self.selected = Selected(**told)

    def _unjudged(self, config: pytest.Config) -> Sequence[str]:
        """What was left out on the command line was left out knowingly; by a file of the checkout, perhaps not."""
        knowingly = any(word.startswith("--ignore") for word in map(str, config.invocation_params.args))
        return [] if knowingly or self.selected is None else self.selected.unjudged

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        if self.selected is not None:
            for line in self._lines(self.selected, terminalreporter.config):
                terminalreporter.write_line(f"kernelfalcon: {line}")

    def _lines(self, selected: Selected, config: pytest.Config) -> Iterator[str]:
        if changes := self.session.changes:
            why = f": every one, since {changes.everything}" if changes.everything else ""
            yield f"changed since {changes.short}: {selected.changed} of {_problems(selected.problems)}{why}"
        if self.options.shard is not None:
            part, parts = self.options.shard
            yield f"shard {part}/{parts}: {selected.here} of {_problems(selected.changed)}"
        if selected.empty:
            yield "nothing is left to judge, which is no failure"
        for kernel, why in selected.orphans.items():
            yield f"{kernel} is not judged: {why}"
        for kernel in self._unjudged(config):
            yield f"FAILED {kernel}: it or its problem changed, but the problem is ignored here, or looks like none"


def _problems(count: int) -> str:
    return f"{count} problem{'' if count == 1 else 's'}"
