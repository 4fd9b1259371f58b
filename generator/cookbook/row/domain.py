"""What a row stage runs over: dimensions that are kept, and dimensions along which it reduces."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.views import replayed
from pytest_kernelfalcon.generator.cookbook.row.builder import Size, contiguous, product

MARK = 2**40 + 1
"""Strides that no tensor has begin here."""

RESHAPES = {"view", "_unsafe_view", "reshape", "unsqueeze", "squeeze"}
"""Views that keep the order of the elements."""


class Misaligned(Exception):
    """A row's value is looked at in another place than the row."""


@dataclass(frozen=True)
class Domain:
    """shape, sizes: of what is reduced (see `Tensor`). reduced: the dimensions along which. shared: whether several
    programs share a row.
    """

    shape: tuple[int, ...]
    sizes: tuple[Size, ...]
    reduced: tuple[int, ...]
    shared: bool = False

    @classmethod
    def of(cls, graph: Graph, node: Node) -> Domain:
        """A reduction's. A dimension of size 1 is not worth reducing along."""
        tensor = graph.tensor(node.args[0])
        reduced = tuple(dim for dim in node.args[1] if tensor.sizes[dim] != 1)
        return cls(tensor.shape, tensor.sizes, reduced or node.args[1], "partial" in node.kwargs)

    @property
    def kept(self) -> list[int]:
        return [dim for dim in range(len(self.shape)) if dim not in self.reduced]

    @property
    def rows(self) -> tuple[Size, ...]:
        """The sizes of one value a row, with a size of 1 for what is reduced."""
        return tuple(1 if dim in self.reduced else size for dim, size in enumerate(self.sizes))

    def length(self) -> int:
        """Elements in a row, as declared."""
        return math.prod(self.shape[dim] for dim in self.reduced)

    def count(self) -> int:
        """Rows, as declared."""
        return math.prod(self.shape[dim] for dim in self.kept)

    def extent(self, dims: list[int]) -> Size:
        return product(self.sizes[dim] for dim in dims)

    def whole(self) -> Tensor:
        return contiguous(self.shape, self.sizes, "")

    def narrow(self) -> Tensor:
        """One value a row."""
        shape = tuple(1 if dim in self.reduced else n for dim, n in enumerate(self.shape))
        return contiguous(shape, self.rows, "")

    def check(self, graph: Graph, node: Node, path: Path) -> None:
        """Raises `Misaligned` unless a reduction's result, seen through `path`, is each row's own value."""
        joins = self.joins(node)
        if self.shared and path and not joins:
            raise Misaligned
        if self.shared and not joins:
            return
        tensor = node.outputs[0]
        kept = self.kept if joins else [d for d in range(len(self.shape)) if node.args[2] or d not in node.args[1]]
        marked = replace(node, outputs=(replace(tensor, stride=tuple(MARK + dim for dim in kept)),))
        replay = replayed(graph, marked, path, str, fractions=False)
        pad = len(self.shape) - len(replay.shape)
        if pad < 0 or replay.stride is None:
            raise Misaligned
        for dim, size in enumerate(self.shape):
            here = replay.shape[dim - pad] if dim >= pad else 1
            if dim in self.kept and size > 1 and (here != size or replay.stride[dim - pad] != MARK + dim):
                raise Misaligned
            if (dim in self.reduced or size == 1) and here != 1:
                raise Misaligned

    def joins(self, node: Node) -> bool:
        """Whether the node joins what the programs that share this domain's rows have left."""
        return node.kwargs.get("whole") == self


def seen(graph: Graph, ref: Ref, tensor: Tensor) -> tuple[Graph, Path]:
    """A graph in which the result is looked at as a tensor of the same elements in another shape, and the path."""
    own = graph.tensor(ref)
    if own.sizes == tensor.sizes:
        return graph, ()
    sizes = tuple(
        s if isinstance(s, int) else Expression(s, n) for n, s in zip(tensor.shape, tensor.sizes, strict=True)
    )
    id = f"{ref.node}v{ref.output}"
    output = replace(tensor, dtype=own.dtype)
    view = Node(id, "aten.view.default", (ref, sizes), {}, (output,), own.dtype, "", None)
    return replace(graph, nodes={**graph.nodes, id: view}), (Ref(id),)
