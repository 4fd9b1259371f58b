"""tl.dot in the precision that the kernel asks for."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from pytest_kernelfalcon.judge.interpreter.dtypes import LOW_PRECISION, convert
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.memory import Array

PRECISIONS = ("tf32", "tf32x3", "ieee", "bf16x3", "bf16x6")
_TERMS = {"TF32": ("tf32", 1), "TF32x3": ("tf32", 2), "BF16x3": ("bf16", 2), "BF16x6": ("bf16", 3)}
"""Into how many terms of which format each fp32 operand is split; products of small terms are left out."""


class DotOps:
    """Products of fp16, bf16 and fp8 are exact in fp32 and summed in fp32; int8 is exact; fp32 as `input_precision`."""

    def create_dot(self, a: Any, b: Any, d: Any, input_precision: Any, max_num_imprecise_acc: Any) -> Any:
        target = d.data.dtype
        if target.kind in "iu":
            product = np.matmul(a.data.astype(np.float64), b.data.astype(np.float64)).astype(np.int64)
            return TensorHandle((product + d.data).astype(target), d.dtype.scalar)
        product = _product(a.data, b.data, getattr(input_precision, "name", ""))
        total = product + (d.data.astype(np.float32) if target.itemsize < 4 else d.data)
        return TensorHandle(convert(total, target), d.dtype.scalar)


def _wide(data: Array) -> Array:
    return data.astype(np.float32) if data.dtype == np.float16 or data.dtype in LOW_PRECISION else data


def _product(left: Array, right: Array, precision: str) -> Array:
    """A matrix product; fp32 operands are split as `precision` says."""
    if precision not in _TERMS or left.dtype != np.float32:
        whole: Array = np.matmul(_wide(left), _wide(right))
        return whole
    name, count = _TERMS[precision]
    lefts, rights = _split(left, name, count), _split(right, name, count)
    products = [np.matmul(lefts[i], rights[j]) for i in range(count) for j in range(count - i)]
    total: Array = products[-1]
    for product in reversed(products[:-1]):  # the small ones first
        total = total + product
    return total


def _split(data: Array, name: str, count: int) -> list[Array]:
    """Terms that add up to the data, each rounded to the format."""
    terms: list[Array] = []
    rest = data
    for _ in range(count):
        term = round_tf32(rest) if name == "tf32" else rest.astype(ml_dtypes.bfloat16).astype(np.float32)
        rest = np.where(np.isfinite(term), rest - term, np.float32(0))
        terms.append(term)
    return terms


def round_tf32(data: Array) -> Array:
    """fp32 with a mantissa of 10 bits, rounded to nearest even; infinities and NaN stay."""
    bits = np.ascontiguousarray(data, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0xFFF) + ((bits >> np.uint32(13)) & np.uint32(1))) & np.uint32(0xFFFFE000)
    return np.where(np.isfinite(data), rounded.view(np.float32), data)
