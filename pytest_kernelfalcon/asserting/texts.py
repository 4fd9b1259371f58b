"""What a problem embeds of the user's files: of each module the pieces that the reference and the inputs need.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.asserting import modules
from pytest_kernelfalcon.asserting.entries import check_live
from pytest_kernelfalcon.asserting.gathering import absolute
from pytest_kernelfalcon.asserting.modules import CannotJudge, Module
from pytest_kernelfalcon.asserting.slices import Slice, cut, whole


@dataclass(frozen=True)
class Local:
    """A function that is defined in another, as so many lines of its module. alias: gives it the name that we use."""

    first: int
    last: int
    text: str
    alias: str


@dataclass
class Texts:
    """The pieces of the user's modules that a problem embeds. first: the file that its messages' lines are of.

    part: gives of a module what may be looked at.
    """

    part: Callable[[Module], Module] = field(default=lambda module: module)
    roots: dict[str, set[str] | None] = field(default_factory=dict)
    slices: dict[str, Slice] = field(default_factory=dict)
    local: dict[str, list[Local]] = field(default_factory=dict)
    held: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def first(self) -> Module | None:
        return next((piece.module for piece in self.slices.values()), None)

    def embedded(self) -> dict[str, list[str]]:
        """{name: [path, text]}; functions that a test defines inside another stand on their own lines."""
        return {name: [piece.module.shown, self._text(name, piece)] for name, piece in self.slices.items()}

    def _text(self, name: str, piece: Slice) -> str:
        lines, ours = piece.text().split("\n"), set[int]()
        local = self.local.get(name, ())
        for each in local:
            text, places = each.text, range(each.first, each.last + 1)
            there = {number for number in places if lines[number - 1].strip()}
            if there == {each.first} and each.first in ours and not each.alias:  # two lambdas of one call
                text = f"{lines[each.first - 1]}; {text}"
            elif there:
                raise CannotJudge(
                    f"{piece.module.shown}:{each.first}: a function shares its lines with others that are used. Fix: "
                    "define it at module level."
                )
            lines[each.first - 1 : each.last] = text.split("\n")
            ours.add(each.last)
        held = self.held.get(name, {})
        for other in sorted(held.keys() & piece.wanted):
            raise _ambiguous(other, piece.module)
        values = (f"{known} = {value}" for known, value in held.items())
        return "\n".join([*lines, *(each.alias for each in local), *values, ""])

    def hold(self, module: Module, held: Mapping[str, str]) -> None:
        """Plain values of the function around a local one become names of the module that is embedded."""
        for name, value in held.items():
            if self.held.setdefault(module.name, {}).setdefault(name, value) != value:
                raise _ambiguous(name, module)

    def add(self, module: Module, names: set[str] | None, live: Mapping[str, Any] | None = None) -> None:
        """Those names of it, or with None all; and what they import from the user's other files."""
        known = self.roots.get(module.name, set())
        if module.name in self.roots and (known is None or (names is not None and names <= known)):
            return
        wanted = None if names is None or known is None else known | names
        self.roots[module.name] = wanted
        module = self.part(module)
        piece = whole(module) if wanted is None else cut(module, wanted)
        self.slices[module.name] = piece
        check_live(piece, live if live is not None else loaded(module.name))
        _check_no_triton(piece)
        for other, taken in _imported(piece):
            self.add(other, taken)


def _ambiguous(name: str, module: Module) -> CannotJudge:
    return CannotJudge(
        f"`{name}` of the function around the reference or the inputs is another `{name}` than one that {module.shown} "
        "uses besides. Fix: rename one of them."
    )


def loaded(name: str) -> Mapping[str, Any]:
    return vars(sys.modules[name]) if name in sys.modules else {}


def _imported(piece: Slice) -> Iterator[tuple[Module, set[str] | None]]:
    """The user's modules that its statements import, anywhere, and the names taken; None for all of them."""
    for node in (inner for statement in piece.nodes for inner in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if module := modules.of_name(alias.name):
                    yield module, None
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, piece.module)
            for alias in node.names:
                if alias.name != "*" and (module := modules.of_name(f"{base}.{alias.name}")):
                    yield module, None
                elif module := modules.of_name(base):
                    yield module, None if alias.name == "*" else {alias.name}


def _check_no_triton(piece: Slice) -> None:
    for node in (inner for statement in piece.nodes for inner in ast.walk(statement)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] == "triton" for name in names):
            raise CannotJudge(
                f"{piece.module.shown}:{getattr(node, 'lineno', 1)}: the reference uses Triton, and a kernel would be "
                "held against a kernel. Fix: write it in plain PyTorch, apart from the kernel."
            )
