"""What every part of the interpreter's builder shares: the state of the launch that is running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytest_kernelfalcon.judge.interpreter.faults import Budget, Program, Unlimited
from pytest_kernelfalcon.judge.interpreter.memory import Memory
from pytest_kernelfalcon.judge.interpreter.races import Races

Order = Literal["forward", "reverse", "shuffled"]


@dataclass(frozen=True)
class Checks:
    """What is checked beside bounds, and in which order the programs run.

    races: that no program reads or changes what another one stored in the same launch, unless an atomic orders them.
    overflow: that no address is computed from int32 arithmetic that wrapped. order: of the programs; "forward" is x
    fastest, as GPUs start them. order_seed: of "shuffled".
    """

    races: bool = False
    overflow: bool = True
    order: Order = "forward"
    order_seed: int = 0


class Machine:
    """The running launch. file: the kernel's, to find its lines. races: None where they are not checked."""

    memory: Memory
    budget: Budget
    checks: Checks
    races: Races | None
    file: str
    grid_idx: Any
    grid_dim: Any

    def begin(self, memory: Memory, checks: Checks, budget: Budget | None, file: str, grid: Program) -> None:
        """A launch starts."""
        self.memory, self.checks, self.file = memory, checks, file
        self.budget = Unlimited() if budget is None else budget
        self.races = Races() if checks.races else None
        self.grid_dim, self.grid_idx = grid, None

    def end(self) -> None:
        """Nothing is reachable between launches."""
        self.memory, self.races = Memory([]), None

    def enter(self, program: Program) -> None:
        """The next program starts."""
        self.budget.spend()
        self.grid_idx = program
        if self.races is not None:
            self.races.enter(program)
