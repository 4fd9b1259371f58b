"""View operations, replayed in the wrapper on an input: what a kernel reads through instead of computing.

Pointwise operations commute with views, so a view of an intermediate value is a view of each input that it comes from,
broadcast to the intermediate's shape where that matters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path, Replay
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced

MARK = 2**40 + 1
"""A stride that no tensor has."""

END = 2**63 - 1
"""What ATen takes for the end of a slice that has none."""


def replayed(graph: Graph, source: Node, path: Path, expression: Callable[[str], str], fractions: bool) -> Replay:
    """The input `source` after all steps of `path`; `expression`, `fractions`: see `Replay`."""
    tensor = source.outputs[0]
    replay = Replay(graph, list(tensor.shape), list(tensor.stride), expression, fractions, full=list(tensor.shape))
    for ref in path:
        node = graph.nodes[ref.node]
        if node.base in VIEWS and node.base != "expand" and replay.shape:
            replay.pad()
            VIEWS[node.base](replay, node, ref.output)
        replay.full = list(graph.tensor(ref).shape)
    return replay


def placed(graph: Graph, source: Node, path: Path, rank: int) -> int:
    """The dimension of what `path` leads to, of `rank` ones, along which the index `source` counts. Raises `Unplaced`
    where it does not count from 0 by 1 there.
    """
    marked = replace(source.outputs[0], stride=(MARK,))
    replay = replayed(graph, replace(source, outputs=(marked,)), path, str, fractions=False)
    stride = replay.stride or []
    if any("[" in step or "select" in step for step in replay.steps) or stride.count(MARK) != 1:
        raise Unplaced("aten.arange through this view")
    return rank - len(stride) + stride.index(MARK)


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
    r.rearrange(f"{{v}}.reshape({', '.join(texts) or '()'})", target, stride)


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
    r.rearrange(f"{{v}}.reshape({', '.join(texts) or '()'})", target, stride)


def _repeat(r: Replay, node: Node, output: int) -> None:
    """As a reshape of what is expanded along new dimensions."""
    sizes = r.graph.tensor(node.args[0]).sizes
    times, rank = node.args[1], len(node.args[1])
    if r.shape != r.full:
        _expand_whole(r, node)
    while len(r.shape) < rank:
        r.unsqueeze(0)
    sizes = (1,) * (rank - len(sizes)) + sizes
    own = [r.expression(str(size)) for size in sizes]
    pairs = [text for d in range(rank) for text in (r.text(times[d]), own[d])]
    ones = [text for d in range(rank) for text in ("1", own[d])]
    whole = [r.text(times[d]) if own[d] == "1" else f"{r.text(times[d])} * {own[d]}" for d in range(rank)]
    r.steps += [f"{{v}}.reshape({', '.join(ones)})", f"{{v}}.expand({', '.join(pairs)})"]
    r.rearrange(f"{{v}}.reshape({', '.join(whole)})", list(node.outputs[output].shape), None)


def _expand(_: Replay, __: Node, ___: int) -> None:
    """Broadcasting happens where the tensor is read."""


VIEWS: dict[str, Callable[[Replay, Node, int], None]] = {
    "unsqueeze": _unsqueeze, "squeeze": _squeeze, "transpose": _transpose, "permute": _permute, "select": _select,
    "unbind": _unbind, "slice": _slice, "split": _split, "split_with_sizes": _split, "view": _reshape,
    "_unsafe_view": _reshape, "reshape": _reshape, "expand": _expand, "repeat": _repeat,
}  # fmt: skip


def is_view(node: Node) -> bool:
    """Whether the node only looks at its argument otherwise. Raises `Unplaced` for a reinterpretation of bits."""
    if node.op == "aten.view.dtype":
        raise Unplaced(node.op)
    return node.base in VIEWS
