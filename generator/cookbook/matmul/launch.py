"""The launch of a product: the operands' views, the allocation, and the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper, extent
from pytest_kernelfalcon.generator.cookbook.pointwise.launch import lay_out
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product

GROUP = 8
"""Rows of tiles that go together."""


def launch(kernel: Product, wrapper: Wrapper) -> None:
    """Adds the lines that compute the kernel's results."""
    shape = wrapper.sizes(kernel.refs[0])
    a, b = (wrapper.view(side) for side in kernel.sides)
    variables = {id(leaf): wrapper.view(leaf) for leaf in kernel.leaves.values()}
    out = wrapper.out[kernel.refs[0]]
    for ref in kernel.refs:
        wrapper.allocate(ref, shape if ref == kernel.refs[0] else f"{out}.shape", [(kernel.sides[0], a)])
    lay_out(kernel, wrapper, variables)
    tile, last = kernel.way.tile, 2 if kernel.batched else 1
    rows, columns, depth = f"{a}.shape[{last - 1}]", f"{b}.shape[{last}]", f"{a}.shape[{last}]"
    args = [
        a, b, *variables.values(), *(wrapper.out[ref] for ref in kernel.refs), *kernel.scalars, rows, columns, depth,
        *(f"{side}.stride({dim})" for side in (a, b) for dim in range(last + 1)),
        *(extent(f"{out}.shape", kernel.groups[k], len(kernel.shape)) for k in kernel.sized),
        *(f"{variables[id(leaf)]}.stride({k})" for leaf in kernel.strided for k in kernel.moves(leaf)),
        f"BLOCK_M={tile.rows}", f"BLOCK_N={tile.columns}", f"BLOCK_K={tile.depth}", f"GROUP_M={GROUP}",
        f"num_warps={tile.warps}", f"num_stages={tile.stages}",
    ]  # fmt: skip
    batch = f"{a}.shape[0] * " if kernel.batched else ""
    tiles = f"triton.cdiv({rows}, {tile.rows}) * triton.cdiv({columns}, {tile.columns})"
    wrapper.add(f"    if {out}.numel() > 0:")
    wrapper.add(*call(f"{kernel.name}[({batch}{tiles},)]", args, "", 8))
