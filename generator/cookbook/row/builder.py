"""Writes one operation of a graph as several simpler ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import INDEX, Expression, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.pointwise.text import HALF

Size = int | str


class Builder:
    """The operations that `node` becomes. dtype: what they compute in, unless told otherwise: float32 for half types,
    as eager's own kernels do.
    """

    def __init__(self, nodes: dict[str, Node], node: Node, dtype: str) -> None:
        self.nodes = nodes
        self.node = node
        self.dtype = "float32" if dtype in HALF else dtype
        self._count = 0

    def tensor(self, ref: Ref) -> Tensor:
        return self.nodes[ref.node].outputs[ref.output]

    def rank(self, ref: Ref) -> int:
        return len(self.tensor(ref).shape)

    def dims(self, ref: Ref, dims: Any) -> tuple[int, ...]:
        """Dimensions as an operation names them: one, several, none or no entry for all; from 0, in order."""
        rank = self.rank(ref)
        given = dims if isinstance(dims, tuple) else (dims,) if isinstance(dims, int) else ()
        return tuple(sorted(dim % rank for dim in given if rank)) or tuple(range(rank))

    def add(self, op: str, args: Sequence[Any], *outputs: Tensor, name: str = "", **kwargs: Any) -> Ref:
        """A new node; the `Ref` of its first output."""
        id = f"{self.node.id}x{self._count}"
        self._count += 1
        common = outputs[0].dtype
        self.nodes[id] = Node(id, op, tuple(args), kwargs, tuple(outputs), common, name, None, self.node.base)
        return Ref(id)

    def do(self, op: str, *args: Any, name: str = "", dtype: str = "", **kwargs: Any) -> Ref:
        """A pointwise operation; its operands are broadcast together."""
        tensors = [self.tensor(arg) for arg in args if isinstance(arg, Ref)]
        kind = dtype or self.dtype
        output = _broadcast(tensors, kind)
        ref = self.add(f"aten.{op}", args, output, name=name, **kwargs)
        if kind == "bool" and tensors:
            self.nodes[ref.node] = replace(self.nodes[ref.node], common=tensors[0].dtype)
        return ref

    def last(self, ref: Ref, dtype: str) -> Ref:
        """`ref` in the dtype of the operation's output."""
        return self.do("clone.default", ref, dtype=dtype)

    def reduce(self, kind: str, ref: Ref, dims: Sequence[int], keepdim: bool, name: str = "", dtype: str = "") -> Ref:
        """A reduction; `arg…` kinds have a second output, the position: use `reduced` for it."""
        return self.reduced(kind, ref, dims, keepdim, name, dtype)[0]

    def reduced(
        self, kind: str, ref: Ref, dims: Sequence[int], keepdim: bool, name: str = "", dtype: str = ""
    ) -> list[Ref]:
        """All outputs of a reduction. It always keeps its dimensions, so that equal ones are one: a view drops them."""
        tensor = self.tensor(ref)
        pairs = list(zip(tensor.shape, tensor.sizes, strict=True))
        whole = [(1, 1) if d in dims else pair for d, pair in enumerate(pairs)]
        shape, sizes = tuple(n for n, _ in whole), tuple(s for _, s in whole)
        outputs = [contiguous(shape, sizes, dtype or self.dtype)]
        more = {"names": (name, "position")} if kind.startswith("arg") else {}
        outputs += [contiguous(shape, sizes, "int64")] if more else []
        first = self.add(f"row.{kind}", (ref, tuple(dims), True), *outputs, name=name, **more)
        refs = [Ref(first.node, output) for output in range(len(outputs))]
        return refs if keepdim else [self.squeezed(ref, dims) for ref in refs]

    def squeezed(self, ref: Ref, dims: Sequence[int]) -> Ref:
        """Without these dimensions, which are of size 1."""
        tensor = self.tensor(ref)
        kept = [pair for d, pair in enumerate(zip(tensor.shape, tensor.sizes, strict=True)) if d not in dims]
        return self.view(ref, [n for n, _ in kept], [s for _, s in kept]) if len(kept) < len(tensor.shape) else ref

    def view(self, ref: Ref, shape: Sequence[int], sizes: Sequence[Size]) -> Ref:
        """A reshape; a size that is a text is an expression over the inputs."""
        args = tuple(s if isinstance(s, int) else Expression(s, n) for n, s in zip(shape, sizes, strict=True))
        output = contiguous(tuple(shape), tuple(sizes), self.tensor(ref).dtype)
        return self.add("aten.view.default", (ref, args), output)

    def aligned(self, ref: Ref, dim: int, rank: int) -> Ref:
        """A vector along dimension `dim` of `rank` ones."""
        tensor = self.tensor(ref)
        ones = (1,) * (rank - dim - 1)
        return self.view(ref, (*tensor.shape, *ones), (*tensor.sizes, *ones)) if ones else ref

    def index(self, size: int, text: Size) -> Ref:
        """0, 1, 2, …"""
        return self.add(INDEX, (), contiguous((size,), (text,), "int64"), name="index")

    def count(self, ref: Ref, dims: Iterable[int]) -> Expression:
        """The number of elements along these dimensions."""
        tensor, dims = self.tensor(ref), list(dims)
        return Expression(str(product(tensor.sizes[d] for d in dims)), math.prod(tensor.shape[d] for d in dims))

    def mean(self, ref: Ref, dims: Sequence[int], keepdim: bool, name: str = "mean") -> Ref:
        total = self.reduce("sum", ref, dims, keepdim, name="total")
        return self.do("div.Tensor", total, self.count(ref, dims), name=name)

    def variance(self, ref: Ref, dims: Sequence[int], keepdim: bool, correction: float) -> tuple[Ref, Ref, Ref]:
        """The variance, the mean, and what is centred: around the mean, never E[x²] - E[x]²."""
        mean = self.mean(ref, dims, keepdim=True)
        centred = self.do("sub.Tensor", ref, mean, name="centred")
        squares = self.do("mul.Tensor", centred, centred, name="square")
        total = self.reduce("sum", squares, dims, keepdim, name="squares")
        count: Any = self.count(ref, dims)
        if correction:
            count = self.do("sub.Tensor", self.do("full.default", (), count), correction, alpha=1)
            count = self.do("clamp_min.default", count, 0, name="degrees")
        return self.do("div.Tensor", total, count, name="variance"), mean, centred


