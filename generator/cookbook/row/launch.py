"""The launch of a row kernel: allocation, layout of the inputs, and the call."""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Counts:
    """Texts of numbers. rows, columns: of a kernel; parts: programs that share a row, if several do; extents: of the
    groups of dimensions.
    """

    rows: str
    columns: str
    parts: str
    extents: list[str]


def launch(kernel: RowKernel, wrapper: Wrapper) -> None:
    """Adds the lines that compute the kernel's results."""
    variables = {id(leaf): wrapper.view(leaf) for leaf in kernel.sources}
    if kernel.way.pointwise.layout == "contiguous":
        for leaf in kernel.sources:
            if leaf.shape == kernel.domain.shape:
                variables[id(leaf)] = wrapper.contiguous(leaf, variables[id(leaf)])
    given = [(leaf, variables[id(leaf)]) for leaf in kernel.sources]
    sizes = [_size(kernel, wrapper, given, dim) for dim in range(len(kernel.domain.shape))]
    counts = _counts(kernel, wrapper, sizes)
    for ref in kernel.refs:
        follows = ref in _wanted(wrapper) or kernel.graph.tensor(ref).dtype != "float32"
        wrapper.allocate(ref, _shape(kernel, wrapper, ref, given, sizes), given, follows)
    for leaf in kernel.sources:
        variables[id(leaf)] = _grouped(kernel, wrapper, leaf, variables[id(leaf)], counts.extents)
    head, args = f"{kernel.name}[{_grid(kernel, counts)}]", _arguments(kernel, wrapper, variables, counts)
    if kernel.kept():
        wrapper.add(f"    if {counts.rows} > 0:", *call(head, args, "", 8))
    else:
        wrapper.add(*call(head, args, "", 4))


def _counts(kernel: RowKernel, wrapper: Wrapper, sizes: list[str]) -> Counts:
    extents = [_product([sizes[dim] for dim in dims]) for dims in kernel.groups]
    rows = wrapper.number("rows", _product([extents[k] for k in kernel.kept()])) if kernel.kept() else "1"
    columns = wrapper.number("columns", _product([extents[k] for k in kernel.reduced()]))
    parts = _parts(kernel, wrapper, columns) if kernel.domain.shared else ""
    return Counts(rows, columns, parts, [wrapper.numbers.get(text, text) for text in extents])


def _grid(kernel: RowKernel, counts: Counts) -> str:
    rows = f"triton.cdiv({counts.rows}, {kernel.way.rows})" if kernel.way.rows else counts.rows
    programs = [counts.parts] if kernel.single and counts.parts else [rows, counts.parts]
    return _tuple([text for text in programs if text])


def _wanted(wrapper: Wrapper) -> set[Ref]:
    return {*wrapper.graph.results, *wrapper.graph.mutated.values()}


def _parts(kernel: RowKernel, wrapper: Wrapper, columns: str) -> str:
    """The variable for the number of programs that share a row."""
    left = kernel.left[0].node.outputs[0] if kernel.left else kernel.graph.tensor(kernel.refs[0])
    text = wrapper.access.expression(str(left.sizes[-1]))
    if text in wrapper.numbers:
        return wrapper.numbers[text]
    whole = wrapper.access.expression(str(kernel.domain.extent([*kernel.domain.reduced])))
    parts = wrapper.number("parts", text.replace(f"({whole} - 1)", f"({columns} - 1)"))
    wrapper.numbers[text] = parts
    return parts


def _product(texts: list[str]) -> str:
    factors = [text for text in texts if text != "1"]
    return " * ".join(map(factor, factors)) if len(factors) > 1 else factors[0] if factors else "1"


def _size(kernel: RowKernel, wrapper: Wrapper, given: list[tuple[Leaf, str]], dim: int) -> str:
    """The text of a size of the domain. One that the tracer knew as a number alone is taken from a tensor."""
    size = kernel.domain.sizes[dim]
    if size == 1 or not isinstance(size, int):
        text = wrapper.access.expression(str(size))
        return wrapper.numbers.get(text, text)
    for leaf, variable in given:
        if leaf.shape[dim] == size:
            wrapper.access.mentioned.add(leaf.node.id)
            wrapper.own.discard(variable)
            return f"{variable}.shape[{dim - len(leaf.shape) + len(leaf.replay.shape)}]"
    return str(size)


def _shape(kernel: RowKernel, wrapper: Wrapper, ref: Ref, given: list[tuple[Leaf, str]], sizes: list[str]) -> str:
    """A result's shape: an input's, or sizes of the domain, or else what the graph says of it."""
    if "partial" in kernel.graph.nodes[ref.node].kwargs:
        texts = (wrapper.access.expression(str(size)) for size in kernel.graph.tensor(ref).sizes)
        return _tuple([wrapper.numbers.get(text, text) for text in texts])
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


def _arguments(kernel: RowKernel, wrapper: Wrapper, variables: dict[int, str], counts: Counts) -> list[str]:
    way = kernel.way
    strides = [_stride(kernel, leaf, variables[id(leaf)], k) for leaf in kernel.sources for k in kernel.moves(leaf)]
    block = f"triton.next_power_of_2({counts.columns})"
    most = way.block or (LARGEST if kernel.domain.shared else 0)
    block = f"min({block}, {most})" if most else block
    shape = [f"ROWS={way.rows}"] if way.rows else []
    shape += [f"PARTS=triton.next_power_of_2({counts.parts})"] if kernel.left else []
    return [
        *(variables[id(leaf)] for leaf in kernel.sources), *(wrapper.out[ref] for ref in kernel.refs),
        *(_numbered(wrapper, text) for text in kernel.scalars), *([counts.rows] if way.rows else []), counts.columns,
        *([counts.parts] if counts.parts else []), *(counts.extents[k] for k in kernel.sized), *strides,
        *shape, f"BLOCK={block}", f"num_warps={way.warps}",
    ]  # fmt: skip


def _numbered(wrapper: Wrapper, text: str) -> str:
    """A number's text, with the variable that it has."""
    inner = re.sub(r"^float\((.*)\)$", r"\1", text)
    known = wrapper.numbers.get(inner, inner)
    return known if inner == text else f"float({known})"


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
