"""One row kernel: what it reads, how rows and their elements lie in memory, its parameters."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import PART
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Statement, Value
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, Names, is_float
from pytest_kernelfalcon.generator.cookbook.pointwise.views import placed, replayed
from pytest_kernelfalcon.generator.cookbook.row import body, launch
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain, seen
from pytest_kernelfalcon.generator.cookbook.row.lowering import RowLowering
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper

TAKEN = ("row", "column", "rows", "columns", "mask", "in_rows", "in_columns", "start", "parts", "BLOCK", "ROWS")


@dataclass(frozen=True)
class Loaded(Statement):
    """A leaf's value: where the leaf is read."""

    leaf: Leaf


@dataclass
class RowKernel:
    """Computes results that are one value a row (`narrow`) or one an element of the domain.

    groups: the domain's dimensions, neighbours that always lie together as one; each group is kept or reduced whole.
    scalars: the variable for each number that the wrapper passes.
    """

    graph: Graph
    refs: list[Ref]
    access: Access
    way: Configuration
    name: str
    domain: Domain
    leaves: dict[tuple[str, tuple[str, ...]], Leaf] = field(default_factory=dict)
    scalars: dict[str, str] = field(default_factory=dict)
    positions: set[int] = field(default_factory=set)
    groups: list[list[int]] = field(default_factory=list)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`, and `Misaligned` where the results do not belong into one kernel."""
        places = [f"{kind}_{dim}" for kind in ("index", "size", "place") for dim in range(len(self.domain.shape))]
        self.names = Names([*dir(builtins), *TAKEN, self.name, *places])
        self.narrow = [self._is_narrow(ref) for ref in self.refs]
        graph, wanted = self.graph, list[tuple[Ref, Path]]()
        for ref, narrow in zip(self.refs, self.narrow, strict=True):
            if self.domain.shared:
                wanted.append((ref, ()))
                continue
            graph, path = seen(graph, ref, self.domain.narrow() if narrow else self.domain.whole())
            wanted.append((ref, path))
        self.graph = graph
        self.lowering = RowLowering(
            graph, self.refs, numerics, self.way.pointwise.rounding, self.names, self._load, self._scalar,
            self._position, self._like, domain=self.domain, wanted=wanted,
        )  # fmt: skip
        self.results: list[Value] = self.lowering.run()
        count = len(self.refs)
        self.outs = [self.names.fresh("out" if count == 1 else f"out_{k}", "_ptr") for k in range(count)]
        self._group()
        for size in (*self.domain.sizes, *(size for ref in self.refs for size in graph.tensor(ref).sizes)):
            self.access.expression(str(size))

    def _is_narrow(self, ref: Ref) -> bool:
        if self.domain.shared:
            return True
        own = [size for size in self.graph.tensor(ref).sizes if size != 1]
        return (
            own != [size for size in self.domain.sizes if size != 1]
            and _elements(self.graph.tensor(ref).shape) == self.domain.count()
        )

    def _load(self, node: Node, path: Path) -> str:
        fractions = self.way.pointwise.fractions
        replay = replayed(self.graph, node, path, self.access.expression, fractions)
        key = node.id, tuple(replay.steps)
        if key not in self.leaves:
            wish = f"{node.name}_part" if any(PART.search(step) for step in replay.steps) else node.name
            suffixes = ["_ptr", "_offsets", *(f"_stride_{dim}" for dim in range(len(self.domain.shape)))]
            leaf = Leaf(node, self.names.fresh(wish, *suffixes), replay)
            leaf.shape = (1,) * (len(self.domain.shape) - len(replay.shape)) + tuple(replay.shape)
            leaf.kind = "scalar" if max(leaf.shape, default=1) == 1 else "strided"
            self.leaves[key] = leaf
            self.lowering.statements.append(Loaded(leaf.name, "", "", leaf))
        return self.leaves[key].name

    def _scalar(self, number: Expression, dtype: str) -> str:
        if number.text == str(self.domain.extent([*self.domain.reduced])) and number.value == self.domain.length():
            return f"tl.cast(columns, tl.{REGISTER[dtype]})"
        text = self.access.expression(number.text)
        single = is_float(dtype) and dtype != "float64"
        given = f"float({text})" if single and isinstance(number.value, int) else text
        if given not in self.scalars:
            wish = text if text.isidentifier() else "count" if isinstance(number.value, int) else "scalar"
            self.scalars[given] = self.names.fresh(wish)
        return self.scalars[given] if single else f"tl.cast({self.scalars[given]}, tl.{dtype})"

    def _position(self, node: Node, path: Path) -> str:
        dim = placed(self.graph, node, path, len(self.domain.shape))
        self.positions.add(dim)
        return f"place_{dim}"

    def _like(self, dtype: str) -> str | None:
        return next((f"{leaf.name}_ptr" for leaf in self.leaves.values() if leaf.dtype == dtype), None)

    def _group(self) -> None:
        for dim in range(len(self.domain.shape)):
            if dim and self._together(dim):
                self.groups[-1].append(dim)
            else:
                self.groups.append([dim])
        self.group = {dim: k for k, dims in enumerate(self.groups) for dim in dims}

    def _together(self, dim: int) -> bool:
        """Whether all leaves can take this dimension and the one before as one."""
        if {dim - 1, dim} & self.positions or (dim in self.domain.reduced) != (dim - 1 in self.domain.reduced):
            return False
        if self.domain.sizes[dim] == 1 or self.domain.sizes[dim - 1] == 1:
            return True
        return all(self._joins(leaf, dim) for leaf in self.leaves.values())

    def _joins(self, leaf: Leaf, dim: int) -> bool:
        moves = [leaf.shape[d] != 1 for d in (dim - 1, dim)]
        if not all(moves):
            return not any(moves)
        stride, rank = leaf.replay.stride, len(leaf.shape)
        if stride is None:
            return False
        if self.way.pointwise.layout == "contiguous" and leaf.shape == self.domain.shape:
            return True
        return stride[dim - 1 - rank] == stride[dim - rank] * self.domain.shape[dim]

    def moves(self, leaf: Leaf) -> list[int]:
        """The groups along which a leaf's address changes."""
        return [k for k, dims in enumerate(self.groups) if any(leaf.shape[dim] != 1 for dim in dims)]

    def kept(self) -> list[int]:
        return [k for k, dims in enumerate(self.groups) if dims[0] not in self.domain.reduced]

    def reduced(self) -> list[int]:
        return [k for k, dims in enumerate(self.groups) if dims[0] in self.domain.reduced]

    @property
    def indexed(self) -> list[int]:
        """The groups whose own index is needed: some leaf moves along it, or it is itself a value or part of an
        element's place in a result.
        """
        needed = {k for leaf in self.leaves.values() for k in self.moves(leaf)}
        needed |= {self.group[dim] for dim in self.positions}
        if not all(self.narrow) and self.kept() and self.kept()[-1] > min(self.reduced()):
            needed |= set(range(len(self.groups)))
        return sorted(needed)

    def index(self, k: int) -> str:
        """The variable for the index along a group."""
        same = self.kept() if k in self.kept() else self.reduced()
        return f"index_{k}" if len(same) > 1 else "row" if k in self.kept() else "column"

    @property
    def sized(self) -> list[int]:
        """The groups whose size the kernel is told, beside the numbers of rows and columns."""
        found: set[int] = set()
        for same in (self.kept(), self.reduced()):
            needed = [k for k in same if k in self.indexed]
            if len(same) > 1 and needed:
                found |= {k for k in same[1:] if k >= needed[0]}
        if self.by_index:
            found |= {k for k in range(1, len(self.groups)) if [k] != self.reduced()}
        return sorted(found)

    @property
    def by_index(self) -> bool:
        """Whether an element's place in a result follows from the indices, not from its row and column alone."""
        return not all(self.narrow) and bool(self.kept()) and self.kept()[-1] > min(self.reduced())

    def parameters(self) -> list[str]:
        """In the order of the launch's arguments: inputs, outputs, numbers, sizes, strides, the shape of a program."""
        pointers = [f"{leaf.name}_ptr" for leaf in self.sources] + [f"{out}_ptr" for out in self.outs]
        strides = [f"{leaf.name}_stride_{k}" for leaf in self.sources for k in self.moves(leaf)]
        rows = ["rows"] if self.way.rows else []
        sizes = [f"size_{k}" for k in self.sized]
        shape = ["ROWS: tl.constexpr"] if self.way.rows else []
        parts = ["parts"] if self.domain.shared else []
        numbers = [*self.scalars.values(), *rows, "columns", *parts, *sizes]
        return [*pointers, *numbers, *strides, *shape, "BLOCK: tl.constexpr"]

    @property
    def sources(self) -> list[Leaf]:
        return list(self.leaves.values())

    def lines(self) -> list[str]:
        return body.lines(self)

    def launch(self, wrapper: Wrapper) -> None:
        launch.launch(self, wrapper)


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
