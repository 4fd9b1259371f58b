"""The kernel of one product: a tile of it, summed over the inner dimension, and what follows on that tile."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.body import loop_lines, place_lines
from pytest_kernelfalcon.generator.cookbook.matmul.launch import launch
from pytest_kernelfalcon.generator.cookbook.matmul.options import Configuration
from pytest_kernelfalcon.generator.cookbook.matmul.plan import Operand
from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path, Replay
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, Names
from pytest_kernelfalcon.generator.cookbook.pointwise.views import replayed
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

FLOATS = ("float16", "bfloat16", "float32", "float64")
TAKEN = (
    "M", "N", "K", "BLOCK_M", "BLOCK_N", "BLOCK_K", "GROUP_M", "program", "tiles_m", "tiles_n", "tile_m", "tile_n",
    "batch", "first_m", "a_ptrs", "b_ptrs", "stride", "height", "rows", "columns", "depth", "start", "offsets", "mask",
)  # fmt: skip
BLOCKS = ("BLOCK_M: tl.constexpr", "BLOCK_N: tl.constexpr", "BLOCK_K: tl.constexpr", "GROUP_M: tl.constexpr")


@dataclass
class Product(Kernel):
    """Computes `refs` from the product of two operands; the inherited part is what follows the product."""

    product: Node = field(kw_only=True)
    operands: tuple[Operand, Operand] = field(kw_only=True)
    way: Configuration = field(kw_only=True)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`."""
        self.shape = self.graph.tensor(self.refs[0]).shape
        self.batched = self.product.base == "bmm"
        places = [f"{kind}_{dim}" for kind in ("index", "size", "place") for dim in range(len(self.shape))]
        self.names = Names([*dir(builtins), *TAKEN, self.name, *places])
        self.sides = [self._side(k, operand) for k, operand in enumerate(self.operands)]
        if len({*FLOATS} & {side.dtype for side in self.sides}) != 1:
            raise Unplaced(f"{self.product.op} in {self.sides[0].dtype}")
        self.total = self.names.fresh("product")
        for size in self.graph.tensor(self.refs[0]).sizes:
            self.access.expression(str(size))
        lowering = Lowering(
            self.graph, self._lowered(), numerics, self.configuration.rounding, self.names, self._load, self._scalar,
            self._position,
        )  # fmt: skip
        self.results = lowering.run()
        self.statements = lowering.statements
        count = len(self.refs)
        self.outs = [self.names.fresh("out" if count == 1 else f"out_{k}", "_ptr") for k in range(count)]
        for leaf in self.leaves.values():
            self._classify(leaf)
        self._group()

    def _lowered(self) -> list[Ref]:
        """The results in terms of the graph, in which the product is a source."""
        whole = Ref(self.product.id)
        return [Ref(Graph.workspace(ref)) if ref == whole else ref for ref in self.refs]

    def _side(self, k: int, operand: Operand) -> Leaf:
        workspace = self.graph.nodes.get(Graph.workspace(operand.source))
        node = workspace or self.graph.nodes[operand.source.node]
        replay = replayed(self.graph, node, operand.path, self.access.expression, self.configuration.fractions)
        self._expand(replay, self.product.args[k])
        return Leaf(node, self.names.fresh(node.name, "_ptr"), replay)

    def _expand(self, replay: Replay, operand: Ref) -> None:
        """Broadcasts a batch of one matrix to the whole batch: with stride 0 it is read again and again."""
        replay.pad()
        if replay.shape != replay.full:
            sizes = self.graph.tensor(operand).sizes
            wide = [self.access.expression(str(size)) for size in sizes]
            texts = ["-1" if replay.own(dim) else size for dim, size in enumerate(wide)]
            replay.rearrange(f"{{v}}.expand({', '.join(texts)})", list(replay.full), None)

    def _load(self, node: Node, path: Path) -> str:
        return self.total if node.id == Graph.workspace(Ref(self.product.id)) else super()._load(node, path)

    @property
    def precision(self) -> str:
        """Only float32 has a choice."""
        return self.way.precision if self.sides[0].dtype == "float32" else "ieee"

    def parameters(self) -> list[str]:
        names = [leaf.name for leaf in self.sources]
        pointers = [f"{name}_ptr" for name in (*names, *self.outs)]
        dims = ("ab", "am", "ak", "bb", "bk", "bn") if self.batched else ("am", "ak", "bk", "bn")
        strides = [f"stride_{dim}" for dim in dims]
        more = [f"{leaf.name}_stride_{k}" for leaf in self.strided for k in self.moves(leaf)]
        sizes = [f"size_{k}" for k in self.sized]
        return [*pointers, *self.scalars.values(), "M", "N", "K", *strides, *sizes, *more, *BLOCKS]

    @property
    def sources(self) -> list[Leaf]:
        return [*self.sides, *self.leaves.values()]

    def launch(self, wrapper: Wrapper) -> None:
        launch(self, wrapper)

    def _tile_lines(self) -> list[str]:
        triangles = [self.product.kwargs.get(side) for side in ("left", "right")]
        register, pointers = REGISTER[self.sides[0].dtype], [f"{side.name}_ptr" for side in self.sides]
        loop = loop_lines(self.total, pointers, triangles, self.batched, register, self.precision)
        return [*place_lines(self.batched), "", *loop, "", *self._offset_lines()]

    def _offset_lines(self) -> list[str]:
        return [f"    offsets = {self.row} * N + columns", "    mask = (rows < M) & (columns < N)"]

    @property
    def places(self) -> list[str] | None:
        """Where a tile's elements lie along each group of the output's dimensions, if those are the product's own."""
        out, own = self.graph.tensor(self.refs[0]).sizes, self.product.outputs[0].sizes
        ends_in_columns = len(self.groups) > 1 and self.groups[-1] == [len(out) - 1] and out[-1] == own[-1]
        if not ends_in_columns:
            return None
        if len(self.groups) == 2:
            return [self.row, "columns"]
        ends_in_rows = self.batched and len(self.groups) == 3 and self.groups[1] == [len(out) - 2]
        return ["batch", "rows", "columns"] if ends_in_rows and out[-2] == own[-2] else None

    @property
    def row(self) -> str:
        """The number of a row among those of the whole batch."""
        return "(batch * M + rows)" if self.batched else "rows"

    @property
    def sized(self) -> list[int]:
        return [] if self.places else super().sized

    def _index_lines(self) -> list[str]:
        return [] if self.places else super()._index_lines()

    def _place(self, group: int) -> str:
        return self.places[group] if self.places else super()._place(group)
