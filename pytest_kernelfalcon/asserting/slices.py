"""What of a module one of its names is made from: the rest is blanked, and every line keeps its number.

A test's module imports pytest, tests and other kernels; of these a judge must see nothing. What a statement binds and
uses is read off its bytecode, which knows scopes better than a walk of the tree would.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations
import __future__

import ast
import dis
import inspect
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import CodeType

from pytest_kernelfalcon.asserting.modules import CannotJudge, Module

BINDS = {"STORE_NAME", "DELETE_NAME"}
USES = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF"}
QUIET = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Pass


REACHES = {"globals", "locals", "vars", "setattr", "delattr", "exec", "eval", "__import__", "__builtins__"}
REACHING = {"sys", "builtins", "importlib", "gc", "inspect", "ctypes"}
"""Functions, and modules, by which a statement can bind a name that it does not spell."""


@dataclass(frozen=True)
class Piece:
    """Statements that share lines. early: the names that it uses as the module is imported, not only in functions.

    rewritten: the text of imports of which some names are left out.
    """

    nodes: tuple[ast.stmt, ...]
    first: int
    last: int
    binds: frozenset[str]
    uses: frozenset[str]
    early: frozenset[str]
    rewritten: str | None = None

    @property
    def imports(self) -> bool:
        return all(isinstance(node, ast.Import | ast.ImportFrom) for node in self.nodes)

    @property
    def acts(self) -> bool:
        """Whether it does something besides binding names: it may change what the names that it uses stand for."""
        return not all(isinstance(node, QUIET) or _assigns(node) for node in self.nodes)

    @property
    def scripts(self) -> bool:
        return all(map(_is_main, self.nodes))

    @property
    def future(self) -> bool:
        return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in self.nodes)

    @property
    def always(self) -> bool:
        """Whether it is kept whatever is needed: what `*` binds is not known from the text."""
        names = (alias.name for node in self.nodes if isinstance(node, ast.ImportFrom) for alias in node.names)
        return self.future or "*" in names


@dataclass(frozen=True)
class Slice:
    """The pieces of a module that some of its names need. wanted: all names that these pieces use."""

    module: Module
    kept: tuple[Piece, ...]
    wanted: frozenset[str]

    def text(self, without: Iterable[Piece] = ()) -> str:
        """The module's text with all else blanked, and so the pieces of `without`."""
        lines = self.module.lines
        shown = [""] * len(lines)
        for piece in set(self.kept) - set(without):
            if piece.rewritten is None:
                shown[piece.first - 1 : piece.last] = lines[piece.first - 1 : piece.last]
            else:
                shown[piece.first - 1] = piece.rewritten
        return "\n".join(shown)

    @property
    def nodes(self) -> Iterator[ast.stmt]:
        for piece in self.kept:
            yield from piece.nodes

    @property
    def bound(self) -> set[str]:
        return {name for piece in self.kept for name in piece.binds}


def cut(module: Module, roots: Iterable[str], unseen: bool = False) -> Slice:
    """The pieces that the names `roots` are made from. Raises CannotJudge.

    unseen: with those that may bind these names without spelling them, such as `globals()["kernel"] = …`.
    """
    pieces = pieces_of(module)
    reaching = _reaching(pieces) if unseen else set()
    wanted: set[str] = set(roots)
    kept: set[int] = set()
    while True:
        own = {name for number in kept if not pieces[number].imports for name in pieces[number].binds} & wanted
        more = {
            number
            for number, piece in enumerate(pieces)
            if piece.always
            or piece.binds & wanted
            or (not piece.scripts and (piece.early & reaching or (piece.acts and piece.uses & own)))
        } - kept
        if not more:
            return Slice(module, tuple(_trimmed(pieces[n], wanted) for n in sorted(kept)), frozenset(wanted))
        kept |= more
        wanted |= {name for number in more for name in pieces[number].uses}


