"""The launch of a pointwise kernel: allocation, layout of the inputs, and the call."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper, extent
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel


def launch(kernel: Kernel, wrapper: Wrapper) -> None:
    """Adds the lines that compute the kernel's results."""
    variables = {id(leaf): wrapper.view(leaf) for leaf in kernel.leaves.values()}
    _make_dense(kernel, wrapper, variables)
    _allocate(kernel, wrapper, variables)
    _lay_out(kernel, wrapper, variables)
    out = wrapper.out[kernel.refs[0]]
    numel = wrapper.access.names.fresh("numel" if len(wrapper.stages) == 1 else f"{out}_numel")
    wrapper.add(f"    {numel} = {out}.numel()", f"    if {numel} > 0:")
    strides = [f"{variables[id(leaf)]}.stride({k})" for leaf in kernel.strided for k in kernel.moves(leaf)]
    block = kernel.configuration.block
    args = [
        *variables.values(), *(wrapper.out[ref] for ref in kernel.refs), *kernel.scalars, numel,
        *(extent(f"{out}.shape", kernel.groups[k], len(kernel.shape)) for k in kernel.sized), *strides,
        f"BLOCK={block}", f"num_warps={kernel.configuration.warps}",
    ]  # fmt: skip
    wrapper.add(*call(f"{kernel.name}[(triton.cdiv({numel}, {block}),)]", args, "", 8))


def _make_dense(kernel: Kernel, wrapper: Wrapper, variables: dict[int, str]) -> None:
    """Copies what is not contiguous where the kernel reads at the output's own offsets."""
    for leaf in kernel.leaves.values():
        if leaf.kind == "linear" and not _unsure(kernel):
            variables[id(leaf)] = wrapper.contiguous(leaf, variables[id(leaf)])


def _allocate(kernel: Kernel, wrapper: Wrapper, variables: dict[int, str]) -> None:
    shape = _shape(kernel, wrapper, variables)
    for k, ref in enumerate(kernel.refs):
        where = shape if not k else f"{wrapper.out[kernel.refs[0]]}.shape"
        wrapper.allocate(ref, where, ((leaf, variables[id(leaf)]) for leaf in kernel.leaves.values()))


def _shape(kernel: Kernel, wrapper: Wrapper, variables: dict[int, str]) -> str:
    """The output's shape: an input's, what inputs broadcast to, or else what the graph says of it."""
    leaves = [leaf for leaf in kernel.leaves.values() if leaf.kind != "scalar"]
    whole = [leaf for leaf in leaves if leaf.shape == kernel.shape]
    if whole and (1 not in kernel.shape or len(leaves) == 1):
        return f"{variables[id(whole[0])]}.shape"
    broadcast = tuple(max(sizes) for sizes in zip(*(leaf.shape for leaf in leaves), strict=True))
    if leaves and broadcast == kernel.shape:
        return f"torch.broadcast_shapes({', '.join(f'{variables[id(leaf)]}.shape' for leaf in leaves)})"
    return wrapper.sizes(kernel.refs[0])


def _unsure(kernel: Kernel) -> bool:
    """Whether an input that has the output's shape may not have it at other sizes: one of two sizes of 1 grows."""
    leaves = sum(leaf.kind != "scalar" for leaf in kernel.leaves.values())
    return 1 in kernel.shape and leaves + kernel.others > 1


def _lay_out(kernel: Kernel, wrapper: Wrapper, variables: dict[int, str], besides: Collection[int] = ()) -> None:
    """Gives the other inputs a stride for each group of the output's dimensions; not those with ids in `besides`."""
    out = f"{wrapper.out[kernel.refs[0]]}.shape"
    groups = [extent(out, dims, len(kernel.shape)) for dims in kernel.groups]
    for leaf in kernel.leaves.values():
        if id(leaf) in besides:
            continue
        text = variables[id(leaf)]
        if leaf.kind != "scalar" and (leaf.shape != kernel.shape or _unsure(kernel)):
            text = f"{text}.expand({out})"
        if leaf.kind == "linear" and _unsure(kernel):
            text = f"{text}.contiguous()"
        elif leaf.kind == "strided" and len(groups) < len(kernel.shape):
            text = f"{text}.reshape({', '.join(groups)})"
        variables[id(leaf)] = text if text.isidentifier() else wrapper.bind(leaf, text, variables[id(leaf)])


def lay_out(kernel: Kernel, wrapper: Wrapper, variables: dict[int, str], besides: Collection[int] = ()) -> None:
    """Gives every input the layout that the kernel reads it in, but for those with an id in `besides`."""
    _make_dense(kernel, wrapper, variables)
    _lay_out(kernel, wrapper, variables, besides)
