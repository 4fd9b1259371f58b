"""Exact low-precision arithmetic: bf16 and fp8 through ml_dtypes, rounded to nearest even, fp8 saturating as on GPUs.

Triton's own interpreter keeps bf16 as raw uint16 and truncates when it casts.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.faults import NotRunnable
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.machine import Machine
from pytest_kernelfalcon.judge.interpreter.memory import UNSIGNED, Array

_LOW = {
    "bf16": ml_dtypes.bfloat16,
    "fp8e5": ml_dtypes.float8_e5m2,
    "fp8e4nv": ml_dtypes.float8_e4m3fn,
    "fp8e4b8": ml_dtypes.float8_e4m3fnuz,
    "fp8e5b16": ml_dtypes.float8_e5m2fnuz,
}
_PLAIN = {
    "int1": np.bool_,
    "fp16": np.float16,
    "fp32": np.float32,
    "fp64": np.float64,
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_NUMPY: dict[str, np.dtype[Any]] = {name: np.dtype(kind) for name, kind in {**_PLAIN, **_LOW}.items()}
_POINTER = np.dtype(np.uint64)

LOW_PRECISION = frozenset(np.dtype(kind) for kind in _LOW.values())
_LARGEST = {
    dtype: float(ml_dtypes.finfo(dtype).max)  # type: ignore[no-untyped-call]
    for dtype in LOW_PRECISION
    if dtype.itemsize == 1
}


def numpy_dtype(kind: Any) -> np.dtype[Any]:
    """The numpy dtype that holds a Triton type's elements; addresses for pointers."""
    element = kind.element_ty if isinstance(kind, tl.block_type) else kind
    if isinstance(element, tl.pointer_type):
        return _POINTER
    if element.name not in _NUMPY:
        raise NotRunnable(f"the interpreter has no {element.name}")
    return _NUMPY[element.name]


def is_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or dtype in LOW_PRECISION


def convert(data: Array, target: np.dtype[Any]) -> Array:
    """Cast, rounding to nearest even; what is too large for an fp8 type becomes its largest value, as on GPUs."""
    if data.dtype == target:
        return data
    if target in LOW_PRECISION and data.dtype not in (np.float32, np.float64):
        data = data.astype(np.float32)
    if target in _LARGEST:
        data = np.clip(data, -_LARGEST[target], _LARGEST[target])
    return data.astype(target)


def convert_towards_zero(data: Array, target: np.dtype[Any]) -> Array:
    """Cast to a narrower floating type, rounding towards zero."""
    near = convert(data, target)
    too_far = np.abs(near.astype(np.float64)) > np.abs(data.astype(np.float64))
    bits = near.view(UNSIGNED[target.itemsize])
    rounded: Array = (bits - too_far.astype(bits.dtype)).view(target)  # less in magnitude: sign and magnitude are apart
    return rounded


class CastOps(Machine):
    """Casts, and what Triton's interpreter computes on raw bits or rounds twice."""

    def cast_impl(self, src: Any, dst_type: Any) -> Any:
        return TensorHandle(convert(src.data, numpy_dtype(dst_type)), dst_type.scalar)

    def create_fp_to_fp(self, src: Any, dst_type: Any, rounding_mode: Any) -> Any:
        if getattr(rounding_mode, "name", "") == "RTZ":
            return TensorHandle(convert_towards_zero(src.data, numpy_dtype(dst_type)), dst_type.scalar)
        return self.cast_impl(src, dst_type)

    def create_fma(self, x: Any, y: Any, z: Any) -> Any:
        """Rounded once for types of up to 32 bits: their products are exact in fp64."""
        product = np.multiply(x.data, y.data, dtype=np.float64)
        return TensorHandle(convert(product + z.data.astype(np.float64), z.data.dtype), z.dtype.scalar)


def scaled_operand(value: Any, unpack: Any) -> Array:
    """An operand of tl.dot_scaled in fp32; `unpack` is Triton's own, for pairs of 4-bit values in a byte."""
    data: Array = value.data
    return data.astype(np.float32) if data.dtype in LOW_PRECISION else unpack(value)
