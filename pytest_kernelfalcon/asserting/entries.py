"""Where the object that a test names is defined: its module's text, and the expression that gives it there.

What is judged is text, so the object must be what the text says: where the process holds something else, because a
name was patched or rebound, that is wrong usage and told as such.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from pytest_kernelfalcon.asserting.modules import CannotJudge, Module, of_globals
from pytest_kernelfalcon.asserting.slices import Slice

UNKNOWN = object()


@dataclass(frozen=True)
class Entry:
    """module: the text that defines it. root: the module-level name that the expression begins with.

    expression: what gives the object there. names: the live module.
    """

    module: Module
    root: str
    expression: str
    names: Mapping[str, Any]


def find(value: object, what: str, caller: Mapping[str, Any]) -> Entry:
    """The entry of an object that a module-level name leads to. Raises CannotJudge, naming `what` and the fix."""
    for names in _homes(value, caller):
        if (expression := _expression(value, names)) and (module := of_globals(names)):
            return Entry(module, expression.partition(".")[0], expression, names)
    raise CannotJudge(f"{what} is {describe(value)}, which no module-level name leads to. Fix: {_fix(value)}.")


def _homes(value: object, caller: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The namespaces that may hold it: its function's, those of the modules that it names, the test's."""
    owner = getattr(value, "__self__", None)
    for candidate in (value, owner, type(value)):
        if isinstance(names := getattr(candidate, "__globals__", None), Mapping):
            yield names
        name = getattr(candidate, "__module__", None)
        if isinstance(name, str) and name in sys.modules:
            yield vars(sys.modules[name])
    yield caller


def _expression(value: object, names: Mapping[str, Any]) -> str | None:
    for dotted in (getattr(value, "__qualname__", None), getattr(value, "__name__", None)):
        if isinstance(dotted, str) and _same(_walk(names, dotted), value):
            return dotted
    owner = getattr(value, "__self__", None)
    if isinstance(owner, type):  # torch.autograd.Function.apply, a class method
        dotted = f"{owner.__qualname__}.{getattr(value, '__name__', '')}"
        if _walk(names, owner.__qualname__) is owner and _same(_walk(names, dotted), value):
            return dotted
    return next((name for name, held in names.items() if held is value and name.isidentifier()), None)


def _walk(names: Mapping[str, Any], dotted: str) -> object:
    first, *rest = dotted.split(".")
    if not all(part.isidentifier() for part in (first, *rest)) or first not in names:
        return UNKNOWN
    return functools.reduce(lambda held, part: getattr(held, part, UNKNOWN), rest, names[first])


def _same(found: object, value: object) -> bool:
    """Bound methods are made anew each time that they are asked for."""
    if found is value:
        return True
    owner = getattr(found, "__self__", None)
    return isinstance(owner, type) and owner is getattr(value, "__self__", None) and bool(found == value)


def describe(value: object) -> str:
    if getattr(value, "__name__", None) == "<lambda>":
        return "a lambda"
    if "<locals>" in str(getattr(value, "__qualname__", "")):
        return f"`{value.__name__}`, defined inside a function"  # type: ignore[attr-defined]
    if isinstance(value, MethodType):
        return f"a method of a {type(value.__self__).__name__}"
    return f"a {type(value).__name__}"


def _fix(value: object) -> str:
    if not isinstance(value, FunctionType):
        return "write a function at module level that calls it"
    return "define it at module level, under a name of its own"


def literal(value: object, what: str) -> str:
    """The value as Python text: a plain one, or a torch.dtype. Raises CannotJudge for what has none."""
    text = repr(value)
    if type(value).__module__ == "torch" and type(value).__name__ == "dtype":
        return f"__import__('torch').{text.removeprefix('torch.')}"
    try:
        same = bool(ast.literal_eval(text) == value)
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise CannotJudge(f"{what} is {text[:80]}, which cannot be written into a text. Fix: pass plain values there.")
    return text


def check_live(cut: Slice, names: Mapping[str, Any]) -> None:
    """Raises CannotJudge where the process holds something else under a name than what the text gives it.

    Cells are in the order in which they were run, so that the last word on a name is the process's as well.
    """
    if cut.module.typed:
        return
    for node in cut.nodes:
        if isinstance(node, ast.FunctionDef):
            code = _code(names.get(node.name))
            lines = {node.lineno, *(decorator.lineno for decorator in node.decorator_list)}
            last = _last_definition(cut, node.name)
            if code is not None and node is last and code[1] not in lines:
                raise _differs(cut.module, node, node.name, f"line {code[1]} of {code[0]}")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(node.targets) == 1:
            _check_constant(cut.module, node, node.targets[0].id, names)


def _check_constant(module: Module, node: ast.Assign, name: str, names: Mapping[str, Any]) -> None:
    try:
        value = ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError):
        return
    held = names.get(name, value)
    if type(held) in (bool, int, float, str) and type(value) in (bool, int, float, str) and held != value:
        raise _differs(module, node, name, repr(held))


def _last_definition(cut: Slice, name: str) -> ast.stmt | None:
    return next((n for n in reversed([*cut.nodes]) if isinstance(n, ast.FunctionDef) and n.name == name), None)


def _code(value: Any) -> tuple[str, int] | None:
    """The file and the first line of a function, or of what @triton.jit and the like wrap."""
    for _ in range(16):
        if hasattr(value, "__code__"):
            return value.__code__.co_filename, value.__code__.co_firstlineno
        value = getattr(value, "fn", None) or getattr(value, "__wrapped__", None)
    return None


def _differs(module: Module, node: ast.stmt, name: str, held: str) -> CannotJudge:
    return CannotJudge(
        f"{module.shown}:{node.lineno} defines `{name}`, but in this process it is {held}. The text is what is judged. "
        "Fix: do not rebind or patch it, or save the file and start pytest again."
    )
