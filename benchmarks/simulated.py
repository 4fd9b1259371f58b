"""A run of pytest-xdist in simulated time: a controller, its workers, and the blackboard that their items pull from."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pytest_kernelfalcon import idle
from pytest_kernelfalcon.fixtures import STATE

ACCEPT, COMPOSE = 0.3, 0.5
NOTHING, STOPPING = 0.0005, 0.003
"""Minutes that it takes to end an item whose answer is there, and a seed under way."""
SHUTDOWN = -1

Act = Generator[Any, None, str]
"""What an item does: sleeps (`Sleep`), waits (for a function to return true), and returns its report's state."""


@dataclass(frozen=True)
class Sleep:
    """race: whose winner ends it early."""

    minutes: float
    race: Race | None = None


@dataclass
class Race:
    """One subgraph's blackboard. seeds: for each, whether it would win and the minutes that it takes."""

    seeds: list[tuple[bool, float]]
    won: bool = False
    accepted: bool = False
    accepting: bool = False
    taken: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)

    @property
    def over(self) -> bool:
        return self.won or len(self.ended) == len(self.seeds)

    def seed(self, number: int) -> Act:
        """The item `seed[number]`."""
        yield lambda: self.won or number in self.ended or number not in self.taken
        if self.won or number in self.ended:
            yield Sleep(NOTHING)
            return "cancelled" if self.won else "lost"
        return (yield from self._work(number))

    def _work(self, number: int) -> Act:
        self.taken.add(number)
        wins, takes = self.seeds[number]
        yield Sleep(takes, self)
        if self.won:
            self.taken.discard(number)
            return "cancelled"
        self.ended.add(number)
        self.won = wins
        return "won" if wins else "lost"

    def accept(self) -> Act:
        """The item `accept`, and what a `compose` does that comes before it."""
        yield lambda: self.accepted or not self.accepting
        if not self.accepted:
            self.accepting = True
            while not self.over:
                free = [number for number in range(len(self.seeds)) if number not in self.taken | self.ended]
                if free:
                    yield from self._work(free[0])
                else:
                    yield lambda: self.over or self._given_back()
            yield Sleep(ACCEPT)
            self.accepted, self.accepting = True, False
        return "passed"

    def _given_back(self) -> bool:
        return len(self.taken | self.ended) < len(self.seeds)


def compose(races: Sequence[Race]) -> Act:
    for race in races:
        if not race.accepted:
            yield from race.accept()
    yield Sleep(COMPOSE)
    return "passed"


class Config:
    """What schedulers ask of pytest's configuration."""

    def __init__(self, workers: int, chunk: int | None = None) -> None:
        self._options = {"tx": ["popen"] * workers, "maxschedchunk": chunk, "loadscopereorder": True}
        self.option = SimpleNamespace(**self._options)
        self.hook = SimpleNamespace(pytest_collectreport=lambda report: None)

    def getoption(self, name: str) -> Any:
        return self._options[name]

    getvalue = getoption


class Worker:
    """xdist's WorkerController and, behind it, its worker: an item begins when the one after it is known."""

    def __init__(self, controller: Controller, number: int) -> None:
        self.controller = controller
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.shutting_down = False
        self.queue: deque[int] = deque()
        self.busy = False
        self._next: int | None = None

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        self.queue.extend(indices)
        self.go_on()

    def send_steal(self, indices: Sequence[int]) -> None:
        stolen = list(indices) if set(indices) <= set(self.queue) else []
        self.queue = deque(index for index in self.queue if index not in stolen)
        scheduler = self.controller.scheduler
        self.controller.later(0.0, lambda: scheduler.remove_pending_tests_from_node(self, stolen))

    def shutdown(self) -> None:
        if not self.shutting_down:
            self.shutting_down = True
            self.queue.append(SHUTDOWN)
            self.go_on()

    def go_on(self) -> None:
        if self._next is None and self.queue:
            self._next = self.queue.popleft()
        if not self.busy and self.queue and self._next not in (None, SHUTDOWN):
            index, self._next, self.busy = self._next, self.queue.popleft(), True
            self.controller.begin(self, index)


