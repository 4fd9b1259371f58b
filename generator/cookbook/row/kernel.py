"""One row kernel: what it reads, how rows and their elements lie in memory, its parameters."""

from __future__ import annotations

import builtins
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import PART
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Value
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path, Replay
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, Names, is_float
from pytest_kernelfalcon.generator.cookbook.pointwise.views import placed, replayed
from pytest_kernelfalcon.generator.cookbook.row import body, launch
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain, seen
from pytest_kernelfalcon.generator.cookbook.row.layout import Layout
from pytest_kernelfalcon.generator.cookbook.row.lowering import Loaded, RowLowering
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper

TAKEN = (
    "row", "column", "rows", "columns", "mask", "in_rows", "in_columns", "start", "part", "parts", "in_parts", "BLOCK",
    "ROWS", "PARTS",
)  # fmt: skip


@dataclass
class RowKernel(Layout):
    """Computes results that are one value a row (`narrow`) or one an element of the domain.

    groups: the domain's dimensions, neighbours that always lie together as one; each group is kept or reduced whole.
    scalars: the variable for each number that the wrapper passes. left: what programs that share rows have left.
    """

    graph: Graph
    refs: list[Ref]
    access: Access
    way: Configuration
    name: str
    domain: Domain
    leaves: dict[tuple[str, tuple[str, ...]], Leaf] = field(default_factory=dict)
    left: list[Leaf] = field(default_factory=list)
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
            if self.domain.shared and narrow:
                wanted.append((ref, ()))
                continue
            graph, path = seen(graph, ref, self.domain.narrow() if narrow else self.domain.whole())
            wanted.append((ref, path))
        self.graph = graph
        self.lowering = RowLowering(
            graph, self.refs, numerics, self.way.pointwise.rounding, self.names, self._load, self._scalar,
            self._position, self._like, domain=self.domain, wanted=wanted, load_parts=self._load_parts,
        )  # fmt: skip
        self.results: list[Value] = self.lowering.run()
        self.outs: list[str] = []
        for ref, value in zip(self.refs, self.results, strict=True):
            self.outs.append(self._out(ref, value))
        self.group_dims()
        for size in (*self.domain.sizes, *(size for ref in self.refs for size in graph.tensor(ref).sizes)):
            self.access.expression(str(size))

    def _out(self, ref: Ref, value: Value) -> str:
        """What a result is called where it is stored: after its value if it is for other kernels only."""
        wanted = {*self.graph.results, *self.graph.mutated.values()}
        if ref not in wanted and value.text.isidentifier() and value.text not in self.outs:
            return value.text
        return self.names.fresh("out" if sum(r in wanted for r in self.refs) == 1 else f"out_{len(self.outs)}", "_ptr")

    def _is_narrow(self, ref: Ref) -> bool:
        if self.domain.shared:
            return "partial" in self.graph.nodes[ref.node].kwargs
        own = [size for size in self.graph.tensor(ref).sizes if size != 1]
        return (
            own != [size for size in self.domain.sizes if size != 1]
            and math.prod(self.graph.tensor(ref).shape) == self.domain.count()
        )

    def _load(self, node: Node, path: Path) -> str:
        replay = self._replay(node, path)
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

    def _load_parts(self, node: Node) -> str:
        leaf = Leaf(node, self.names.fresh(node.name, "_ptr"), self._replay(node, ()), "scalar")
        leaf.shape = (1,) * len(self.domain.shape)
        self.left.append(leaf)
        return leaf.name

    def _replay(self, node: Node, path: Path) -> Replay:
        return replayed(self.graph, node, path, self.access.expression, self.way.pointwise.fractions)

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

    def parameters(self) -> list[str]:
        """In the order of the launch's arguments: inputs, outputs, numbers, sizes, strides, the shape of a program."""
        pointers = [f"{leaf.name}_ptr" for leaf in self.sources] + [f"{out}_ptr" for out in self.outs]
        strides = [f"{leaf.name}_stride_{k}" for leaf in self.sources for k in self.moves(leaf)]
        rows = ["rows"] if self.way.rows else []
        sizes = [f"size_{k}" for k in self.sized]
        shape = ["ROWS: tl.constexpr"] if self.way.rows else []
        shape += ["PARTS: tl.constexpr"] if self.left else []
        parts = ["parts"] if self.domain.shared else []
        numbers = [*self.scalars.values(), *rows, "columns", *parts, *sizes]
        return [*pointers, *numbers, *strides, *shape, "BLOCK: tl.constexpr"]

    @property
    def sources(self) -> list[Leaf]:
        return [*self.leaves.values(), *self.left]

    def lines(self) -> list[str]:
        return body.lines(self)

    def launch(self, wrapper: Wrapper) -> None:
        launch.launch(self, wrapper)
