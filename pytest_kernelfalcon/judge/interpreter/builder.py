"""The builder that Triton's interpreter calls for every operation: theirs, with this package's parts in front."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.atomics import AtomicOps
from pytest_kernelfalcon.judge.interpreter.dot import PRECISIONS, DotOps
from pytest_kernelfalcon.judge.interpreter.dtypes import numpy_dtype
from pytest_kernelfalcon.judge.interpreter.faults import NotRunnable
from pytest_kernelfalcon.judge.interpreter.internals import InterpreterBuilder, InterpreterOptions, TensorHandle
from pytest_kernelfalcon.judge.interpreter.libdevice import LibraryOps
from pytest_kernelfalcon.judge.interpreter.machine import Checks
from pytest_kernelfalcon.judge.interpreter.memory import Array, Memory
from pytest_kernelfalcon.judge.interpreter.overflow import AddressOps

_BITWISE = frozenset((np.bitwise_and, np.bitwise_or, np.bitwise_xor))


class OtherOps:
    """What is slow, wrong or missing in Triton's own."""

    def binary_op(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """An elementwise numpy function over two handles. One-bit integers wrap around as others do."""
        left, right, kind = lhs.data, rhs.data, lhs.dtype.scalar
        if left.dtype.kind == "b" and right.dtype.kind == "b" and op not in _BITWISE:
            output = (op(left.astype(np.int8), right.astype(np.int8)) & 1).astype(np.bool_)
        else:
            output = op(left, right)
        if output.itemsize > 1 and output.itemsize * 8 > getattr(kind, "primitive_bitwidth", 64):
            output = output.astype(numpy_dtype(kind))
        return TensorHandle(output, kind)

    def create_erf(self, arg: Any) -> Any:
        return TensorHandle(torch.from_numpy(np.array(arg.data)).erf().numpy(), arg.dtype.scalar)

    def create_maxnumf(self, lhs: Any, rhs: Any) -> Any:
        """The number where one side is NaN, as GPUs do; Triton 3.6's own gives NaN."""
        return self.binary_op(lhs, rhs, np.fmax)

    def create_minnumf(self, lhs: Any, rhs: Any) -> Any:
        return self.binary_op(lhs, rhs, np.fmin)

    def create_umulhi(self, lhs: Any, rhs: Any) -> Any:
        bits = 8 * lhs.data.itemsize
        left, right = (side.data.view(f"u{bits // 8}").astype(np.uint64) for side in (lhs, rhs))
        high = _high_64(left, right) if bits == 64 else (left * right) >> np.uint64(bits)
        return TensorHandle(high.astype(f"u{bits // 8}").view(lhs.data.dtype), lhs.dtype.scalar)

    def create_histogram(self, data: Any, bins: int, mask: Any) -> Any:
        valid = (data.data >= 0) & (data.data < bins)
        if mask is not None:
            valid = valid & mask.data
        return TensorHandle(np.bincount(data.data[valid], minlength=bins).astype(np.int32), tl.int32)

    def create_gather(self, src: Any, indices: Any, axis: int) -> Any:
        size = src.data.shape[axis]
        outside = (indices.data < 0) | (indices.data >= size)
        if outside.any():
            raise IndexError(f"tl.gather index {int(indices.data[outside][0])} is not in 0…{size - 1}")
        return TensorHandle(np.take_along_axis(src.data, indices.data.astype(np.int64), axis=axis), src.dtype.scalar)

    def create_ptr_to_int(self, src: Any, dst_type: Any) -> Any:
        raise NotRunnable("the interpreter makes no number of a pointer: its addresses are none that a device has")

    def create_print(self, prefix: Any, hex: Any, values: Any, is_signed: Any) -> None:
        """Nobody reads it."""

    def create_grid_dependency_wait(self) -> None:
        """Launches run one after another."""

    def create_grid_dependency_launch_dependents(self) -> None:
        """Launches run one after another."""


def _high_64(left: Array, right: Array) -> Array:
    """The high half of 128-bit products, from four of 32 bits."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    middle = (left >> half) * (right & low) + (((left & low) * (right & low)) >> half)
    other = (left & low) * (right >> half) + (middle & low)
    high: Array = (left >> half) * (right >> half) + (middle >> half) + (other >> half)
    return high


class Builder(AtomicOps, AddressOps, OtherOps, DotOps, LibraryOps, InterpreterBuilder):  # type: ignore[misc]
    """Never compiles anything: one to a process, in `triton.runtime.interpreter.interpreter_builder`."""

    def __init__(self) -> None:
        super().__init__()
        options = vars(InterpreterOptions()) | {
            "allowed_dot_input_precisions": PRECISIONS,
            "sanitize_overflow": False,
            "num_warps": 4,
            "num_ctas": 1,
        }
        self.options = types.SimpleNamespace(**options)
        self.begin(Memory([]), Checks(), None, "", (0, 0, 0))

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("create_", "get_")):
            raise NotRunnable(f"the interpreter of Triton {triton.__version__} has no `{name}`")
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
