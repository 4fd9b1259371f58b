"""Which mutants of which kernels, in which order: the same ones for the same seed and kernels."""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants import in_kernels, in_wrappers
from benchmarks.mutants.text import Change, Text
from pytest_kernelfalcon.contracts.problem import Problem


@dataclass(frozen=True)
class Original:
    """A kept kernel. name: the problem's path below its folder, without its ending."""

    name: str
    problem: Problem
    source: str


@dataclass(frozen=True)
class Mutant:
    """number: its place in the order. line: of the kernel file. before, after: the lines that the change touches."""

    number: int
    original: Original
    operator: str
    function: str
    line: int
    before: str
    after: str
    source: str

    @property
    def diff(self) -> str:
        return Text(self.original.source).diff(self.source)


def originals(folder: Path) -> list[Original]:
    """Every kept kernel below it, with its problem. Raises ValueError where there is none."""
    found = []
    for kernel in sorted(folder.glob("**/__kernels__/*.py")):
        path = kernel.parent.parent / kernel.name
        name = path.relative_to(folder).with_suffix("").as_posix()
        found.append(Original(name, Problem.load(path), kernel.read_text(encoding="utf-8")))
    if not found:
        raise ValueError(f"{str(folder)!r} holds no kept kernels. Fix: name a folder of problems with __kernels__/.")
    return found


def mutants(kernels: Sequence[Original], seed: int) -> Iterator[Mutant]:
    """All there are: each of a kernel, and then of an operator, that is drawn among those that have some left."""
    source = random.Random(f"mutants {seed}")
    left = [_Left.of(kernel) for kernel in kernels]
    number = 0
    while left := [one for one in left if one.changes]:
        one = source.choice(left)
        change = one.pop(source)
        changed = one.text.changed(change)
        if one.is_new(changed):
            lines = one.text.lines(change)
            yield Mutant(number, one.original, change.operator, change.function, change.node.lineno, *lines, changed)
            number += 1


@dataclass
class _Left:
    """Of one kernel: its changes by operator that are not drawn yet, and the programs that were."""

    original: Original
    text: Text
    changes: dict[str, list[Change]]
    known: set[str]

    @classmethod
    def of(cls, original: Original) -> _Left:
        text = Text(original.source)
        changes: dict[str, list[Change]] = defaultdict(list)
        for change in (*in_kernels.changes(text), *in_wrappers.changes(text)):
            if not _is_declared(change, original.problem):
                changes[change.operator].append(change)
        return cls(original, text, dict(changes), {ast.dump(text.tree)})

    def pop(self, source: random.Random) -> Change:
        operator = source.choice([*self.changes])
        those = self.changes[operator]
        change = those.pop(source.randrange(len(those)))
        if not those:
            del self.changes[operator]
        return change

    def is_new(self, changed: str) -> bool:
        """Whether it is a program, and another than the kernel and than those before."""
        try:
            program = ast.dump(ast.parse(changed))
        except SyntaxError:  # a body that only held what was dropped
            return False
        new = program not in self.known
        self.known.add(program)
        return new


def _is_declared(change: Change, problem: Problem) -> bool:
    """Whether an output gets a type that the problem has: the kernel then serves no other, and says so."""
    return change.operator == "output_type" and change.new in problem.text
