"""What a run is about, drawn from its number: problems, how their seeds' rounds end, how pytest is called, a mishap.

A problem's text holds a table: for each seed and round the verdict at both gates, and the seconds that judging takes.
The model is simple: a problem has a kernel if one of its rounds stands at both gates.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.soak.judge import MARK
from tests.conftest import LOADER, PROBLEM

ROUNDS = 3
MISHAPS = ("none", "kill worker", "kill controller", "interrupt", "exitfirst", "full disk", "twins")
DISTS = ("load", "worksteal", "loadscope", "loadfile")
SURVIVING = ("load", "worksteal")
"""Those in which a worker may die. The others rest on pytest-xdist's LoadScopeScheduling, which in 3.8 hands out work
that is done already and waits for it (https://github.com/pytest-dev/pytest-xdist/issues/1378)."""

Round = tuple[str, str, float]
"""Outcome at the gate seed, outcome at the gate accept, seconds."""


@dataclass(frozen=True)
class World:
    """tables: by problem, seed and round. moment: when the mishap comes, as a share of a whole run."""

    number: int
    tables: dict[str, list[list[Round]]]
    workers: int
    dist: str
    mishap: str
    moment: float
    last_failed: bool

    @property
    def seeds(self) -> int:
        return len(next(iter(self.tables.values())))

    @property
    def solved(self) -> set[str]:
        return {name for name, seeds in self.tables.items() if any(map(_stands, seeds))}

    @property
    def items(self) -> int:
        return len(self.tables) * (self.seeds + 2)

    def failing(self) -> set[str]:
        """The items that must fail where the whole search is run."""
        without = set(self.tables) - self.solved
        return {f"{name}::{step}" for name in without for step in ("model::accept", "compose")}

    def write(self, folder: Path) -> None:
        """The tree of files that pytest is run on."""
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "kernelfalcon_loader.py").write_text(LOADER)
        for name, table in self.tables.items():
            (folder / name).write_text(f"{PROBLEM}{MARK}{json.dumps({'name': name, 'table': table})}\n")
        for seed in range(self.seeds):
            (folder / "script" / f"seed{seed}").mkdir(parents=True)
            for number in range(ROUNDS):
                (folder / "script" / f"seed{seed}" / f"round{number}.py").write_text(f"# seed={seed} round={number}\n")


def drawn(number: int, mishap: str | None = None) -> World:
    """The world of that number. mishap: instead of a drawn one."""
    rnd = random.Random(number)
    share, seeds = rnd.choice((0.2, 0.5, 0.8)), rnd.randint(1, 3)
    tables = {f"p{i}.py": [_seed(rnd, share) for _ in range(seeds)] for i in range(rnd.randint(1, 3))}
    what, workers = rnd.choice(MISHAPS), rnd.choice((0, 2, 2, 4))
    what = mishap or what
    if what == "kill worker":
        workers = max(workers, 2)
    if what == "twins":
        workers = min(workers, 2)
    dist = rnd.choice(DISTS)
    if what == "kill worker" and dist not in SURVIVING:
        dist = SURVIVING[number % len(SURVIVING)]
    return World(number, tables, workers, dist, what, rnd.random(), rnd.random() < 0.4)


def _seed(rnd: random.Random, share: float) -> list[Round]:
    """Refused rounds; perhaps one that is accepted, or one that only seems right."""
    rounds: list[Round] = [("refused", "refused", round(rnd.uniform(0, 0.12), 3)) for _ in range(ROUNDS)]
    kind, place = rnd.random(), rnd.randrange(ROUNDS)
    if kind < share:
        rounds[place] = ("accepted", "accepted", rounds[place][2])
    elif kind < share + 0.1:
        rounds[place] = ("accepted", "refused", rounds[place][2])
    return rounds


def _stands(rounds: list[Round]) -> bool:
    return any(seed == accept == "accepted" for seed, accept, _ in rounds)
