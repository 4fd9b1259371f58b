"""The launch of a product: the operands' views and copies, the allocation, and the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.matmul.pack import packed, packs
from pytest_kernelfalcon.generator.cookbook.matmul.split import count_text
from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper, extent
from pytest_kernelfalcon.generator.cookbook.pointwise.launch import lay_out
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product


def launch(kernel: Product, wrapper: Wrapper) -> None:
    """Adds the lines that compute the kernel's results."""
    a, b = (wrapper.view(side) for side in kernel.sides)
    batch = f"{a}.shape[0]" if kernel.batched else ""
    _measure(kernel, wrapper, a, b, batch)
    variables = {id(leaf): wrapper.view(leaf) for leaf in kernel.leaves.values()}
    out, tiles = wrapper.out[kernel.refs[0]], kernel.sizes.tiles
    for ref in kernel.refs:
        shape = _shape(kernel, wrapper, batch) if ref == kernel.refs[0] else f"{out}.shape"
        wrapper.allocate(ref, shape, [(kernel.sides[0], a)], follows=not kernel.parts)
    vectors = {id(leaf) for leaf in kernel.strided if _is_vector(kernel, leaf)}
    lay_out(kernel, wrapper, variables, vectors)
    if kernel.way.packed and packs(kernel):
        a, b = packed(kernel, wrapper, a, b)
    args = [
        a, b, *variables.values(), *(wrapper.out[ref] for ref in kernel.refs),
        *_numbers(kernel, wrapper, a, b, variables, vectors),
        *(f"{name}={value}" for name, value in kernel.arguments(a).items()),
    ]  # fmt: skip
    grid = f"({tiles}, {kernel.parts})" if kernel.parts else f"({tiles},)"
    wrapper.add(f"    if {tiles} > 0:")
    wrapper.add(*call(f"{kernel.name}[{grid}]", args, "", 8))


def _measure(kernel: Product, wrapper: Wrapper, a: str, b: str, batch: str) -> None:
    """Writes the sizes of the product, and how many programs it takes."""
    sizes = kernel.sizes
    wrapper.add(
        f"    {'_, ' if batch else ''}{sizes.rows}, {sizes.depth} = {a}.shape",
        f"    {sizes.columns} = {b}.shape[-1]",
        f"    {sizes.tiles} = {f'{batch} * ' if batch else ''}{kernel.tiles()}",
    )
    if kernel.parts:
        wrapper.add(f"    {kernel.parts} = {count_text(sizes.tiles, sizes.depth)}")


def _numbers(
    kernel: Product, wrapper: Wrapper, a: str, b: str, variables: dict[int, str], vectors: set[int]
) -> list[str]:
    """The numbers that the kernel is given, in the order of its parameters."""
    sizes, shape = kernel.sizes, f"{wrapper.out[kernel.refs[0]]}.shape"
    return [
        *kernel.scalars, sizes.rows, sizes.columns, sizes.depth, *([kernel.parts] if kernel.parts else []),
        f"*{a}.stride()", f"*{b}.stride()",
        *(extent(shape, kernel.groups[k], len(kernel.shape)) for k in kernel.sized),
        *(
            f"{variables[id(leaf)]}.stride({-1 if id(leaf) in vectors else k})"
            for leaf in kernel.strided for k in kernel.moves(leaf)
        ),
    ]  # fmt: skip


def _is_vector(kernel: Product, leaf: Leaf) -> bool:
    """Whether an input has one value for each column, and is read by that dimension's stride as it lies."""
    last = len(kernel.shape) - 1
    alone = kernel.groups[-1] == [last] and kernel.moves(leaf) == [len(kernel.groups) - 1]
    return alone and leaf.replay.shape[-1:] == [kernel.shape[last]]


def _shape(kernel: Product, wrapper: Wrapper, batch: str) -> str:
    """The results' shape: the product's own, or else what the graph says of it."""
    if kernel.graph.tensor(kernel.refs[0]).sizes != kernel.product.outputs[0].sizes:
        return wrapper.sizes(kernel.refs[0])
    sizes = [kernel.parts, batch, kernel.sizes.rows, kernel.sizes.columns]
    return f"({', '.join(size for size in sizes if size)})"
