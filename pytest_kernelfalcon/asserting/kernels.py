"""The candidate: the text that a Triton wrapper is made from, under the name that the judge calls.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_kernelfalcon.asserting import modules
from pytest_kernelfalcon.asserting.entries import Entry, check_live, find, literal
from pytest_kernelfalcon.asserting.modules import Module
from pytest_kernelfalcon.asserting.slices import Piece, Slice, cut

NAME = "kernel_function"
JIT = ("JITFunction", "InterpretedFunction", "Autotuner", "Heuristics")


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


def candidate(kernel: object, caller: Mapping[str, Any], folders: tuple[Path, ...]) -> Candidate:
    """The candidate for what a test names: a wrapper, a module, or the path of a file, with `::name` where its wrapper
    has another name than `kernel_function`. folders: what a path is relative to, in order.

    Raises TypeError and ValueError that name the thing and the fix.
    """
    if isinstance(kernel, str | Path):
        return _of_path(str(kernel), folders)
    if isinstance(kernel, ModuleType):
        return _of_file(_module_of(kernel), "")
    if isinstance(kernel, functools.partial):
        return _of_partial(kernel, caller)
    if type(kernel).__name__ in JIT and type(kernel).__module__.startswith("triton"):
        raise TypeError(
            f"the kernel is `{getattr(kernel, '__name__', 'kernel')}` itself, a @triton.jit function. Fix: pass the "
            "Python function that allocates the output and launches it."
        )
    if isinstance(kernel, type) or hasattr(kernel, "named_parameters"):
        raise TypeError(
            "the kernel is a torch.nn.Module. Fix: pass a function, which is given the module's state by keyword; or "
            "judge a file that holds `ModelNew` by its path, against a problem file."
        )
    if not callable(kernel):
        raise TypeError(f"the kernel is a {type(kernel).__name__}. Fix: pass a function, a module or a path.")
    entry = find(kernel, "the kernel", caller)
    return _assembled(entry, entry.expression)


def _of_partial(kernel: functools.partial[Any], caller: Mapping[str, Any]) -> Candidate:
    entry = find(kernel.func, "the function of the functools.partial", caller)
    given = [literal(value, "an argument of the functools.partial") for value in kernel.args]
    given += [
        f"{name}={literal(value, f'`{name}` of the functools.partial')}" for name, value in kernel.keywords.items()
    ]
    return _assembled(entry, f"__import__('functools').partial({', '.join([entry.expression, *given])})")


def _of_path(given: str, folders: tuple[Path, ...]) -> Candidate:
    """A file that is never imported here."""
    path, _, name = given.partition("::")
    return _of_file(read(path, folders), name)


def read(given: str, folders: tuple[Path, ...]) -> Module:
    """The file at a path that is relative to one of these folders. Raises ValueError naming where it was looked for."""
    for folder in folders:
        if (place := folder / given).is_file():
            return Module(place.stem, place, place.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"), "")
    raise ValueError(f"{given!r} is no file in {' or '.join(dict.fromkeys(map(str, folders)))}. Fix: mend the path.")


def _module_of(module: ModuleType) -> Module:
    found = modules.of_globals(vars(module))
    if found is None:
        raise TypeError(f"the module `{module.__name__}` has no file of Python text. Fix: pass a wrapper or a path.")
    return found


def _of_file(module: Module, name: str) -> Candidate:
    """The whole text: it holds a candidate, or a wrapper of that name."""
    if name and not name.isidentifier():
        raise ValueError(f"{name!r} is no name of a function. Fix: write `path.py::function`.")
    if name in ("", NAME):
        return Candidate(module.text, module, name or module.path.name)
    with contextlib.suppress(SyntaxError):  # that is the judge's to tell
        _check_alias(cut(module, [name]), name)
    return Candidate(f"{module.text}\n{NAME} = {name}\n", module, name)


def _check_alias(own: Slice, name: str) -> None:
    """The alias must not hide what the wrapper itself calls by that name."""
    if name != NAME and NAME in own.wanted:
        raise ValueError(
            f"{own.module.shown}: `{name}` uses another `{NAME}`, the name that the judge calls. Fix: rename that one."
        )


def _assembled(entry: Entry, expression: str) -> Candidate:
    """The pieces that the wrapper needs, of its own file and of those that it imports from, and the alias last."""
    own = cut(entry.module, [entry.root])
    _check_alias(own, entry.root)
    parts = _Gathered().all(own, entry.names)
    _check_apart([piece for piece, _ in parts])
    text, appended = parts[-1][1], []
    for part, lines in parts[:-1]:
        appended.append((text.count("\n") + 1, part.module))
        text += "\n" + lines
    if expression != NAME:
        text += f"\n{NAME} = {expression}\n"
    return Candidate(text, entry.module, entry.expression, tuple(appended))


class _Gathered:
    """The pieces that a kernel needs of the user's other files, those first that others need."""

    def __init__(self) -> None:
        self._roots: dict[str, set[str]] = {}
        self._found: dict[str, tuple[Slice, str]] = {}

    def all(self, own: Slice, names: Mapping[str, Any]) -> list[tuple[Slice, str]]:
        text = self._text(own, names)
        return [*self._found.values(), (own, text)]

    def _text(self, piece: Slice, names: Mapping[str, Any]) -> str:
        """Its text without the imports of the user's files, whose pieces are added before it."""
        check_live(piece, names)
        replaced, taken = [], set()
        for own in piece.kept:
            for module, aliases in _imports(piece, own):
                replaced.append(own)
                taken |= set(aliases)
                self._add(module, set(aliases))
        _check_late(piece, taken)
        return piece.text(without=replaced)

    def _add(self, module: Module, aliases: set[str]) -> None:
        known = self._roots.get(module.name)
        if known is not None and aliases <= known:
            return
        self._roots[module.name] = (known or set()) | aliases
        piece = cut(module, self._roots[module.name])
        text = self._text(piece, vars(sys.modules[module.name]) if module.name in sys.modules else {})
        self._found.pop(module.name, None)
        self._found[module.name] = piece, text


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
                    yield module, [_taken(piece.module, inner, alias) for alias in inner.names
                                   if (alias.asname or alias.name) in piece.wanted]  # fmt: skip


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


def _unsupported(module: Module, node: ast.stmt, fix: str) -> ValueError:
    return ValueError(
        f"{module.shown}:{node.lineno}: `{ast.unparse(node)}` imports a file of yours, which the judge's processes "
        f"cannot see; it is written into the kernel's text where single names are imported. Fix: use {fix}, or move "
        "what the kernel needs into its file."
    )


def _check_late(piece: Slice, names: set[str]) -> None:
    """What other files define stands behind this one's text, and is not there yet while that is imported."""
    for own in piece.kept:
        if not own.imports and (early := sorted(own.early & names)):
            raise ValueError(
                f"{piece.module.shown}:{own.first} needs `{early[0]}`, of another file of yours, as the module is "
                "imported. Fix: use it inside functions only, or define it in this file."
            )


def _check_apart(parts: list[Slice]) -> None:
    """One text holds all: a name must not mean two things in it."""
    owners: dict[str, Module] = {}
    for piece in parts:
        for own in piece.kept:
            for name in own.binds if not own.imports else ():
                other = owners.setdefault(name, piece.module)
                if other != piece.module:
                    raise ValueError(
                        f"`{name}` is defined in {other.shown} and in {piece.module.shown}, and the kernel needs both "
                        "files. Fix: rename one of them."
                    )