def factor(text: str) -> str:
    """A size's text as it stands in a product."""
    return f"({text})" if re.search(r" [-+/%]", re.sub(r"^min\(.*\)$", "", text)) else text


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes, as a text where one is."""
    known, texts = 1, []
    for size in sizes:
        if isinstance(size, int):
            known *= size
        else:
            texts.append(size)
    texts += [str(known)] if known != 1 and texts else []
    if len(texts) > 1:
        texts = [factor(text) for text in texts]
    return " * ".join(texts) if texts else known


def contiguous(shape: Sequence[int], sizes: Sequence[Size], dtype: str) -> Tensor:
    stride = tuple(math.prod(max(n, 1) for n in shape[d + 1 :]) for d in range(len(shape)))
    return Tensor(tuple(shape), tuple(sizes), stride, dtype)


def _broadcast(tensors: Sequence[Tensor], dtype: str) -> Tensor:
    rank = max((len(tensor.shape) for tensor in tensors), default=0)
    shape, sizes = [1] * rank, list[Size]([1] * rank)
    for tensor in tensors:
        for d, (n, s) in enumerate(zip(tensor.shape, tensor.sizes, strict=True), rank - len(tensor.shape)):
            if sizes[d] == 1:
                shape[d], sizes[d] = n, s
    return contiguous(shape, sizes, dtype)