def _reaching(pieces: Sequence[Piece]) -> set[str]:
    """The names by which one of them may bind others unseen: their own, or of functions that use such names."""
    found = set(REACHES)
    for node in (node for piece in pieces for node in piece.nodes):
        if isinstance(node, ast.Import | ast.ImportFrom):
            of = node.module if isinstance(node, ast.ImportFrom) else None
            found |= {bound_by(node, alias) for alias in node.names
                      if (of or alias.name).partition(".")[0] in REACHING}  # fmt: skip
    while more := {name for piece in pieces if piece.uses & found for name in piece.binds} - found:
        found |= more
    return found


def _trimmed(piece: Piece, wanted: set[str]) -> Piece:
    """An import without the names that nothing needs: these may be of the user's other files."""
    if not piece.imports or piece.always:
        return piece
    statements = [node for node in piece.nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    nodes = [(node, [alias for alias in node.names if bound_by(node, alias) in wanted]) for node in statements]
    if all(len(names) == len(node.names) for node, names in nodes):
        return piece
    fewer = [_with_names(node, names) for node, names in nodes if names]
    return replace(piece, nodes=tuple(fewer), rewritten="; ".join(map(ast.unparse, fewer)))


def bound_by(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """The name that an import gives to one of its parts."""
    return alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0])


def _with_names(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.copy_location(ast.Import(names), node)
    return ast.copy_location(ast.ImportFrom(node.module, names, node.level), node)


def whole(module: Module) -> Slice:
    """All of it."""
    pieces = pieces_of(module)
    return Slice(module, pieces, frozenset(name for piece in pieces for name in piece.uses | piece.binds))


@lru_cache(maxsize=64)
def pieces_of(module: Module) -> tuple[Piece, ...]:
    """Its statements, those on the same lines together. Raises CannotJudge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        body = _parsed(module).body
        groups: list[list[ast.stmt]] = []
        for node in body:
            if groups and _first(node) <= (groups[-1][-1].end_lineno or 0):
                groups[-1].append(node)
            else:
                groups.append([node])
        flags = __future__.annotations.compiler_flag if any(map(_defers, body)) else 0
        return tuple(_piece(group, flags) for group in groups)


def _parsed(module: Module) -> ast.Module:
    try:
        return ast.parse(module.text)
    except SyntaxError as error:
        raise CannotJudge(f"{module.shown}:{error.lineno}: {error.msg}. Fix: mend the file.") from None


def _piece(nodes: Sequence[ast.stmt], flags: int) -> Piece:
    code = compile(ast.Module(list(nodes), []), "<piece>", "exec", flags=flags, dont_inherit=True)
    used = names_in(code)
    binds = {step.argval for step in dis.get_instructions(code) if step.opname in BINDS}
    last = max(node.end_lineno or node.lineno for node in nodes)
    return Piece(
        tuple(nodes), min(map(_first, nodes)), last, frozenset(binds), frozenset(used), frozenset(_early(code))
    )


def names_in(code: CodeType) -> set[str]:
    """The module-level names that it and what is defined in it use."""
    found = {str(step.argval) for step in dis.get_instructions(code) if step.opname in USES}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found |= names_in(inner)
    return found


def _early(code: CodeType) -> set[str]:
    """Those that are used as it runs: a class's body runs at once, a function's does not."""
    found = {str(step.argval) for step in dis.get_instructions(code) if step.opname in USES}
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and not inner.co_flags & inspect.CO_NEWLOCALS:
            found |= _early(inner)
    return found


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _defers(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__" and "annotations" in {
        alias.name for alias in node.names
    }  # fmt: skip


def _assigns(node: ast.stmt) -> bool:
    """Whether it binds names to a value, or is a text that stands alone."""
    match node:
        case ast.Assign(targets=targets):
            return all(isinstance(leaf, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
                       for target in targets for leaf in ast.walk(target))  # fmt: skip
        case ast.AnnAssign(target=ast.Name()) | ast.Expr(value=ast.Constant()):
            return True
    return False


def _is_main(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which nothing but a script runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
