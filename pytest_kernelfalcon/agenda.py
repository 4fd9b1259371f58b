"""What is to be run, what of it can be run at once, and what of that comes first.

Only time hangs on it: an item that is run too early pulls what it needs (see store/blackboard.py).

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import heapq
import re
from bisect import insort
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

AGAIN, NEEDLESS, ACCEPT, COMPOSE, ORDINARY = range(5)
"""The ranks of what can be run at once: what a worker gave back, seeds that end at once since their race is over, then
what only waited for others, then tests that are none of ours. After all of these come the seeds that race.
"""
_STEP = re.compile(r"(?P<problem>.+?\.py)::(?:(?P<subgraph>[^:\[\]]+)::(?P<step>seed|accept)(?:\[\d+\])?|compose)")


class Step(NamedTuple):
    """kind: `seed`, `accept` or `compose`. race: the subgraph's node id; of a `compose` the problem's."""

    kind: str
    problem: str
    race: str


def read(nodeid: str) -> Step | None:
    """The step that an item is by its name; None for a test of the user's."""
    found = _STEP.fullmatch(nodeid)
    if found is None:
        return None
    problem, subgraph = found["problem"], found["subgraph"]
    return Step(found["step"] or "compose", problem, f"{problem}::{subgraph}" if subgraph else problem)


class Agenda:
    """Items are known by their place in the collection. Each is taken once, then has ended or is given back."""

    def __init__(self, nodeids: Sequence[str]) -> None:
        self.nodeids = nodeids
        self._steps = [read(nodeid) for nodeid in nodeids]
        self._free: list[tuple[int, int]] = []
        self._racing: dict[str, list[int]] = {}
        self._waiting: dict[str, list[int]] = {}
        self._running: Counter[str] = Counter()
        self._settled: set[str] = set()
        self._seeds: dict[str, set[int]] = {}
        self._parts: dict[str, set[int | str]] = {}
        for index, step in enumerate(self._steps):
            self._enter(index, step)
        for race in [race for race, seeds in self._seeds.items() if not seeds]:
            self._settle(race)
        for problem in self._parts:
            self._look_at(problem)

    def _enter(self, index: int, step: Step | None) -> None:
        if step is None:
            heapq.heappush(self._free, (ORDINARY, index))
            return
        parts = self._parts.setdefault(step.problem, set())
        if step.kind == "compose":
            self._waiting.setdefault(step.problem, []).append(index)
            return
        seeds = self._seeds.setdefault(step.race, set())
        parts.add(step.race)
        if step.kind == "seed":
            seeds.add(index)
            self._racing.setdefault(step.race, []).append(index)
        else:
            parts.add(index)
            self._waiting.setdefault(step.race, []).append(index)

    @property
    def empty(self) -> bool:
        """Whether everything was taken."""
        return not (self._free or any(self._racing.values()) or any(self._waiting.values()))

    def take(self, most: int) -> list[int]:
        """What to run next; nothing where all that is left waits for what is running.

        Tests of the user's are given several at a time, `most` of one file: they may share fixtures.
        """
        if self._free:
            rank, index = heapq.heappop(self._free)
            self._begin(index)
            return [index, *self._more(index, most - 1)] if rank == ORDINARY else [index]
        races = [(self._running[race], seeds[0], race) for race, seeds in self._racing.items() if seeds]
        if not races:
            return []
        index = self._racing[min(races)[2]].pop(0)
        self._begin(index)
        return [index]

    def _begin(self, index: int) -> None:
        step = self._steps[index]
        if step is not None and step.kind == "seed":
            self._running[step.race] += 1

    def _more(self, index: int, most: int) -> list[int]:
        found: list[int] = []
        file = self.nodeids[index].split("::")[0]
        while len(found) < most and self._free and self._free[0][0] == ORDINARY:
            if self.nodeids[self._free[0][1]].split("::")[0] != file:
                break
            found.append(heapq.heappop(self._free)[1])
        return found

    def ordinary(self) -> int:
        """How many tests of the user's nobody has taken."""
        return sum(rank == ORDINARY for rank, _ in self._free)

    def won(self, nodeid: str) -> None:
        """The race of that seed is over: its other seeds end at once, and its winner can be judged in full."""
        step = read(nodeid)
        if step is not None and step.kind == "seed" and step.race in self._seeds:
            self._settle(step.race)

    def ended(self, index: int) -> None:
        step = self._steps[index]
        if step is None or step.kind == "compose":
            return
        if step.kind == "seed":
            self._running[step.race] -= 1
            self._seeds[step.race].discard(index)
            if not self._seeds[step.race]:
                self._settle(step.race)
        else:
            self._parts[step.problem].discard(index)
            self._look_at(step.problem)

    def give_back(self, *indices: int, ended: bool = False) -> None:
        """They are to be run after all. ended: they were said to have ended."""
        for index in indices:
            step = self._steps[index]
            if step is not None and step.kind == "seed" and not ended:
                self._running[step.race] -= 1
            if step is not None and step.kind == "seed" and step.race not in self._settled:
                insort(self._racing[step.race], index)
            else:
                heapq.heappush(self._free, (AGAIN if step or ended else ORDINARY, index))

    def _settle(self, race: str) -> None:
        if race in self._settled:
            return
        self._settled.add(race)
        for index in self._racing.pop(race, ()):
            heapq.heappush(self._free, (NEEDLESS, index))
        for index in self._waiting.pop(race, ()):
            heapq.heappush(self._free, (ACCEPT, index))
        problem = race.rpartition("::")[0]
        self._parts[problem].discard(race)
        self._look_at(problem)

    def _look_at(self, problem: str) -> None:
        """Frees the problem's last item once all others of it have ended."""
        if not self._parts[problem]:
            for index in self._waiting.pop(problem, ()):
                heapq.heappush(self._free, (COMPOSE, index))
