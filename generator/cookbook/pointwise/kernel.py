"""One kernel: which tensors it reads and how, its parameters and its lines."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.launch import launch
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering, Value
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import Names, assign, full, is_float, sum_lines
from pytest_kernelfalcon.generator.cookbook.pointwise.views import placed, replayed
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper

PART = re.compile(r"\]$|\.select\(")
"""A step after which a tensor is a part of what it was."""


@dataclass
class Kernel:
    """What computes some results of one shape.

    groups: the output's dimensions, those that always lie together as one. scalars: the variable for each number that
    the wrapper passes. positions: dimensions along which a value is the place itself. others: how many tensors beside
    the leaves the output's shape follows from.
    """

    others: ClassVar[int] = 0

    graph: Graph
    refs: list[Ref]
    access: Access
    configuration: Configuration
    name: str
    leaves: dict[tuple[str, tuple[str, ...]], Leaf] = field(default_factory=dict)
    scalars: dict[str, str] = field(default_factory=dict)
    positions: set[int] = field(default_factory=set)
    groups: list[list[int]] = field(default_factory=list)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`."""
        self.shape = self.graph.tensor(self.refs[0]).shape
        places = [f"{kind}_{dim}" for kind in ("index", "size", "place") for dim in range(len(self.shape))]
        self.names = Names([*dir(builtins), "offsets", "mask", "numel", "BLOCK", self.name, *places])
        lowering = Lowering(
            self.graph, self.refs, numerics, self.configuration.rounding, self.names, self._load, self._scalar,
            self._position, self._like,
        )  # fmt: skip
        self.results = lowering.run()
        self.statements = lowering.statements
        count = len(self.refs)
        self.outs = [self.names.fresh("out" if count == 1 else f"out_{k}", "_ptr") for k in range(count)]
        for leaf in self.leaves.values():
            self._classify(leaf)
        self._group()

    @property
    def sources(self) -> list[Leaf]:
        return list(self.leaves.values())

    def launch(self, wrapper: Wrapper) -> None:
        launch(self, wrapper)

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
        given = f"float({text})" if is_float(dtype) and dtype != "float64" and isinstance(number.value, int) else text
        if given not in self.scalars:
            self.scalars[given] = self.names.fresh(text if text.isidentifier() else "scalar")
        name = self.scalars[given]
        return name if is_float(dtype) and dtype != "float64" else f"tl.cast({name}, tl.{dtype})"

    def _position(self, node: Node, path: Path) -> str:
        dim = placed(self.graph, node, path, len(self.shape))
        self.positions.add(dim)
        return f"place_{dim}"

    def _like(self, dtype: str) -> str | None:
        return next((f"{leaf.name}_ptr" for leaf in self.leaves.values() if leaf.dtype == dtype), None)

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
            apart = {dim - 1, dim} & self.positions
            if dim and not apart and all(self._together(leaf, dim) for leaf in self.strided):
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
        placed = {k for k, dims in enumerate(self.groups) if self.positions & {*dims}}
        return sorted(placed | {k for leaf in self.strided for k in self.moves(leaf)})

    @property
    def sized(self) -> list[int]:
        """The groups whose sizes these indices follow from."""
        needed = self.indexed
        return [k for k in range(1, len(self.groups)) if needed and k >= max(needed[0], 1)]

    def parameters(self) -> list[str]:
        """In the order of the launch's arguments: inputs, outputs, numbers, sizes, strides, the block."""
        pointers = [f"{leaf.name}_ptr" for leaf in self.leaves.values()] + [f"{out}_ptr" for out in self.outs]
        strides = [f"{leaf.name}_stride_{k}" for leaf in self.strided for k in self.moves(leaf)]
        sizes = [f"size_{k}" for k in self.sized]
        return [*pointers, *self.scalars.values(), "numel", *sizes, *strides, "BLOCK: tl.constexpr"]

    def lines(self) -> list[str]:
        """The kernel's body."""
        loads = [line for leaf in self.leaves.values() for line in self._load_lines(leaf)]
        computed = [assign(s.name, self._placed(s.value), s.comment, 4) for s in self.statements]
        stores = [
            f"    tl.store({out}_ptr + offsets, {self._placed(_stored(value))}, mask=mask)"
            for out, value in zip(self.outs, self.results, strict=True)
        ]
        sections = [self._tile_lines(), self._index_lines(), loads, computed, stores]
        return "\n\n".join("\n".join(section) for section in sections if section).split("\n")

    def _placed(self, text: str) -> str:
        """The text with the places along dimensions put in."""
        index = {dim: k for k, dims in enumerate(self.groups) for dim in dims}
        return re.sub(r"\bplace_(\d+)\b", lambda match: self._place(index[int(match[1])]), text)

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

    def _place(self, group: int) -> str:
        """The variable that says where an element lies along a group of dimensions."""
        return f"index_{group}"

    def _load_lines(self, leaf: Leaf) -> list[str]:
        cast = ".to(tl.float32)" if is_float(leaf.dtype) and leaf.dtype != "float64" else ""
        if leaf.kind == "scalar":
            return [f"    {leaf.name} = tl.load({leaf.name}_ptr){cast}"]
        terms = [f"{self._place(k)} * {leaf.name}_stride_{k}" for k in self.moves(leaf)]
        terms = ["offsets"] if leaf.kind == "linear" else terms
        line = f"    {leaf.name} = tl.load({' + '.join([f'{leaf.name}_ptr', *terms])}, mask=mask){cast}"
        if len(line) <= 120:
            return [line]
        where = f"{leaf.name}_offsets"
        return [*sum_lines(where, terms, 4), f"    {leaf.name} = tl.load({leaf.name}_ptr + {where}, mask=mask){cast}"]


def _stored(value: Value) -> str:
    return value.text if value.literal is None else full(value.text, value.dtype)
