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
    left = [(kernel, _by_operator(kernel)) for kernel in kernels]
    number = 0
    while left := [(kernel, found) for kernel, found in left if found]:
        kernel, found = source.choice(left)
        operator = source.choice([*found])
        changes = found[operator]
        change = changes.pop(source.randrange(len(changes)))
        if not changes:
            del found[operator]
        text = Text(kernel.source)
        yield Mutant(number, kernel, operator, change.node.lineno, *text.lines(change), text.changed(change))
        number += 1


def _by_operator(kernel: Original) -> dict[str, list[Change]]:
    """Those that are another program than the kernel and than each other."""
    text = Text(kernel.source)
    found: dict[str, list[Change]] = defaultdict(list)
    known = {ast.dump(text.tree)}
    for change in (*in_kernels.changes(text), *in_wrappers.changes(text)):
        try:
            program = ast.dump(ast.parse(text.changed(change)))
        except SyntaxError:  # a body that only held what was dropped
            continue
        if program not in known:
            known.add(program)
            found[change.operator].append(change)
    return dict(found)
