"""Values of a traced graph as JSON: numbers, expressions over sizes, types (the format: `graph`)."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND, elementwise_dtypes
from torch.utils._sympy.printers import PythonPrinter

aten = torch.ops.aten

OPERATORS: dict[Any, str] = {
    operator.add: "({} + {})", operator.sub: "({} - {})", operator.mul: "({} * {})", operator.truediv: "({} / {})",
    operator.floordiv: "({} // {})", operator.mod: "({} % {})", operator.pow: "({} ** {})", operator.neg: "(-{})",
    torch.sym_float: "float({})", torch.sym_max: "max({}, {})", torch.sym_min: "min({}, {})",
}  # fmt: skip
"""Python's arithmetic on sizes and numbers, as tracing records it."""


def functional(target: torch._ops.OpOverload, changed: object) -> torch._ops.OpOverload:
    """The operation that computes what an in-place one leaves: tracing meets those that torch uses inside others."""
    name = target._schema.name.removeprefix("aten::").removesuffix("_")
    source = changed.target if isinstance(changed, fx.Node) else None
    if not isinstance(source, torch._ops.OpOverload) or source.is_view or not hasattr(aten, name):
        raise NotImplementedError(f"{target} on {changed}")
    found: torch._ops.OpOverload = getattr(getattr(aten, name), target._overloadname)
    return found


class Printer(PythonPrinter):
    """Expressions over sizes, in Python."""

    def __init__(self, symbols: dict[Any, str]) -> None:
        super().__init__()
        self._symbols = symbols

    def text(self, expression: Any) -> str | None:
        """None for what plain Python cannot say, or what depends on no size (a number that was a symbol)."""
        if not expression.free_symbols or not expression.free_symbols <= set(self._symbols):
            return None
        text = str(self.doprint(expression))
        return None if "torch." in text or "math." in text else tidy(text)

    def _print_Symbol(self, expression: Any) -> str:  # noqa: N802
        return self._symbols[expression]


def tidy(expression: str) -> str:
    return ast.unparse(ast.parse(expression, mode="eval"))


def hint(size: Any) -> int:
    return int(size.node.hint) if isinstance(size, torch.SymInt) else int(size)


def dtype_name(value: object) -> str:
    return str(value).removeprefix("torch.")


def literal(value: Any) -> Any:
    match value:
        case torch.dtype() | torch.device() | torch.layout() | torch.memory_format():
            return {type(value).__name__: dtype_name(value)}
        case float() if not math.isfinite(value):
            return {"float": str(value)}
        case None | bool() | int() | float() | str():
            return value
    raise NotImplementedError(f"an argument of type {type(value).__name__}")


def references(value: Any) -> Iterable[str]:
    if isinstance(value, dict) and "ref" in value:
        yield value["ref"]
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def common_type(args: Iterable[Any]) -> str | None:
    values = [arg.meta["val"] if isinstance(arg, fx.Node) else arg for arg in args]
    kinds = torch.Tensor | torch.SymInt | torch.SymFloat | float | int
    operands = [_plain(value) for value in values if isinstance(value, kinds)]
    if not any(isinstance(operand, torch.Tensor) for operand in operands):
        return None
    return dtype_name(elementwise_dtypes(*operands, type_promotion_kind=ELEMENTWISE_TYPE_PROMOTION_KIND.DEFAULT)[1])


def _plain(value: Any) -> Any:
    return value.node.hint if isinstance(value, torch.SymInt | torch.SymFloat) else value
