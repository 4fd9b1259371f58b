"""The launch of a row kernel: allocation, layout of the inputs, and the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Ref
from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call
from pytest_kernelfalcon.generator.cookbook.row.builder import factor
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel


LARGEST = 4096
"""The block of a program that shares a row, where rows are held whole otherwise."""


def launch(kernel: RowKernel, wrapper: Wrapper) -> None:
    """Adds the lines that compute the kernel's results."""
    fresh = wrapper.access.names.fresh
    variables = {id(leaf): wrapper.view(leaf) for leaf in kernel.sources}
    if kernel.way.pointwise.layout == "contiguous":
        for leaf in kernel.sources:
            if leaf.shape == kernel.domain.shape:
                variables[id(leaf)] = wrapper.contiguous(leaf, variables[id(leaf)])
    given = [(leaf, variables[id(leaf)]) for leaf in kernel.sources]
    sizes = [_size(kernel, wrapper, given, dim) for dim in range(len(kernel.domain.shape))]
    for ref in kernel.refs:
        wrapper.allocate(ref, _shape(kernel, wrapper, ref, given, sizes), given)
    extents = [" * ".join(factor(sizes[dim]) for dim in dims if sizes[dim] != "1") or "1" for dims in kernel.groups]
    stem = "" if len(wrapper.stages) == 1 else f"{wrapper.out[kernel.refs[0]]}_"
    rows, columns = fresh(f"{stem}rows"), fresh(f"{stem}columns")
    for name, groups in ((rows, kernel.kept()), (columns, kernel.reduced())):
        factors = [extents[k] for k in groups if extents[k] != "1"]
        wrapper.add(f"    {name} = {' * '.join(factors) or '1'}")
    for leaf in kernel.sources:
        variables[id(leaf)] = _grouped(kernel, wrapper, leaf, variables[id(leaf)], extents)
    grid = f"triton.cdiv({rows}, {kernel.way.rows})" if kernel.way.rows else rows
    if kernel.domain.shared:
        grid = f"{grid}, {wrapper.out[kernel.refs[0]]}.shape[-1]"
    grid = f"({grid})" if kernel.domain.shared else f"({grid},)"
    args = _arguments(kernel, wrapper, variables, extents, rows, columns)
    wrapper.add(f"    if {rows} > 0:", *call(f"{kernel.name}[{grid}]", args, "", 8))


def _size(kernel: RowKernel, wrapper: Wrapper, given: list[tuple[Leaf, str]], dim: int) -> str:
    """The text of a size of the domain. One that the tracer knew as a number alone is taken from a tensor."""
    size = kernel.domain.sizes[dim]
    if size == 1 or not isinstance(size, int):
        return wrapper.access.expression(str(size))
    for leaf, variable in given:
        if leaf.shape[dim] == size:
            wrapper.access.mentioned.add(leaf.node.id)
            wrapper.own.discard(variable)
            return f"{variable}.shape[{dim - len(leaf.shape) + len(leaf.replay.shape)}]"
    return str(size)


def _shape(kernel: RowKernel, wrapper: Wrapper, ref: Ref, given: list[tuple[Leaf, str]], sizes: list[str]) -> str:
    """A result's shape: an input's, or sizes of the domain, or else what the graph says of it."""
    if kernel.domain.shared:
        return wrapper.sizes(ref)
    domain, own = kernel.domain, kernel.graph.tensor(ref).sizes
    whole = [variable for leaf, variable in given if tuple(leaf.replay.shape) == domain.shape]
    if own == domain.sizes and whole and 1 not in domain.shape:
        return f"{whole[0]}.shape"
    if own == domain.sizes:
        return _tuple(sizes)
    if own == domain.rows:
        return _tuple(["1" if dim in domain.reduced else text for dim, text in enumerate(sizes)])
    if own == tuple(domain.sizes[dim] for dim in domain.kept):
        return _tuple([sizes[dim] for dim in domain.kept])
    return wrapper.sizes(ref)


def _tuple(texts: list[str]) -> str:
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


def _arguments(
    kernel: RowKernel, wrapper: Wrapper, variables: dict[int, str], extents: list[str], rows: str, columns: str
) -> list[str]:
    way = kernel.way
    strides = [_stride(kernel, leaf, variables[id(leaf)], k) for leaf in kernel.sources for k in kernel.moves(leaf)]
    block = f"triton.next_power_of_2({columns})"
    most = way.block or (LARGEST if kernel.domain.shared else 0)
    block = f"min({block}, {most})" if most else block
    parts = [f"{wrapper.out[kernel.refs[0]]}.shape[-1]"] if kernel.domain.shared else []
    return [
        *(variables[id(leaf)] for leaf in kernel.sources), *(wrapper.out[ref] for ref in kernel.refs),
        *kernel.scalars, *([rows] if way.rows else []), columns, *parts, *(extents[k] for k in kernel.sized), *strides,
        *([f"ROWS={way.rows}"] if way.rows else []), f"BLOCK={block}", f"num_warps={way.warps}",
    ]  # fmt: skip


def _grouped(kernel: RowKernel, wrapper: Wrapper, leaf: Leaf, variable: str, extents: list[str]) -> str:
    """The leaf with one dimension for each group; its variable."""
    if leaf.kind == "scalar" or len(kernel.groups) == len(kernel.domain.shape):
        return variable
    pad = len(leaf.shape) - len(leaf.replay.shape)
    moves = kernel.moves(leaf)
    inside = [k for k, dims in enumerate(kernel.groups) if dims[-1] >= pad]
    if all(sum(dim >= pad for dim in kernel.groups[k]) == 1 for k in inside):
        return variable
    sizes = [extents[k] if k in moves else "1" for k in range(len(kernel.groups))]
    return wrapper.bind(leaf, f"{variable}.reshape({', '.join(sizes)})", variable)


def _stride(kernel: RowKernel, leaf: Leaf, variable: str, k: int) -> str:
    """The leaf's stride along a group."""
    pad = len(leaf.shape) - len(leaf.replay.shape)
    inside = [j for j, dims in enumerate(kernel.groups) if dims[-1] >= pad]
    plain = all(sum(dim >= pad for dim in kernel.groups[j]) == 1 for j in inside)
    if plain:
        return f"{variable}.stride({kernel.groups[k][-1] - pad})"
    return f"{variable}.stride({k})"
