"""@triton.jit where it is not taken: inside functions, classes and loops, and as a call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.refusal import Refusal

NESTED = "it is defined inside a function, a class or a loop: define it at module level"
CALLED = "it is made a kernel by a call of `triton.jit`: write `@triton.jit` above a function at module level"
FOREIGN = "its decorator is not `triton.jit`"


def hidden(tree: ast.Module, names: ModuleNames) -> dict[str, Refusal]:
    """The functions that are made kernels where they cannot be taken, by name.

    Also tells `names` of the module-level names that a function may bind anew (`global`).
    """
    refused: dict[str, Refusal] = {}
    for node in _outside_kernels(tree, frozenset(names.kernels.values())):
        match node:
            case ast.Global(names=rebound, lineno=line):
                for name in rebound:
                    names.rebind(name, line)
            case ast.FunctionDef(name=name, decorator_list=[_, *_] as decorators, lineno=line):
                if detail := _decorated(decorators, names):
                    refused[name] = Refusal(Cause.KERNEL_CONSTRUCT, detail, line, name)
            case ast.Call(func=function, args=[ast.Name(id=name), *_], lineno=line) if names.is_jit(function):
                refused[name] = Refusal(Cause.KERNEL_CONSTRUCT, CALLED, line, name)
    return refused


def _decorated(decorators: list[ast.expr], names: ModuleNames) -> str:
    if any(names.is_jit(decorator) for decorator in decorators):
        return NESTED
    for decorator in decorators:
        match decorator.func if isinstance(decorator, ast.Call) else decorator:
            case ast.Attribute(attr="jit") | ast.Name(id="jit"):
                return FOREIGN
    return ""


def _outside_kernels(tree: ast.Module, kernels: frozenset[ast.FunctionDef]) -> Iterator[ast.AST]:
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(child for child in ast.iter_child_nodes(node) if child not in kernels)
