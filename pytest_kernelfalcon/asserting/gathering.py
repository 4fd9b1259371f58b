"""The text of a wrapper: the pieces that it needs of its own file, on their lines, and of the user's other files.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.asserting import modules
from pytest_kernelfalcon.asserting.entries import Entry, check_live
from pytest_kernelfalcon.asserting.modules import CannotJudge, Module
from pytest_kernelfalcon.asserting.slices import Piece, Slice, bound_by, cut

NAME = "kernel_function"
FUTURE = "from __future__ import annotations"


@dataclass(frozen=True)
class Candidate:
    """source: what is judged. module: the file that its first lines are of. title: what messages call the kernel.

    appended: for the texts of other files behind it, the line before each one's first.
    """

    source: str
    module: Module
    title: str
    appended: tuple[tuple[int, Module], ...] = ()

    def place(self, line: int) -> tuple[Module, int] | None:
        """The file and line of the user's that a line of the source is; None for a line of ours."""
        found = None
        for before, module in ((0, self.module), *self.appended):
            if before < line <= before + len(module.lines):
                found = module, line - before
        return found


def check_alias(own: Slice, name: str) -> None:
    """The alias must not hide what the wrapper itself calls by that name."""
    if name != NAME and NAME in own.wanted:
        raise CannotJudge(
            f"{own.module.shown}: `{name}` uses another `{NAME}`, the name that the judge calls. Fix: rename that one."
        )


def assembled(entry: Entry, expression: str) -> Candidate:
    """The pieces that the wrapper needs, of its own file and of those that it imports from, and the alias last."""
    own = cut(entry.module, [entry.root], unseen=True)
    check_alias(own, entry.root)
    gathered = _Gathered()
    text = gathered.text(own, entry.names, main=True)
    parts = [*gathered.found.values()]
    _check_apart([own, *(piece for piece, _ in parts)])
    if any(piece.future for part, _ in parts for piece in part.kept) and not any(piece.future for piece in own.kept):
        text = f"{FUTURE}; {text}" if text.partition("\n")[0].strip() else FUTURE + text
    appended = []
    for part, lines in parts:
        appended.append((text.count("\n") + 1, part.module))
        text += "\n" + lines
    if expression != NAME:
        text += f"\n{NAME} = {expression}\n"
    return Candidate(text, entry.module, entry.expression, tuple(appended))


class _Gathered:
    """The pieces that a kernel needs of the user's other files, those first that others need."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Slice, str]] = {}
        self._roots: dict[str, set[str]] = {}

    def text(self, piece: Slice, names: Mapping[str, Any], main: bool = False) -> str:
        """Its text without the imports of the user's files, whose pieces are added before it."""
        check_live(piece, names)
        taken: set[str] = set()
        replaced = [own for own in piece.kept if own.future and not main]
        for own in piece.kept:
            for module, aliases in _imports(piece, own):
                replaced.append(own)
                taken |= set(aliases)
                self._add(module, set(aliases))
        if main:
            _check_late(piece, taken)
        return piece.text(without=replaced)

    def _add(self, module: Module, aliases: set[str]) -> None:
        known = self._roots.get(module.name)
        if known is not None and aliases <= known:
            return
        self._roots[module.name] = (known or set()) | aliases
        piece = cut(module, self._roots[module.name], unseen=True)
        text = self.text(piece, vars(sys.modules[module.name]) if module.name in sys.modules else {})
        self.found.pop(module.name, None)
        self.found[module.name] = piece, text


def _imports(piece: Slice, own: Piece) -> Iterator[tuple[Module, list[str]]]:
    """The user's modules that these statements import from, and the names that they take."""
    for node in own.nodes:
        for inner in ast.walk(node):
            match inner:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        if modules.of_name(alias.name):
                            raise _unsupported(piece.module, inner, f"from {alias.name} import …")
                case ast.ImportFrom():
                    name = absolute(inner, piece.module)
                    module = modules.of_name(name)
                    if module is None:
                        continue
                    if inner is not node or len(own.nodes) > 1 or any(alias.name == "*" for alias in inner.names):
                        raise _unsupported(piece.module, inner, "an import of these names alone, at module level")
                    yield module, [_taken(piece.module, inner, alias) for alias in inner.names]


def absolute(node: ast.ImportFrom, module: Module) -> str:
    """The name of the module that it imports from."""
    dotted = "." * node.level + (node.module or "")
    return importlib.util.resolve_name(dotted, module.package) if node.level else dotted


def _taken(module: Module, node: ast.ImportFrom, alias: ast.alias) -> str:
    if alias.asname not in (None, alias.name):
        raise _unsupported(module, node, f"`{alias.name}` under its own name")
    if modules.of_name(f"{absolute(node, module)}.{alias.name}"):
        raise _unsupported(module, node, f"from {absolute(node, module)}.{alias.name} import …")
    return alias.name


def _unsupported(module: Module, node: ast.stmt, fix: str) -> CannotJudge:
    return CannotJudge(
        f"{module.shown}:{node.lineno}: `{ast.unparse(node)}` imports a file of yours, which the judge's processes "
        f"cannot see; it is written into the kernel's text where single names are imported. Fix: use {fix}, or move "
        "what the kernel needs into its file."
    )


def _check_late(piece: Slice, names: set[str]) -> None:
    """What other files define stands behind this one's text, and is not there yet while that is imported."""
    for own in piece.kept:
        if not own.imports and (early := sorted(own.early & names)):
            raise CannotJudge(
                f"{piece.module.shown}:{own.first} needs `{early[0]}`, of another file of yours, as the module is "
                "imported. Fix: use it inside functions only, or define it in this file."
            )


def _check_apart(parts: list[Slice]) -> None:
    """One text holds all: a name must not mean two things in it."""
    meanings: dict[str, tuple[str, Module]] = {}
    for piece in parts:
        for own in piece.kept:
            for name, meaning in _meanings(piece.module, own):
                other, where = meanings.setdefault(name, (meaning, piece.module))
                if other != meaning:
                    raise CannotJudge(
                        f"`{name}` is one thing in {where.shown} and another in {piece.module.shown}, and the kernel "
                        "needs both files. Fix: rename one of them."
                    )


def _meanings(module: Module, own: Piece) -> Iterator[tuple[str, str]]:
    """The names that it binds, each with what it stands for; not those that a file of the user's defines."""
    if not own.imports:
        yield from ((name, str(module.path)) for name in own.binds)
        return
    for node in own.nodes:
        if isinstance(node, ast.Import):
            yield from ((bound_by(node, alias), alias.name if alias.asname else "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not modules.of_name(base := absolute(node, module)):
            yield from ((bound_by(node, alias), f"{base}.{alias.name}") for alias in node.names)