class Controller:
    """xdist's DSession with a scheduler, and the clock. order, grouped: see `makespan.Way`."""

    def __init__(self, scheduler: Any, work: Sequence[Sequence[Race]], workers: int, order: str, grouped: bool) -> None:
        self.scheduler = scheduler
        self.workers = [Worker(self, number) for number in range(workers)]
        self.items = list(_items(work, grouped))
        if order == "seed":
            self.items.sort(key=lambda item: item[0].rpartition("::")[2].removesuffix("]").replace("seed", " "))
        self.now = 0.0
        self.composed: list[float] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._asleep: dict[int, tuple[Race, Callable[[], None]]] = {}
        self._waiting: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    def run(self) -> list[float]:
        """The minutes in which problems were composed. Raises RuntimeError where a worker has never ended."""
        ids = [name for name, _ in self.items]
        for worker in self.workers:
            self.scheduler.add_node(worker)
        for worker in self.workers:
            collected = list(ids)
            if hook := getattr(self.scheduler, "pytest_xdist_node_collection_finished", None):
                collected.append(idle.NODE_ID)
                hook(worker, collected)
            self.scheduler.add_node_collection(worker, collected)
        self.scheduler.schedule()
        self._turn()
        while self._events:
            self.now, _, act = heapq.heappop(self._events)
            act()
            self._turn()
        if left := [worker for worker in self.workers if worker.busy or not worker.shutting_down]:
            raise RuntimeError(f"{len(left)} workers never ended")
        return self.composed

    def _turn(self) -> None:
        """What the last event made possible."""
        for number, (race, wake) in list(self._asleep.items()):
            if race.won:
                del self._asleep[number]
                self.later(STOPPING, wake)
        for there, wake in list(self._waiting):
            if there():
                self._waiting.remove((there, wake))
                self.later(0.0, wake)
        if self.scheduler.tests_finished:
            for worker in self.workers:
                worker.shutdown()

    def later(self, minutes: float, act: Callable[[], None]) -> int:
        self._number += 1
        heapq.heappush(self._events, (self.now + minutes, self._number, act))
        return self._number

    def begin(self, worker: Worker, index: int) -> None:
        if index == len(self.items):  # the hidden one
            self.later(0.0, lambda: self._complete(worker, index))
            return
        name, act = self.items[index]
        self._tell("pytest_runtest_logstart", name)
        self._step(worker, index, act())

    def _step(self, worker: Worker, index: int, act: Act) -> None:
        """Goes on with an item until it has to wait."""
        try:
            pause = next(act)
        except StopIteration as ended:
            self._end(worker, index, ended.value)
            return
        if not isinstance(pause, Sleep):
            self._waiting.append((pause, lambda: self._step(worker, index, act)))
            return
        number = self._number + 1

        def wake() -> None:
            self._step(worker, index, act)

        def overslept() -> None:
            if pause.race is None or self._asleep.pop(number, None):
                wake()

        if pause.race is not None:
            self._asleep[number] = pause.race, wake
        self.later(pause.minutes, overslept)

    def _end(self, worker: Worker, index: int, state: str) -> None:
        name, _ = self.items[index]
        if name.split("@")[0].endswith("::compose"):
            self.composed.append(self.now)
        self._tell(
            "pytest_runtest_logreport", SimpleNamespace(nodeid=name, when="call", user_properties=[(STATE, state)])
        )
        self._tell("pytest_runtest_logfinish", name)
        self._complete(worker, index)

    def _complete(self, worker: Worker, index: int) -> None:
        worker.busy = False
        self.scheduler.mark_test_complete(worker, index, 0)
        worker.go_on()

    def _tell(self, name: str, what: Any) -> None:
        """Of what only a plugin hears."""
        if hook := getattr(self.scheduler, name, None):
            hook(what)


def _items(work: Sequence[Sequence[Race]], grouped: bool) -> Iterator[tuple[str, Callable[[], Act]]]:
    """Node ids in the order of collection, and what each item does."""
    for number, races in enumerate(work):
        problem = f"{number:02}.py"
        group = f"@{problem}" if grouped else ""
        for place, race in enumerate(races):
            for seed in range(len(race.seeds)):
                yield f"{problem}::s{place}::seed[{seed}]{group}", lambda race=race, seed=seed: race.seed(seed)
            yield f"{problem}::s{place}::accept{group}", race.accept
        yield f"{problem}::compose{group}", lambda races=races: compose(races)
