"""The operators of tensors, where both sides are of one type: straight to the builder.

Triton's own way to it, through builtins, promotion and explicit broadcasts, takes several times as long as the numpy
function; it is taken for all that is not plainly one of the cases here, and it is what decides in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.internals import TritonSemantic
from pytest_kernelfalcon.judge.interpreter.shapes import joined

_FLOATS = frozenset(("fp16", "bf16", "fp32", "fp64"))
_SIGNED = frozenset(("int8", "int16", "int32", "int64"))
_INTEGERS = _SIGNED | {"int1", "uint8", "uint16", "uint32", "uint64"}
_NUMBERS: dict[str, tuple[type, ...]] = {"fp32": (float, int), "int32": (int,), "int64": (int,)}
"""Which numbers take on a tensor's type, so far as it can hold them."""
_ARITHMETIC: dict[str, Any] = {"add": np.add, "sub": np.subtract, "mul": np.multiply}
_COMPARISONS: dict[str, Any] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_BITS: dict[str, Any] = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}

Compute = Callable[[Any, Any], Any]


def patch(builder: Any, semantic: Any) -> None:
    """Put them in front of the operators that are there."""

    def computes(ufunc: Any) -> Compute:
        return lambda left, right: builder.binary_op(left, right, ufunc)

    def sums(ufunc: Any) -> Compute:
        return lambda left, right: builder.integer_arithmetic(left, right, ufunc)

    for name, ufunc in _ARITHMETIC.items():
        by_type = dict.fromkeys(_FLOATS, computes(ufunc)) | dict.fromkeys(_INTEGERS, sums(ufunc))
        _replace(f"__{name}__", Operator(semantic, by_type, numbers=True))
        _replace(f"__r{name}__", Operator(semantic, by_type, numbers=True, swapped=True))
    for name, ufunc in _COMPARISONS.items():
        _replace(f"__{name}__", Operator(semantic, dict.fromkeys(_FLOATS | _INTEGERS, computes(ufunc)), truth=True))
    for name, ufunc in _BITS.items():
        _replace(f"__{name}__", Operator(semantic, dict.fromkeys(_INTEGERS, computes(ufunc))))
    tl.tensor.__add__ = _pointers(tl.tensor.__add__, builder.create_addptr)
    TritonSemantic.where = _where(TritonSemantic.where)
    tl.core.extern_elementwise = _extern(tl.core.extern_elementwise, builder)


def _replace(name: str, operator: Operator) -> None:
    setattr(tl.tensor, name, operator.before(getattr(tl.tensor, name)))


@dataclass(frozen=True)
class Operator:
    """by_type: what computes it on two handles, by the type of both. numbers: whether it is also between a tensor and
    a number that the tensor's type takes on. truth: whether it gives truth values. swapped: the other side comes first.
    """

    semantic: Any
    by_type: dict[str, Compute]
    numbers: bool = False
    truth: bool = False
    swapped: bool = False

    def before(self, general: Any) -> Any:
        def operator(left: Any, other: Any) -> Any:
            right = _number(self.semantic, left.dtype, other) if self.numbers else other
            if type(right) is not tl.tensor:
                return general(left, other)
            left, right = _alike(self.semantic, left, right)
            compute, shaped = self.by_type.get(left.dtype.name), joined(left.type, right.type)
            if compute is None or shaped is None or left.dtype.name != right.dtype.name:
                return general(left, right)
            handle = compute(right.handle, left.handle) if self.swapped else compute(left.handle, right.handle)
            return tl.tensor(handle, _truth_type(shaped) if self.truth else shaped)

        return operator


def _number(semantic: Any, kind: Any, other: Any) -> Any:
    """`other` as a tensor of that type, if it is a number that a tensor of that type takes on."""
    number = other.value if type(other) is tl.constexpr else other
    if type(number) in _NUMBERS.get(kind.name, ()) and (kind.name == "fp32" or _holds(kind, number)):
        return semantic.scalar_constant(number, kind)
    return other


def _truth_type(shaped: Any) -> Any:
    return tl.int1 if shaped.kf_sizes is None else shaped.with_element_ty(tl.int1)


def _alike(semantic: Any, left: Any, right: Any) -> tuple[Any, Any]:
    """Of two signed integers the narrower becomes as wide as the other."""
    one, other = left.dtype, right.dtype
    if one is other or one.name not in _SIGNED or other.name not in _SIGNED:
        return left, right
    if one.int_bitwidth > other.int_bitwidth:
        return left, semantic.cast(right, one)
    return semantic.cast(left, other), right


def _holds(kind: Any, number: int) -> bool:
    return bool(-(2 ** (kind.int_bitwidth - 1)) <= number < 2 ** (kind.int_bitwidth - 1))


def _pointers(general: Any, create_addptr: Compute) -> Any:
    """A pointer and a signed integer."""

    def add(self: Any, other: Any) -> Any:
        if self.dtype.is_ptr() and type(other) is tl.tensor and other.dtype.name in _SIGNED:
            shaped = joined(self.type, other.type)
            if shaped is not None:
                result = shaped.with_element_ty(self.dtype) if shaped.is_block() else self.dtype
                return tl.tensor(create_addptr(self.handle, other.handle), result)
        return general(self, other)

    return add


def _where(general: Any) -> Any:
    def where(self: Any, condition: Any, x: Any, y: Any) -> Any:
        if type(x) is tl.tensor:
            y = _number(self, x.dtype, y)
        elif type(y) is tl.tensor:
            x = _number(self, y.dtype, x)
        if type(x) is tl.tensor and type(y) is tl.tensor and condition.dtype.name == "int1":
            both = joined(x.type, y.type) if x.dtype.name == y.dtype.name and not x.dtype.is_ptr() else None
            shaped = joined(both, condition.type) if both is not None else None
            if shaped is not None:
                result = shaped if shaped.kf_sizes is None else shaped.with_element_ty(x.dtype)
                return tl.tensor(self.builder.create_select(condition.handle, x.handle, y.handle), result)
        return general(self, condition, x, y)

    return where


def _extern(general: Any, builder: Any) -> Any:
    """Library functions of one argument."""

    def extern_elementwise(
        lib_name: str, lib_path: str, args: list[Any], symbols: dict[Any, Any], is_pure: bool, _semantic: Any = None
    ) -> Any:
        known = symbols.get((args[0].dtype,)) if len(args) == 1 and type(args[0]) is tl.tensor else None
        if known is None:
            return general(lib_name, lib_path, args, symbols, is_pure, _semantic=_semantic)
        symbol, kind = known
        result = kind if args[0].type.kf_sizes is None else args[0].type.with_element_ty(kind)
        handle = builder.create_extern_elementwise(lib_name, lib_path, symbol, [args[0].handle], result, is_pure)
        return tl.tensor(handle, result)

    return extern_elementwise
