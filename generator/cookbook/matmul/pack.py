"""Copies of operands whose layout makes loads narrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product

WIDE = 16
"""Elements that a row must begin at a multiple of, for loads of 16 bytes."""

WORTH, SIDE = 2**28, 128
"""Multiplications, and elements along either side, from which on a product is worth an aligned copy of its operands."""

OFTEN = 2048
"""Rows of a product from which on the second operand is read so often that a copy with K innermost pays."""


def packs(kernel: Product) -> bool:
    """Whether a product, as declared, is large and an operand lies so that loads of it are narrow."""
    *batch, rows, columns = kernel.product.outputs[0].shape
    work = math.prod(batch) * rows * columns * kernel.sides[0].shape[-1]
    known = all(side.replay.stride for side in kernel.sides) and not any(kernel.prologues)
    return known and work >= WORTH and min(rows, columns) >= SIDE and (_ragged(kernel) or _turned(kernel))


def _ragged(kernel: Product) -> bool:
    """Whether rows of an operand begin where no wide load can."""
    return any(step % WIDE for side in kernel.sides for step in _strides(side) if step != 1)


def _turned(kernel: Product) -> bool:
    """Whether tensor cores, which want K innermost in float32, cannot read the second operand as it lies."""
    side = kernel.sides[1]
    often = kernel.product.outputs[0].shape[-2] >= OFTEN
    return often and side.dtype == "float32" and _strides(side)[-2] != 1


def _strides(side: Leaf) -> list[int]:
    """An operand's, as declared, where they can be told."""
    return side.replay.stride or []


def packed(kernel: Product, wrapper: Wrapper, a: str, b: str) -> tuple[str, str]:
    """Writes the copies; the operands' variables."""
    if _ragged(kernel):
        return _padded(kernel, wrapper, a, b)
    wrapper.add("    # K innermost, as tensor cores want it in float32")
    return a, wrapper.bind(kernel.sides[1], f"{b}{_turn(kernel)}.contiguous(){_turn(kernel)}", b)


def _padded(kernel: Product, wrapper: Wrapper, a: str, b: str) -> tuple[str, str]:
    """K innermost in both, and padded with zeros so that every row begins where a wide load can."""
    rows, columns, depth = kernel.sizes.rows, kernel.sizes.columns, kernel.sizes.depth
    fresh = wrapper.access.names.fresh
    first, second, wide = fresh("a"), fresh("b"), fresh("wide")
    batch, every = (f"{a}.shape[0], ", ":, ") if kernel.batched else ("", "")
    wrapper.add(
        f"    # K innermost, and padded with zeros to a multiple of {WIDE} so that loads are wide",
        f"    {wide} = triton.cdiv({depth}, {WIDE}) * {WIDE}",
        f"    {first} = torch.zeros(({batch}{rows}, {wide}), dtype={a}.dtype, device={a}.device)",
        f"    {first}[{every}:, :{depth}] = {a}",
        f"    {second} = torch.zeros(({batch}{columns}, {wide}), dtype={b}.dtype, device={b}.device){_turn(kernel)}",
        f"    {second}[{every}:{depth}] = {b}",
        f"    {depth} = {wide}",
    )
    return first, second


def _turn(kernel: Product) -> str:
    return ".transpose(1, 2)" if kernel.batched else ".transpose(0, 1)"
