"""Addresses computed from integer arithmetic that wrapped.

int32 arithmetic that wraps is legal, and hashes and random numbers live by it; only an address computed from it is
wrong. So a result that wraps carries its exact value along, through sums, products, casts, selections and changes of
shape, into the address, and an access is a fault where an active lane's address is not the exact one. Every other
operation (%, //, ^, >>, comparisons) drops the exact value: behind those a wrapped number may be meant, and what is not
is found only where it leads out of bounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.interpreter.dtypes import CastOps
from pytest_kernelfalcon.judge.interpreter.faults import Fault
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.memory import Array

EXACT = "exact"


@dataclass(frozen=True)
class Exact:
    """values: what wrapped arithmetic would have given, int64. line: where it wrapped. dtype: in which type."""

    values: Array
    line: int | None
    dtype: str

    def map(self, change: Callable[[Array], Array]) -> Exact:
        return Exact(change(self.values), self.line, self.dtype)


def check(pointers: Any, active: Array | None, action: str) -> None:
    """Raises Fault where an active lane's address comes from arithmetic that wrapped. active: None for all lanes."""
    exact: Exact | None = pointers.attr.get(EXACT)
    if exact is None:
        return
    wrong = exact.values.view(np.uint64) != pointers.data
    if active is not None:
        wrong = wrong & active
    if wrong.any():
        count = f"{int(wrong.sum())} of {wrong.size} addresses" if wrong.size > 1 else "the address"
        text = f"{exact.dtype} arithmetic overflows, and {count} of a {action} come from it"
        raise Fault(Cause.ADDRESS_OVERFLOW, text, line=exact.line)


class AddressOps(CastOps):
    """Integer arithmetic, pointer arithmetic and changes of shape, with exact values where something wrapped."""

    binary_op: Callable[..., Any]  # Triton's own
    ternary_op: Callable[..., Any]

    def create_add(self, lhs: Any, rhs: Any) -> Any:
        return self.integer_arithmetic(lhs, rhs, np.add)

    def create_sub(self, lhs: Any, rhs: Any) -> Any:
        return self.integer_arithmetic(lhs, rhs, np.subtract)

    def create_mul(self, lhs: Any, rhs: Any) -> Any:
        return self.integer_arithmetic(lhs, rhs, np.multiply)

    def integer_arithmetic(self, lhs: Any, rhs: Any, operation: Any) -> Any:
        """A sum, difference or product of two integer handles whose shapes broadcast."""
        dtype = lhs.data.dtype
        carried = lhs.attr.get(EXACT) or rhs.attr.get(EXACT)
        if dtype.kind == "b" or not self.checks.overflow or (dtype.itemsize == 8 and carried is None):
            return self.binary_op(lhs, rhs, operation)
        wide = operation(_values(lhs), _values(rhs), dtype=np.int64, casting="unsafe")
        narrow = wide.astype(dtype) if carried is None else operation(lhs.data, rhs.data)
        result = TensorHandle(narrow, lhs.dtype.scalar)
        if carried is not None:
            result.attr[EXACT] = Exact(wide, carried.line, carried.dtype)
        elif (narrow != wide).any():
            result.attr[EXACT] = Exact(wide, self._line(), lhs.dtype.scalar.name)
        return result

    def _line(self) -> int | None:
        """The line of the kernel's file that is running."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != self.file:
            frame = frame.f_back
        return frame.f_lineno if frame is not None else None

    def create_addptr(self, ptr: Any, offset: Any) -> Any:
        size = max(1, ptr.get_element_ty().primitive_bitwidth // 8)
        steps = offset.data.view(np.uint64) if offset.data.itemsize == 8 else offset.data.astype(np.uint64)
        result = TensorHandle(ptr.data + (steps * np.uint64(size) if size > 1 else steps), ptr.dtype)
        carried = ptr.attr.get(EXACT) or offset.attr.get(EXACT)
        if carried is not None:
            base = _values(ptr).astype(np.int64, copy=False)
            values = base + _values(offset).astype(np.int64, copy=False) * size
            result.attr[EXACT] = Exact(values, carried.line, carried.dtype)
        return result

    def create_int_cast(self, src: Any, dst_type: Any, is_signed: bool) -> Any:
        result = self.cast_impl(src, dst_type)
        if src.data.dtype.kind in "iu" and self.checks.overflow:
            if EXACT in src.attr:
                result.attr[EXACT] = src.attr[EXACT]
            elif result.data.dtype.itemsize < src.data.dtype.itemsize and (result.data != src.data).any():
                exact = src.data.astype(np.int64, copy=False)
                result.attr[EXACT] = Exact(exact, self._line(), dst_type.scalar.name)
        return result

    def create_select(self, cond: Any, lhs: Any, rhs: Any) -> Any:
        result = self.ternary_op(cond, lhs, rhs, np.where)
        carried = lhs.attr.get(EXACT) or rhs.attr.get(EXACT)
        if carried is not None:
            left, right = (_values(side).astype(np.int64, copy=False) for side in (lhs, rhs))
            result.attr[EXACT] = Exact(np.where(cond.data, left, right), carried.line, carried.dtype)
        return result

    def create_splat(self, ret_ty: Any, arg: Any) -> Any:
        return _reshaped(arg, lambda data: np.full(ret_ty.shape, data.reshape(-1)[0], dtype=data.dtype))

    def create_broadcast(self, arg: Any, shape: Any) -> Any:
        return _reshaped(arg, lambda data: np.broadcast_to(data, shape))

    def create_expand_dims(self, arg: Any, axis: int) -> Any:
        return _reshaped(arg, lambda data: np.expand_dims(data, axis))

    def create_reshape(self, arg: Any, shape: Any, allow_reorder: bool) -> Any:
        return _reshaped(arg, lambda data: data.reshape(shape))

    def create_trans(self, arg: Any, perm: Any) -> Any:
        return _reshaped(arg, lambda data: np.transpose(data, perm))


def _values(handle: Any) -> Array:
    exact: Exact | None = handle.attr.get(EXACT)
    values: Array = handle.data if exact is None else exact.values
    return values


def _reshaped(arg: Any, change: Callable[[Array], Array]) -> Any:
    result = TensorHandle(change(arg.data), arg.dtype.scalar)
    if EXACT in arg.attr:
        result.attr[EXACT] = arg.attr[EXACT].map(change)
    return result
