"""One kernel: which tensors it reads and how, its parameters and its lines."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass, field
from typing import Literal

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering, Value
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path, Replay
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import Names, assign, full, is_float, sum_lines
from pytest_kernelfalcon.generator.cookbook.pointwise.views import replayed

PART = re.compile(r"\]$|\.select\(")
"""A step after which a tensor is a part of what it was."""


@dataclass
class Leaf:
    """An input seen through views. name: its variable in the kernel.

    kind: one number for all elements; read at the output's own offsets (linear); or by strides.
    shape: aligned with the output's, 1 where it is broadcast.
    """

    node: Node
    name: str
    replay: Replay
    kind: Literal["scalar", "linear", "strided"] = "strided"
    shape: tuple[int, ...] = ()

    @property
    def dtype(self) -> str:
        return self.node.outputs[0].dtype


@dataclass
class Kernel:
    """What computes some results of one shape.

    groups: the output's dimensions, those that always lie together as one. scalars: the variable for each number that
    the wrapper passes.
    """

    graph: Graph
    refs: list[Ref]
    access: Access
    configuration: Configuration
    name: str
    leaves: dict[tuple[str, tuple[str, ...]], Leaf] = field(default_factory=dict)
    scalars: dict[str, str] = field(default_factory=dict)
    groups: list[list[int]] = field(default_factory=list)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`."""
        self.shape = self.graph.tensor(self.refs[0]).shape
        places = [f"{kind}_{dim}" for kind in ("index", "size") for dim in range(len(self.shape))]
        self.names = Names([*dir(builtins), "offsets", "mask", "numel", "BLOCK", self.name, *places])
        lowering = Lowering(
            self.graph, self.refs, numerics, self.configuration.rounding, self.names, self._load, self._scalar
        )
        self.results = lowering.run()
        self.statements = lowering.statements
        count = len(self.refs)
        self.outs = [self.names.fresh("out" if count == 1 else f"out_{k}", "_ptr") for k in range(count)]
        for leaf in self.leaves.values():
            self._classify(leaf)
        self._group()

    def _load(self, node: Node, path: Path) -> str:
        replay = replayed(self.graph, node, path, self.access.expression, self.configuration.fractions)
        key = node.id, tuple(replay.steps)
        if key not in self.leaves:
            wish = f"{node.name}_part" if any(PART.search(step) for step in replay.steps) else node.name
            suffixes = ["_ptr", "_offsets", *(f"_stride_{dim}" for dim in range(len(self.shape)))]
            self.leaves[key] = Leaf(node, self.names.fresh(wish, *suffixes), replay)
        return self.leaves[key].name

    def _scalar(self, number: Expression, dtype: str) -> str:
        text = self.access.expression(number.text)
        given = f"float({text})" if is_float(dtype) and isinstance(number.value, int) else text
        if given not in self.scalars:
            self.scalars[given] = self.names.fresh(text if text.isidentifier() else "scalar")
        name = self.scalars[given]
        return name if is_float(dtype) else f"tl.cast({name}, tl.{dtype})"

    def _classify(self, leaf: Leaf) -> None:
        own = leaf.replay.shape
        leaf.shape = (1,) * (len(self.shape) - len(own)) + tuple(own)
        if self.shape and (not own or (max(own) == 1 and 1 not in self.shape)):
            leaf.kind = "scalar"
        elif not self.shape or (leaf.shape == self.shape and self._at_offsets(leaf)):
            leaf.kind = "linear"

    def _at_offsets(self, leaf: Leaf) -> bool:
        """Whether an input of the output's shape is read at the output's own offsets."""
        layout = self.configuration.layout
        return layout == "contiguous" or (layout == "natural" and leaf.replay.contiguous)

    @property
    def strided(self) -> list[Leaf]:
        return [leaf for leaf in self.leaves.values() if leaf.kind == "strided"]

    def _group(self) -> None:
        for dim in range(len(self.shape)):
            if dim and all(self._together(leaf, dim) for leaf in self.strided):
                self.groups[-1].append(dim)
            else:
                self.groups.append([dim])

    def _together(self, leaf: Leaf, dim: int) -> bool:
        """Whether the leaf can take this dimension and the one before as one: in memory, or by broadcasting both."""
        if self.shape[dim - 1] == 1 or self.shape[dim] == 1:
            return False
        moves = [leaf.shape[d] != 1 for d in (dim - 1, dim)]
        if not all(moves):
            return not any(moves)
        stride = leaf.replay.stride
        if stride is None:
            return False
        before, here = stride[dim - len(self.shape) - 1], stride[dim - len(self.shape)]
        return before == here * self.shape[dim]

    def moves(self, leaf: Leaf) -> list[int]:
        """The groups along which a strided leaf's address changes. A size of 1 may be larger at other sizes."""
        return [k for k, dims in enumerate(self.groups) if leaf.shape[dims[0]] != 1 or self.shape[dims[0]] == 1]

    @property
    def indexed(self) -> list[int]:
        """The groups whose index some leaf needs."""
        return sorted({k for leaf in self.strided for k in self.moves(leaf)})

    @property
    def sized(self) -> list[int]:
        """The groups whose sizes these indices follow from."""
        needed = self.indexed
        return [k for k in range(1, len(self.groups)) if needed and k >= max(needed[0], 1)]

    def parameters(self) -> list[str]:
        """In the order of the launch's arguments: inputs, outputs, numbers, sizes, strides."""
        pointers = [f"{leaf.name}_ptr" for leaf in self.leaves.values()] + [f"{out}_ptr" for out in self.outs]
        strides = [f"{leaf.name}_stride_{k}" for leaf in self.strided for k in self.moves(leaf)]
        return [*pointers, *self.scalars.values(), "numel", *(f"size_{k}" for k in self.sized), *strides]

    def lines(self) -> list[str]:
        """The kernel's body."""
        loads = [line for leaf in self.leaves.values() for line in self._load_lines(leaf)]
        computed = [assign(s.name, s.value, s.comment, 4) for s in self.statements]
        stores = [
            f"    tl.store({out}_ptr + offsets, {_stored(value)}, mask=mask)"
            for out, value in zip(self.outs, self.results, strict=True)
        ]
        sections = [self._tile_lines(), self._index_lines(), loads, computed, stores]
        return "\n\n".join("\n".join(section) for section in sections if section).split("\n")

    def _tile_lines(self) -> list[str]:
        return [
            "    # one tile: BLOCK elements of the output, one after the other",
            "    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)",
            "    mask = offsets < numel",
        ]

    def _index_lines(self) -> list[str]:
        if not self.indexed:
            return []
        lines = ["    # where they lie along each dimension that an input is read by"]
        for k in self.indexed:
            inner = "".join(f" // size_{j}" for j in range(len(self.groups) - 1, k, -1))
            lines.append(f"    index_{k} = offsets{inner}" + (f" % size_{k}" if k else ""))
        return lines

    def _load_lines(self, leaf: Leaf) -> list[str]:
        cast = ".to(tl.float32)" if is_float(leaf.dtype) and leaf.dtype != "float64" else ""
        if leaf.kind == "scalar":
            return [f"    {leaf.name} = tl.load({leaf.name}_ptr){cast}"]
        terms = [f"index_{k} * {leaf.name}_stride_{k}" for k in self.moves(leaf)]
        terms = ["offsets"] if leaf.kind == "linear" else terms
        line = f"    {leaf.name} = tl.load({' + '.join([f'{leaf.name}_ptr', *terms])}, mask=mask){cast}"
        if len(line) <= 120:
            return [line]
        where = f"{leaf.name}_offsets"
        return [*sum_lines(where, terms, 4), f"    {leaf.name} = tl.load({leaf.name}_ptr + {where}, mask=mask){cast}"]


def _stored(value: Value) -> str:
    return value.text if value.literal is None else full(value.text, value.dtype)
