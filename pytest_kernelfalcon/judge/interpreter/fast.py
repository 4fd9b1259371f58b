"""Triton's rules of types, worked out once for each pair of types: they take most of an interpreted operation's time.

What is decided here is what Triton's own `semantic` decides; whatever is not plainly one of the cases below goes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle, TritonSemantic

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)) | {"int1"}
_SAME = _INTEGERS | {"fp16", "bf16", "fp32", "fp64"}
"""Types of which two operands are computed in their own type."""
_SAME_DIVIDED = _INTEGERS | {"fp32", "fp64"}
_DIRECT: dict[tuple[str, str], Callable[..., Any]] = {
    **{
        (source, target): lambda builder, handle, kind: builder.create_int_cast(handle, kind, True)
        for source in _INTEGERS
        for target in _INTEGERS - {"int1", source}
    },
    **{(source, "fp32"): lambda builder, handle, kind: builder.cast_impl(handle, kind) for source in _INTEGERS},
    **{
        pair: lambda builder, handle, kind: builder.cast_impl(handle, kind)
        for pair in (("fp16", "fp32"), ("bf16", "fp32"), ("fp32", "fp64"), ("fp32", "fp16"), ("fp32", "bf16"))
    },
}
"""Casts of which `cast` makes one step of the builder, and which."""
_known: dict[tuple[str, bool, str, bool, bool], Any] = {}


def patch() -> None:
    """Replace what operations do before they compute."""
    TensorHandle.__init__ = _make_handle
    tl.core._unwrap_if_constexpr = _unwrapped(tl.core._unwrap_if_constexpr)
    tl.core.dtype.__eq__ = _equal(tl.core.dtype.__eq__)
    TritonSemantic.computation_type_impl = _remembered(TritonSemantic.computation_type_impl)
    TritonSemantic.cast = _cast(TritonSemantic.cast)
    TritonSemantic.binary_op_type_checking_impl = _checked(TritonSemantic.binary_op_type_checking_impl)


def _make_handle(self: Any, data: Any, dtype: Any, attr: dict[str, Any] | None = None) -> None:
    """As the dataclass does it, with its check of the element's size."""
    self.data, self.dtype, self.attr = data, dtype, {} if attr is None else attr
    if data.itemsize > 1 and data.itemsize * 8 > getattr(dtype, "primitive_bitwidth", 64):
        raise ValueError(f"elements of {data.itemsize * 8} bits for the Triton type {dtype}")


def _unwrapped(general: Any) -> Any:
    plain = frozenset((tl.tensor, int, float, bool, type(None)))

    def unwrap(value: Any) -> Any:
        return value if type(value) in plain else general(value)

    return unwrap


def _equal(general: Any) -> Any:
    def equal(self: Any, other: Any) -> bool:
        return self is other or bool(general(self, other))

    return equal


def _remembered(general: Any) -> Any:
    def computation_type(self: Any, left: Any, is_number: bool, right: Any, also: bool, divided: bool) -> Any:
        key = left.name, is_number, right.name, also, divided
        if key not in _known:
            _known[key] = general(self, left, is_number, right, also, divided)
        return _known[key]

    return computation_type


def _cast(general: Any) -> Any:
    def cast(self: Any, input: Any, dst_ty: Any, fp_downcast_rounding: Any = None) -> Any:
        source, target = input.dtype, dst_ty.scalar
        if source is target:
            return input
        how = _DIRECT.get((source.name, target.name)) if fp_downcast_rounding is None else None
        if how is not None:
            kind = input.type.with_element_ty(target) if input.type.is_block() else target
            return tl.tensor(how(self.builder, input.handle, kind), kind)
        return general(self, input, dst_ty, fp_downcast_rounding)

    return cast


def _checked(general: Any) -> Any:
    def checked(
        self: Any,
        lhs: Any,
        rhs: Any,
        allow_lhs_ptr: bool = False,
        allow_rhs_ptr: bool = False,
        arithmetic_check: bool = True,
        div_or_mod: bool = False,
    ) -> Any:
        if type(lhs) is tl.tensor and type(rhs) is tl.tensor:
            left, right = lhs.dtype, rhs.dtype
            if left.name == right.name and left.name in (_SAME_DIVIDED if div_or_mod else _SAME):
                return _aligned(self, lhs, rhs)
            if allow_lhs_ptr and left.is_ptr() and right.name in _INTEGERS:
                return _aligned(self, lhs, rhs)
            if arithmetic_check and left.name in _SAME and right.name in _SAME:
                kind = self.computation_type_impl(left, False, right, False, div_or_mod)
                return _aligned(self, self.cast(lhs, kind), self.cast(rhs, kind))
        return general(self, lhs, rhs, allow_lhs_ptr, allow_rhs_ptr, arithmetic_check, div_or_mod)

    return checked


def _aligned(semantic: Any, lhs: Any, rhs: Any) -> Any:
    """Of one shape. A scalar beside a block keeps its one element: numpy repeats it."""
    left, right = lhs.type, rhs.type
    if left is right:
        return lhs, rhs
    if right.kf_sizes is None and left.kf_sizes is not None:
        return lhs, tl.tensor(rhs.handle, left.with_element_ty(right))
    if left.kf_sizes is None and right.kf_sizes is not None:
        return tl.tensor(lhs.handle, right.with_element_ty(left)), rhs
    return semantic.broadcast_impl_value(lhs, rhs)
