"""View operations, replayed in the wrapper on an input: what a kernel reads through instead of computing.

Pointwise operations commute with views, so a view of an intermediate value is a view of each input that it comes from,
broadcast to the intermediate's shape where that matters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced

END = 2**63 - 1
Path = tuple[Ref, ...]
"""Steps from an input outwards: view operations, and (any other operation) a broadcast to that operation's shape."""


@dataclass
class Replay:
    """A tensor on its way through views.

    shape, stride: its own, at the declared sizes; stride is None once it cannot be told. full: the shape that the
    traced value has here, which `shape` broadcasts to. steps: Python, `{v}` being the tensor before the step.
    expression: an `Expression`'s text in terms of the wrapper's variables. fractions: a slice's bound that is half the
    size (a third, a quarter) follows the size.
    """

    graph: Graph
    shape: list[int]
    stride: list[int] | None
    expression: Callable[[str], str]
    fractions: bool
    steps: list[str] = field(default_factory=list)
    full: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, graph: Graph, source: Tensor, path: Path, expression: Callable[[str], str], fractions: bool) -> Replay:
        """The tensor `source` after all steps of `path`."""
        replay = cls(graph, list(source.shape), list(source.stride), expression, fractions, full=list(source.shape))
        for ref in path:
            replay._step(ref)
        return replay

    @property
    def contiguous(self) -> bool:
        """Whether it is, at the declared sizes and strides."""
        if self.stride is None:
            return False
        dense, step = True, 1
        for size, stride in zip(reversed(self.shape), reversed(self.stride), strict=True):
            dense &= size == 1 or stride == step
            step *= size
        return dense

    def _step(self, ref: Ref) -> None:
        node, out = self.graph.nodes[ref.node], list(self.graph.tensor(ref).shape)
        apply = VIEWS.get(node.base)
        if apply is not None and node.base != "expand" and self.shape:
            self._pad()
            apply(self, node, ref.output)
        self.full = out

    def _pad(self) -> None:
        while len(self.shape) < len(self.full):
            self.unsqueeze(0)

    def own(self, dim: int) -> bool:
        """Whether the tensor has this dimension of the traced value itself, rather than by broadcasting."""
        return self.shape[dim] == self.full[dim]

    def rearrange(self, step: str, shape: list[int], stride: list[int] | None) -> None:
        self.steps.append(step)
        self.shape, self.stride = shape, stride

    def unsqueeze(self, dim: int) -> None:
        strides = None if self.stride is None else [*self.stride[:dim], 0, *self.stride[dim:]]
        self.rearrange(f"{{v}}.unsqueeze({dim})", [*self.shape[:dim], 1, *self.shape[dim:]], strides)

    def text(self, value: Any) -> str:
        return self.expression(value.text) if isinstance(value, Expression) else str(value)

    def bound(self, value: Any, dim: int) -> str:
        """A slice's bound, or the size of a piece."""
        size = self.shape[dim]
        for parts in (2, 3, 4) if self.fractions and isinstance(value, int) else ():
            for k in range(1, parts):
                if value * parts == size * k:
                    return f"{'' if k == 1 else f'{k} * '}{{v}}.shape[{dim}] // {parts}"
        return self.text(value)


def value_of(value: Any) -> Any:
    """What a number was while tracing."""
    return value.value if isinstance(value, Expression) else value


def _unsqueeze(r: Replay, node: Node, _: int) -> None:
    dim = node.args[1]
    r.unsqueeze(dim if dim >= 0 else dim + len(r.full) + 1)


def _squeeze(r: Replay, node: Node, _: int) -> None:
    wanted: Any = node.args[1] if len(node.args) > 1 else tuple(range(len(r.full)))
    dims = {dim % len(r.full) for dim in (wanted if isinstance(wanted, tuple) else (wanted,))}
    kept = [dim for dim in range(len(r.full)) if dim not in dims or r.full[dim] != 1]
    gone = tuple(dim for dim in range(len(r.full)) if dim not in kept)
    if gone:
        r.rearrange(f"{{v}}.squeeze({gone[0] if len(gone) == 1 else gone})", *_picked(r, kept))


def _transpose(r: Replay, node: Node, _: int) -> None:
    a, b = (dim % len(r.full) for dim in node.args[1:3])
    dims = list(range(len(r.full)))
    dims[a], dims[b] = dims[b], dims[a]
    r.rearrange(f"{{v}}.transpose({a}, {b})", *_picked(r, dims))


def _permute(r: Replay, node: Node, _: int) -> None:
    dims = [dim % len(r.full) for dim in node.args[1]]
    r.rearrange(f"{{v}}.permute({', '.join(map(str, dims))})", *_picked(r, dims))


def _picked(r: Replay, dims: list[int]) -> tuple[list[int], list[int] | None]:
    return [r.shape[dim] for dim in dims], None if r.stride is None else [r.stride[dim] for dim in dims]


def _select(r: Replay, node: Node, _: int) -> None:
    _take(r, node.args[1], node.args[2])


def _unbind(r: Replay, node: Node, output: int) -> None:
    _take(r, node.args[1], output)


def _take(r: Replay, dim: int, index: Any) -> None:
    dim %= len(r.full)
    kept = [other for other in range(len(r.full)) if other != dim]
    r.rearrange(f"{{v}}.select({dim}, {r.text(index) if r.own(dim) else 0})", *_picked(r, kept))


