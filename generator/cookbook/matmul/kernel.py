"""The kernel of one product: a tile of it, summed over the inner dimension, and what follows on that tile."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import ClassVar

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.body import Loop, place_lines
from pytest_kernelfalcon.generator.cookbook.matmul.launch import launch
from pytest_kernelfalcon.generator.cookbook.matmul.operands import cast, in_memory
from pytest_kernelfalcon.generator.cookbook.matmul.options import Configuration
from pytest_kernelfalcon.generator.cookbook.matmul.plan import Operand
from pytest_kernelfalcon.generator.cookbook.matmul.prologue import Prologue, computed
from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import HALF, REGISTER, Names
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

FLOATS = ("float16", "bfloat16", "float32", "float64")
TAKEN = (
    "M", "N", "K", "BLOCK_M", "BLOCK_N", "BLOCK_K", "GROUP_M", "program", "part", "parts", "batch", "tiles_m",
    "tiles_n", "tile_m", "tile_n", "first_m", "height", "rows", "columns", "first", "last", "start", "depth",
    "a_ptrs", "b_ptrs", "in_a", "in_b", "offsets", "mask",
)  # fmt: skip
GROUP = 8
"""Rows of tiles that go together."""


@dataclass(frozen=True)
class Sizes:
    """The wrapper's variables for a product's sizes; one product after the other uses them."""

    rows: str
    columns: str
    depth: str
    tiles: str

    @classmethod
    def of(cls, access: Access) -> Sizes:
        return cls(*(access.names.fresh(name) for name in ("M", "N", "K", "tiles")))


@dataclass
class Product(Kernel):
    """Computes `refs` from the product of two operands; the inherited part is what follows the product.

    operands: None for one that is computed while it is read. sizes: the wrapper's variables. parts: its variable for
    how many parts each sum has, if it has several; the first dimension of the result counts them then.
    """

    others: ClassVar[int] = 1
    product: Node = field(kw_only=True)
    operands: tuple[Operand | None, Operand | None] = field(kw_only=True)
    way: Configuration = field(kw_only=True)
    sizes: Sizes = field(kw_only=True)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`."""
        self.shape = self.graph.tensor(self.refs[0]).shape
        self.batched = self.product.base == "bmm"
        self.parts: str = self.product.kwargs.get("parts", "")
        places = [f"{kind}_{dim}" for kind in ("index", "size", "place") for dim in range(len(self.shape))]
        self.names = Names([*dir(builtins), *TAKEN, self.name, *places])
        self.sides: list[Leaf] = []
        self.prologues: list[Prologue | None] = []
        for k, operand in enumerate(self.operands):
            side, prologue = (in_memory(self, k, operand), None) if operand else computed(self, k, numerics)
            self.sides.append(side)
            self.prologues.append(prologue)
        if len({*FLOATS} & {side.dtype for side in self.sides}) != 1:
            raise Unplaced(f"{self.product.op} in {self.sides[0].dtype}")
        self.total = self.names.fresh("product")
        for size in self.graph.tensor(self.refs[0]).sizes:
            self.access.expression(str(size))
        self._compute(numerics)
        count = len(self.refs)
        self.outs = [self.names.fresh("out" if count == 1 else f"out_{k}", "_ptr") for k in range(count)]
        for leaf in self.leaves.values():
            self._classify(leaf)
        self._group()

    def _compute(self, numerics: Numerics) -> None:
        """What follows the product."""
        lowering = Lowering(
            self.graph, self._lowered(), numerics, self.configuration.rounding, self.names, self._load, self._scalar,
            self._position,
        )  # fmt: skip
        self.results = lowering.run()
        self.statements = lowering.statements

    def _lowered(self) -> list[Ref]:
        """The results in terms of the graph, in which the product is a source."""
        whole = Ref(self.product.id)
        return [Ref(Graph.workspace(ref)) if ref == whole else ref for ref in self.refs]

    def scalar(self, number: Expression, dtype: str) -> str:
        """The variable for a number, see `Lowering`."""
        return self._scalar(number, dtype)

    def _load(self, node: Node, path: Path) -> str:
        return self.total if node.id == Graph.workspace(Ref(self.product.id)) else super()._load(node, path)

    def _classify(self, leaf: Leaf) -> None:
        super()._classify(leaf)
        if leaf.kind == "linear" and len(leaf.replay.shape) < len(self.shape):
            leaf.kind = "strided"  # the dimensions that it lacks are of size 1 as declared, not at all sizes

    def moves(self, leaf: Leaf) -> list[int]:
        """Not along dimensions that it lacks."""
        pad = len(self.shape) - len(leaf.replay.shape)
        return [k for k in super().moves(leaf) if self.groups[k][-1] >= pad]

    @property
    def precision(self) -> str:
        """Only float32 has a choice; a kernel for half types may be given it."""
        return "ieee" if self.sides[0].dtype == "float64" else self.way.precision

    def parameters(self) -> list[str]:
        names = [leaf.name for leaf in self.sources]
        pointers = [f"{name}_ptr" for name in (*names, *self.outs)]
        dims = ("ab", "am", "ak", "bb", "bk", "bn") if self.batched else ("am", "ak", "bk", "bn")
        strides = [f"stride_{dim}" for dim in dims]
        more = [f"{leaf.name}_stride_{k}" for leaf in self.strided for k in self.moves(leaf)]
        sizes = [f"size_{k}" for k in self.sized]
        parts = ["parts"] * bool(self.parts)
        return [*pointers, *self.scalars.values(), "M", "N", "K", *parts, *strides, *sizes, *more, *self._blocks()]

    def _blocks(self) -> list[str]:
        return [f"{name}: tl.constexpr" for name in self.arguments("") if name.isupper()]

    @property
    def sources(self) -> list[Leaf]:
        return [*self.sides, *self.leaves.values()]

    def launch(self, wrapper: Wrapper) -> None:
        launch(self, wrapper)

    def _tile_lines(self) -> list[str]:
        left, right, kept = (self.product.kwargs.get(side) for side in ("left", "right", "kept"))
        shared, register = bool(self.parts), REGISTER[self.sides[0].dtype]
        before, casts = (*self.prologues,), (cast(self, 0), cast(self, 1))
        loop = Loop(self.total, register, self.precision, self.batched, shared, left, right, kept, before, casts)
        return [*self._place_lines(), "", *loop.lines(), "", *self._offset_lines()]

    def _place_lines(self) -> list[str]:
        return place_lines(self.batched, bool(self.parts))

    def tiles(self) -> str:
        """The number of tiles of one matrix, in the wrapper's text."""
        sizes, tile = self.sizes, self.way.tile
        return f"triton.cdiv({sizes.rows}, {tile.rows}) * triton.cdiv({sizes.columns}, {tile.columns})"

    def arguments(self, operand: str) -> dict[str, str]:
        """The launch's arguments that say what a program computes, and how. operand: the wrapper's variable for one."""
        tile = self.way.tile
        return {
            "BLOCK_M": f"{tile.rows}", "BLOCK_N": f"{tile.columns}", "BLOCK_K": self._depth(operand),
            "GROUP_M": f"{GROUP}", "num_warps": f"{tile.warps}", "num_stages": f"{tile.stages}",
        }  # fmt: skip

    def _depth(self, operand: str) -> str:
        """Of a step, in elements: of half types as many as take the memory that a step in float32 may take."""
        half = self.sides[0].dtype in HALF
        return f"{2 * self.way.tile.depth} // {operand}.element_size()" if half else f"{self.way.tile.depth}"

    def _offset_lines(self) -> list[str]:
        row = self.row
        if self.parts and self.batched:
            row = "((part * (tl.num_programs(0) // (tiles_m * tiles_n)) + batch) * M + rows)"
        elif self.parts:
            row = "(part.to(tl.int64) * M + rows)"
        return [f"    offsets = {row} * N + columns", "    mask = (rows < M) & (columns < N)"]

    @property
    def places(self) -> list[str] | None:
        """Where a tile's elements lie along each group of the output's dimensions, if those are the product's own."""
        if self.parts:
            return None
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
