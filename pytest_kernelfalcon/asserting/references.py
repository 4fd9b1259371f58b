"""The reference: how a problem gets the callable that a test names, by import or by its text.

Of the user's files only the pieces that it needs are embedded: the kernel's module, which its test imports, is not
among them, so that nothing that it does at import reaches the reference.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import base64
import copy
import functools
import importlib
import inspect
import pickle
import sys
import textwrap
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any

from pytest_kernelfalcon.asserting import modules
from pytest_kernelfalcon.asserting.entries import describe, find, literal
from pytest_kernelfalcon.asserting.modules import CannotJudge, Module
from pytest_kernelfalcon.asserting.slices import names_in
from pytest_kernelfalcon.asserting.texts import Local, Texts, loaded

BUILTINS = ("torch", "torch.nn.functional", "torch.special", "torch.linalg", "torch.fft")
"""Where functions of torch's are looked for that do not name their module."""
MAX_STATE_BYTES = 16 << 20
LOCAL = "kf_local"


def expression(value: Any, what: str, texts: Texts, caller: Mapping[str, Any]) -> str:
    """Text that gives the callable in a problem; what it needs is added to `texts`. Raises CannotJudge."""
    if isinstance(value, functools.partial):
        inner = expression(value.func, f"the function of {what}", texts, caller)
        given = [literal(item, f"an argument of {what}") for item in value.args]
        given += [f"{name}={literal(item, f'`{name}` of {what}')}" for name, item in value.keywords.items()]
        return f"functools.partial({', '.join([inner, *given])})"
    if not callable(value):
        raise CannotJudge(f"{what} is a {type(value).__name__}. Fix: pass something that can be called.")
    if _is_lambda(value) or "<locals>" in str(getattr(value, "__qualname__", "")):
        return _local(value, what, texts)
    if path := _builtin(value):
        return f"kf_take({path[0]!r}, {path[1]!r})"
    entry = find(value, what, caller)
    if modules.is_own(entry.module.path):
        _check_not_patched(value, entry.module)
        texts.add(entry.module, {entry.root}, entry.names)
    return f"kf_take({entry.module.name!r}, {entry.expression!r})"


def _check_not_patched(value: object, module: Module) -> None:
    """A module that a test imports, such as the kernel's, may have put a function of its own into torch."""
    for place in BUILTINS:
        for name, held in loaded(place).items():
            if held is value:
                raise CannotJudge(
                    f"`{place}.{name}` in this process is not torch's own: {module.shown} has replaced it. Fix: do not "
                    "patch torch; or pass the kernel by its file's path, which is not imported."
                )


def _is_lambda(value: object) -> bool:
    return isinstance(value, FunctionType) and value.__name__ == "<lambda>"


def _builtin(value: object) -> tuple[str, str] | None:
    """A function of torch's that no Python text defines."""
    if isinstance(value, FunctionType | type) or not hasattr(value, "__name__") or "torch" not in sys.modules:
        return None
    owner = getattr(value, "__objclass__", None)
    if owner is not None:
        return ("torch", f"Tensor.{value.__name__}") if _is(("torch", f"Tensor.{value.__name__}"), value) else None
    places = [*BUILTINS, str(getattr(value, "__module__", None))]
    return next((at for place in places if _is(at := (place, value.__name__), value)), None)


def _is(at: tuple[str, str], value: object) -> bool:
    try:
        held: Any = importlib.import_module(at[0])
        return functools.reduce(getattr, at[1].split("."), held) is value
    except (ImportError, AttributeError, ValueError):
        return False


def _local(value: Any, what: str, texts: Texts) -> str:
    """A lambda, or a function that is defined in a test: written into its module's text, on its own lines."""
    if not isinstance(value, FunctionType):
        raise CannotJudge(f"{what} is {describe(value)}. Fix: define it at module level.")
    module = modules.of_globals(value.__globals__)
    if module is None or module.typed or not modules.is_own(module.path):
        raise CannotJudge(f"{what} is {describe(value)} without a file. Fix: define it by `def` at module level.")
    _check_not_patched(value, module)
    held = _held(value, what)
    texts.add(module, names_in(value.__code__) & set(value.__globals__), value.__globals__)
    known = texts.local.setdefault(module.name, [])
    texts.hold(module, held)
    known.append(_written(value, what, module, f"{LOCAL}_{len(known)}"))
    return f"kf_take({module.name!r}, '{LOCAL}_{len(known) - 1}')"


def _held(value: FunctionType, what: str) -> dict[str, str]:
    """What it uses of the function around it, as text: plain values, such as a test's parameters."""
    held = {}
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        try:
            held[name] = literal(cell.cell_contents, f"`{name}`")
        except (TypeError, ValueError):
            raise CannotJudge(
                f"{what} is {describe(value)} that uses `{name}` of the function around it, which is no plain value. "
                "Fix: define it at module level."
            ) from None
    return held


def _written(value: FunctionType, what: str, module: Module, name: str) -> Local:
    kind = ast.Lambda if _is_lambda(value) else ast.FunctionDef
    line = value.__code__.co_firstlineno
    found = [node for node in ast.walk(ast.parse(module.text)) if isinstance(node, kind) and node.lineno == line]
    if len(found) > 1:
        found = [node for node in found if isinstance(node, ast.Lambda) and _is_of(node, value.__code__)]
    if len(found) != 1 or getattr(found[0], "decorator_list", []):
        raise CannotJudge(f"{what} is {describe(value)}, whose text cannot be told. Fix: define it at module level.")
    (node,) = found
    last = node.end_lineno or line
    if isinstance(node, ast.Lambda):
        return Local(line, last, f"{name} = ({ast.get_source_segment(module.text, node)})", "")
    text = textwrap.dedent("\n".join(module.lines[line - 1 : last]))
    return Local(line, last, text, f"{name} = {value.__name__}")


def _is_of(node: ast.Lambda, code: CodeType) -> bool:
    """Told by where the instructions of the code stand."""
    body = node.body
    return (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in set(code.co_positions())


def model(value: Any, texts: Texts) -> str:
    """Text that makes a copy of a torch.nn.Module; the classes of the user's that it needs are added to `texts`."""
    for part in value.modules():
        module = modules.of_name(type(part).__module__)
        if module is not None:
            texts.add(module, {type(part).__qualname__.partition(".")[0]})
    try:
        data = pickle.dumps(copy.deepcopy(value).cpu())
    except Exception as error:
        raise CannotJudge(
            f"the reference, a {type(value).__name__}, cannot be copied into another process: {error}. Fix: write a "
            "function, or a problem file."
        ) from None
    if len(data) > MAX_STATE_BYTES:
        raise CannotJudge(
            f"the reference holds {len(data) >> 20} MiB of state; at most {MAX_STATE_BYTES >> 20} are copied. Fix: "
            "make it smaller, or write a problem file and name it in the marker `kernelfalcon`."
        )
    return f"pickle.loads(base64.b64decode({base64.b64encode(data).decode()!r}))"


def parameters(value: Any) -> list[str]:
    """The names of its positional parameters, as far as they can be known."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self"]