def _slice(r: Replay, node: Node, _: int) -> None:
    dim, start, end, step = node.args[1:5]
    dim %= len(r.full)
    whole = start in (None, 0) and end in (None, END) and step == 1
    if whole or not r.own(dim):
        return
    first = "" if start in (None, 0) else r.bound(start, dim)
    last = "" if end in (None, END) else r.bound(end, dim)
    bounds = _slice_text(first, last) + ("" if step == 1 else f":{r.text(step)}")
    length = len(range(*slice(value_of(start), value_of(end), step).indices(r.shape[dim])))
    _cut(r, dim, f"{{v}}[{':, ' * dim}{bounds}]", length, value_of(step))


def _slice_text(first: str, last: str) -> str:
    """As ruff formats it: spaces around the colon where a bound is an expression."""
    spaced = any(not re.fullmatch(r"-?\w*", bound) for bound in (first, last))
    return f"{first}{' ' if spaced and first else ''}:{' ' if spaced and last else ''}{last}"


def _cut(r: Replay, dim: int, step: str, length: int, stretch: int = 1) -> None:
    strides = None if r.stride is None else [*r.stride]
    if strides is not None:
        strides[dim] *= stretch
    r.rearrange(step, [*r.shape[:dim], length, *r.shape[dim + 1 :]], strides)


def _split(r: Replay, node: Node, output: int) -> None:
    size, dim = node.args[1], node.args[2] % len(r.full)
    if not r.own(dim):
        return
    pieces = len(node.outputs)
    length = node.outputs[output].shape[dim]
    if isinstance(size, tuple):
        _cut(r, dim, f"{{v}}.split(({', '.join(map(r.text, size))}), {dim})[{output}]", length)
    elif -(-r.shape[dim] // pieces) == value_of(size) and (isinstance(size, Expression) or r.fractions):
        _cut(r, dim, f"{{v}}.chunk({pieces}, {dim})[{output}]", length)
    else:
        _cut(r, dim, f"{{v}}.split({r.text(size)}, {dim})[{output}]", length)


def _reshape(r: Replay, node: Node, output: int) -> None:
    target = list(node.outputs[output].shape)
    if r.shape != r.full:
        kept = [dim for dim, size in enumerate(r.full) if size != 1]
        if [r.full[dim] for dim in kept] == [size for size in target if size != 1]:
            own = iter(r.shape[dim] for dim in kept)
            target = [1 if size == 1 else next(own) for size in target]
        else:
            _expand_whole(r, node)
    if [size for size in r.shape if size != 1] == [size for size in target if size != 1]:
        _restate(r, target)
    else:
        _regroup(r, target, node.args[1])


def _expand_whole(r: Replay, node: Node) -> None:
    """To the traced value's own shape: a reshape mixes dimensions that are broadcast with some that are not."""
    sizes = r.graph.tensor(node.args[0]).sizes
    texts = [f"{{v}}.shape[{d}]" if r.own(d) else r.expression(str(size)) for d, size in enumerate(sizes)]
    r.rearrange(f"{{v}}.expand({', '.join(texts)})", list(r.full), None)


def _restate(r: Replay, target: list[int]) -> None:
    """A reshape that only inserts or drops dimensions of size 1."""
    if target == r.shape:
        return
    kept = [dim for dim, size in enumerate(r.shape) if size != 1]
    names = iter(["-1"] if len(kept) == 1 else [f"{{v}}.shape[{dim}]" for dim in kept])
    strides = iter([] if r.stride is None else [r.stride[dim] for dim in kept])
    stride = None if r.stride is None else [0 if size == 1 else next(strides) for size in target]
    texts = ["1" if size == 1 else next(names) for size in target]
    r.rearrange(f"{{v}}.reshape({', '.join(texts)})", target, stride)


def _regroup(r: Replay, target: list[int], sizes: tuple[Any, ...]) -> None:
    """A reshape that merges or splits dimensions. A size that the tracer knew as a number alone is taken from the
    tensor where it is the tensor's own, and left to torch where one such is left."""
    same = 0
    while same < min(len(target), len(r.shape)) and target[same] == r.shape[same]:
        same += 1
    texts = [f"{{v}}.shape[{dim}]" if dim < same else r.text(size) for dim, size in enumerate(sizes)]
    fixed = [dim for dim in range(same, len(sizes)) if isinstance(sizes[dim], int)]
    if len(fixed) == 1:
        texts[fixed[0]] = "-1"
    stride = [math.prod(target[dim + 1 :]) for dim in range(len(target))] if r.contiguous else None
    r.rearrange(f"{{v}}.reshape({', '.join(texts)})", target, stride)


def _expand(_: Replay, __: Node, ___: int) -> None:
    """Broadcasting happens where the tensor is read."""


VIEWS: dict[str, Callable[[Replay, Node, int], None]] = {
    "unsqueeze": _unsqueeze, "squeeze": _squeeze, "transpose": _transpose, "permute": _permute, "select": _select,
    "unbind": _unbind, "slice": _slice, "split": _split, "split_with_sizes": _split, "view": _reshape,
    "_unsafe_view": _reshape, "reshape": _reshape, "expand": _expand,
}  # fmt: skip


def is_view(node: Node) -> bool:
    """Whether the node only looks at its argument otherwise. Raises `Unplaced` for a reinterpretation of bits."""
    if node.op == "aten.view.dtype":
        raise Unplaced(node.op)
    return node.base in VIEWS
