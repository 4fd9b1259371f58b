"""What a name that a kernel does not bind itself leads to, and whether the kernel may use it so."""

from __future__ import annotations

import ast

from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames, chain
from pytest_kernelfalcon.judge.extractor.meaning import Global
from pytest_kernelfalcon.judge.extractor.refusal import Refused, construct, quoted
from pytest_kernelfalcon.judge.extractor.scope import Scope


def value(node: ast.Name, names: ModuleNames) -> str:
    """The module-level name behind a plain name. Raises Refused."""
    known = _known(node, names)
    if known.kind in ("kernel", "object", "constexpr") and not _is_type(known.path):
        return node.id
    raise construct(node, _why_not(node.id, known))


def dotted(node: ast.Attribute, base: ast.Name, attributes: list[str], names: ModuleNames) -> str:
    """The module-level name `base` at the root of a dotted name, all of whose parts are allowed. Raises Refused."""
    known = _known(base, names)
    if known.kind == "kernel":
        raise construct(node, f"the kernel {quoted(base.id)} has no attributes in a kernel")
    if known.kind not in ("module", "object", "constexpr"):
        raise construct(node, _why_not(base.id, known))
    for name in attributes:
        if known.kind == "module":
            kind, path = allowlist.member(known.path, name), f"{known.path}.{name}"
            if kind is None or _is_type(path):
                raise construct(node, f"{quoted(path)} is not allowed in a kernel")
            known = Global(kind, known.line, path)
        elif name not in allowlist.attributes():
            raise construct(node, f"the attribute {quoted('.' + name)} is not allowed in a kernel")
    if known.kind == "module":
        raise construct(node, f"the module {quoted(known.path)} is no value")
    return base.id


def is_range(function: ast.expr, scope: Scope, names: ModuleNames) -> bool:
    """Whether it is `range`, `tl.range` or `tl.static_range`."""
    base, attributes = chain(function)
    if base is None or base.id in scope:
        return False
    is_python = base.id == "range" and not attributes and names.is_builtin("range")
    return is_python or names.path(function) in allowlist.LOOPS


def _is_type(path: str) -> bool:
    module, _, name = path.rpartition(".")
    return name in allowlist.TYPES and allowlist.member(module, name) == "object"


def _known(node: ast.Name, names: ModuleNames) -> Global:
    known = names.globals.get(node.id)
    if known is None:
        raise _unknown(node)
    if node.id in names.again and known.kind != "kernel":
        lines = f"anew at line {names.again[node.id]}"
        raise construct(node, f"{quoted(node.id)} is bound more than once at module level, {lines}")
    return known


def _unknown(node: ast.Name) -> Refused:
    if node.id in allowlist.BUILTINS:
        return construct(node, f"`{node.id}` can only be called in a kernel")
    return construct(node, f"the name {quoted(node.id)} is neither local nor bound to something that a kernel may use")


def _why_not(name: str, known: Global) -> str:
    shown = quoted(name)
    match known.kind:
        case "constant":
            remedy = quoted(f"{name} = tl.constexpr({known.value!r})")
            return f"{shown} is a plain global, which Triton refuses: write {remedy}"
        case "import":
            return f"{quoted(known.path)} is not allowed in a kernel"
        case "module":
            return f"the module {shown} is no value"
        case "object":
            return f"the type {shown} stands in annotations only"
        case "jit":
            return f"{shown} is not allowed in a kernel"
    what = "a kernel uses tl, @triton.jit functions and `tl.constexpr` of literals"
    return f"{shown} (line {known.line}) is a Python value: {what}"
