"""The accepted kernel that is most like what is asked for: kept beside the problem's neighbours, or shipped."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.llm.prompts import Exemplar
from pytest_kernelfalcon.store.kept import FOLDER, Kept

LONGEST = 6000
"""Characters of an exemplar: what is longer takes more of the prompt than it gives."""
OPERATORS = (ast.BinOp, ast.UnaryOp, ast.Compare)


@dataclass(frozen=True)
class Example:
    """A problem's text and an accepted kernel for it."""

    name: str
    problem: str
    kernel: str

    @cached_property
    def operations(self) -> Counter[str]:
        return operations(self.problem)


def operations(problem: str) -> Counter[str]:
    """What a problem's model calls and which operators it uses, by name, as its text has them."""
    found: Counter[str] = Counter()
    for node in ast.walk(ast.parse(problem)):
        if isinstance(node, ast.ClassDef):
            found.update(name for inner in ast.walk(node) if (name := _operation(inner)))
    return found


def _operation(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return "" if name in ("super", "__init__", "Parameter", "register_buffer") else name.lower().replace("_", "")
    if isinstance(node, OPERATORS):
        operator = node.ops[0] if isinstance(node, ast.Compare) else node.op
        return type(operator).__name__
    return ""


class Library:
    """Examples to choose from. places: folders with problems, whose kept kernels that are fresh count before ours."""

    def __init__(self, places: Sequence[Path] = ()) -> None:
        kept = {example.name: example for place in dict.fromkeys(places) for example in _kept(place)}
        self._examples = [*kept.values(), *_shipped()]

    def nearest(self, problem: str, rank: int = 0) -> Exemplar | None:
        """The one that is most like it, or by its rank the next ones, over and over; None where none has an operation
        in common. The kernel of the very same problem is no example.
        """
        wanted = operations(problem)
        others = [example for example in self._examples if example.problem.strip() != problem.strip()]
        rarity = self._rarity(others)
        likeness = {example.name: _likeness(wanted, example.operations, rarity) for example in others}
        like = sorted((one for one in others if likeness[one.name]), key=lambda one: likeness[one.name], reverse=True)
        if not like:
            return None
        chosen = like[rank % len(like)]
        return Exemplar(f"`{chosen.name}`", chosen.kernel)

    def _rarity(self, examples: Sequence[Example]) -> dict[str, float]:
        """What few examples have says more than what all have (inverse document frequency)."""
        having = Counter(name for example in examples for name in example.operations)
        return {name: math.log(1 + len(examples) / count) for name, count in having.items()}


def _likeness(one: Counter[str], other: Counter[str], rarity: dict[str, float]) -> float:
    """Weighted Jaccard index: what both have, of what either has."""
    common, either = (
        sum(count * rarity.get(name, 1.0) for name, count in counts.items()) for counts in (one & other, one | other)
    )
    return common / either if either else 0.0


def _shipped() -> Iterator[Example]:
    folder = files(__package__) / "exemplars"
    for kernel in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if kernel.name.endswith(".kernel.txt"):
            name = kernel.name.removesuffix(".kernel.txt")
            yield Example(name, (folder / f"{name}.problem.txt").read_text("utf-8"), kernel.read_text("utf-8"))


def _kept(place: Path) -> Iterator[Example]:
    """The fresh ones below a folder of problems."""
    for kernel in sorted((place / FOLDER).glob("*.py")):
        try:
            problem = Problem.load(place / kernel.name)
        except ProblemError:  # a kernel whose problem is gone, or no problem any more
            continue
        there = Kept(kernel)
        source = there.read() or ""
        if there.status(problem) == "fresh" and len(source) <= LONGEST:
            yield Example(problem.stem, problem.text, source)
