"""How long runs take that last hours, in simulated time: our scheduler and those of pytest-xdist on the same work.

    python -m benchmarks.makespan [REPETITIONS]

Nothing is run, but every scheduler is the class itself, driven as xdist's controller drives it. Eight workers; a seed
takes minutes with a long tail (lognormal, median 2) and wins with probability 0.6, `accept` takes 0.3 minutes and
`compose` 0.5. What an item needs and what is not there yet it pulls, as store/blackboard.py does: it helps with a seed
that nobody has taken, else it waits.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from xdist.scheduler import LoadGroupScheduling, LoadScheduling, WorkStealingScheduling

from benchmarks.simulated import Config, Controller, Race
from pytest_kernelfalcon.scheduler import RaceScheduling

WORKERS, SEEDS = 8, 4


def silent(*_: object) -> None:
    """What xdist's schedulers say goes nowhere."""


class Log:
    """xdist's schedulers log under a name of their own."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return silent


@dataclass(frozen=True)
class Way:
    """A way to distribute: the scheduler's class, its option, and the order of items (`file`, or `seed`: all first
    seeds first). grouped: items carry their problem's group, as `loadgroup` wants it.
    """

    name: str
    make: Callable[[Any, Any], Any]
    chunk: int | None = None
    order: str = "file"
    grouped: bool = False


WAYS = (
    Way("ours", RaceScheduling),
    Way("load", LoadScheduling),
    Way("load, chunks of 1", LoadScheduling, 1),
    Way("load, chunks of 1, all first seeds first", LoadScheduling, 1, "seed"),
    Way("worksteal", WorkStealingScheduling),
    Way("loadgroup, a group for each problem", LoadGroupScheduling, grouped=True),
)


class Case(NamedTuple):
    """goal: minutes that ours may take."""

    name: str
    problems: int
    subgraphs: tuple[int, int]
    goal: float


CASES = (
    Case("40 problems", 40, (1, 6), 130.0),
    Case("1 problem", 1, (1, 3), 3.7),
    Case("5 problems", 5, (1, 6), 17.0),
)


def work(case: Case, seed: int) -> list[list[Race]]:
    """For each problem its subgraphs' races, the same ones for the same seed."""
    drawn = random.Random(seed)

    def one() -> tuple[bool, float]:
        return drawn.random() < 0.6, min(drawn.lognormvariate(math.log(2), 1.2), 40.0)

    return [
        [Race([one() for _ in range(SEEDS)]) for _ in range(drawn.randint(*case.subgraphs))]
        for _ in range(case.problems)
    ]


def composed(way: Way, case: Case, seed: int) -> list[float]:
    """The minutes in which problems were composed, in order."""
    config = Config(WORKERS, way.chunk)
    controller = Controller(way.make(config, Log()), work(case, seed), WORKERS, way.order, way.grouped)
    return controller.run()


def means(way: Way, case: Case, repetitions: int) -> tuple[float, float]:
    """Minutes to the last problem, and to a problem, in the mean."""
    runs = [composed(way, case, seed) for seed in range(repetitions)]
    return statistics.mean(run[-1] for run in runs), statistics.mean(statistics.mean(run) for run in runs)


def _row(way: Way, repetitions: int) -> str:
    return "".join("{:9.1f} ({:5.1f})".format(*means(way, case, repetitions)) for case in CASES)


def main(arguments: Sequence[str]) -> None:
    repetitions = int(arguments[0]) if arguments else 60
    print(f"Minutes to the last composed problem (and to a problem, in the mean); {WORKERS} workers,")
    print(f"{SEEDS} seeds a subgraph, mean of {repetitions} runs")
    print(f"{'':<42}" + "".join(f"{case.name:>17}" for case in CASES))
    for way in WAYS:
        print(f"{way.name:<42}{_row(way, repetitions)}", flush=True)
    print(f"{'goal for ours':<42}" + "".join(f"{case.goal:9.1f}        " for case in CASES))


if __name__ == "__main__":
    main(sys.argv[1:])
