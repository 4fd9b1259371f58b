"""The kernel of one pooling operation, and its launch."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics, maximum
from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, Names, broken, call, is_float, sum_lines
from pytest_kernelfalcon.generator.cookbook.pointwise.views import replayed
from pytest_kernelfalcon.generator.cookbook.pool.window import Axis, Window
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper

LETTERS = "ijk"


@dataclass
class Pool:
    """Computes `refs`, one tensor in the order of the pool's own elements. source: what it reads, seen through `path`.

    axes: those that the window really slides along.
    """

    graph: Graph
    refs: list[Ref]
    access: Access
    way: Configuration
    name: str
    node: Node
    source: Node
    path: Path
    sources: list[Leaf] = field(default_factory=list)

    def lower(self, numerics: Numerics) -> None:
        """Raises `Unplaced`."""
        self.window = Window.of(self.node)
        sizes = [self.node.outputs[0].sizes, self.graph.tensor(self.node.args[0]).sizes]
        flat = [axis.plain and all(size[axis.dim] == 1 for size in sizes) for axis in self.window.axes]
        self.axes = [axis for axis, left_out in zip(self.window.axes, flat, strict=True) if not left_out]
        dtype = self.source.outputs[0].dtype
        if not is_float(dtype):
            raise Unplaced(f"{self.node.op} in {dtype}")
        self.register = REGISTER[dtype]
        self.forms = numerics.of(self.register)
        replay = replayed(self.graph, self.source, self.path, self.access.expression, fractions=False)
        names = Names([*dir(builtins), "offsets", "mask", "numel", "inside", "outer", "total", "largest", "BLOCK"])
        self.sources = [Leaf(self.source, names.fresh(self.source.name, "_ptr", "_offsets"), replay)]
        for size in self.graph.tensor(self.refs[0]).sizes:
            self.access.expression(str(size))

    @property
    def x(self) -> str:
        return self.sources[0].name

    @property
    def outer(self) -> list[int]:
        """The dimensions before the window's, counted from the last one."""
        return list(range(-len(self.node.outputs[0].shape), -len(self.window.axes)))

    def parameters(self) -> list[str]:
        count = len(self.axes)
        sizes = [f"{what}_{k}" for what in ("size", "out_size") for k in range(count)]
        channels = ["channels"] if len(self.outer) > 1 else []
        strides = [f"{self.x}_stride_{k}" for k in range(len(self.outer) + count)]
        return [f"{self.x}_ptr", "out_ptr", "numel", *channels, *sizes, *strides, "BLOCK: tl.constexpr"]

    def lines(self) -> list[str]:
        """The kernel's body."""
        sections = [self._tile_lines(), self._window_lines(), self._result_lines()]
        return "\n\n".join("\n".join(section) for section in sections).split("\n")

    def _tile_lines(self) -> list[str]:
        count = len(self.axes)
        lines = [
            "    # one tile: BLOCK elements of the output, one after the other",
            "    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)",
            "    mask = offsets < numel",
            "",
            "    # where their windows begin",
        ]
        for k, axis in enumerate(self.axes):
            place = "offsets" + "".join(f" // out_size_{j}" for j in range(count - 1, k, -1)) + f" % out_size_{k}"
            moved = f" * {axis.stride}" if axis.stride != 1 else ""
            lines.append(f"    start_{k} = {place}{moved}" + (f" - {axis.padding}" if axis.padding else ""))
        lines.append("    outer = offsets" + "".join(f" // out_size_{j}" for j in range(count - 1, -1, -1)))
        terms = [f"outer * {self.x}_stride_0"]
        if len(self.outer) > 1:
            terms = [f"outer // channels * {self.x}_stride_0", f"outer % channels * {self.x}_stride_1"]
        return [*lines, *sum_lines("first", terms, 4)]

    def _window_lines(self) -> list[str]:
        mean, pad = self.window.kind == "mean", "    "
        start = "0.0" if mean else 'float("-inf")'
        total = "total" if mean else "largest"
        lines = [f"    {total} = tl.full([BLOCK], {start}, tl.{self.register})"]
        if mean and self.window.divisor is None:
            lines.append(f"    count = tl.full([BLOCK], 0.0, tl.{self.register})")
        for k, axis in enumerate(self.axes):
            if axis.size > 1:
                lines.append(f"{pad}for {LETTERS[k]} in range({axis.size}):")
                pad += "    "
            lines.append(f"{pad}at_{k} = {self._at(k, axis)}")
        checks = [f"(at_{k} >= 0)" for k, axis in enumerate(self.axes) if axis.padding]
        checks += [f"(at_{k} < size_{k})" for k, axis in enumerate(self.axes) if axis.padding]
        lines.append(f"{pad}inside = {' & '.join(['mask', *checks])}" if checks else f"{pad}inside = mask")
        terms = ["first", *(f"at_{k} * {self.x}_stride_{len(self.outer) + k}" for k in range(len(self.axes)))]
        lines += sum_lines(f"{self.x}_offsets", terms, len(pad))
        cast = f".to(tl.{self.register})" if self.register == "float32" else ""
        lines += broken(
            f"{self.x} = tl.load({self.x}_ptr + {self.x}_offsets, mask=inside, other={start}){cast}", len(pad)
        )
        lines.append(f"{pad}{total} = " + (f"{total} + {self.x}" if mean else maximum(total, self.x)))
        if mean and self.window.divisor is None:
            lines.append(f"{pad}count = count + inside.to(tl.{self.register})")
        return lines

    def _at(self, k: int, axis: Axis) -> str:
        if axis.size == 1:
            return f"start_{k}"
        return f"start_{k} + {LETTERS[k]}" + (f" * {axis.dilation}" if axis.dilation != 1 else "")

    def _result_lines(self) -> list[str]:
        if self.window.kind == "max":
            return ["    tl.store(out_ptr + offsets, largest, mask=mask)"]
        divisor = "count" if self.window.divisor is None else f"{float(self.window.divisor)}"
        mean = f"    mean = {self.forms.divide('total', divisor)}"
        return [mean, "", "    tl.store(out_ptr + offsets, mean, mask=mask)"]

    def _shape(self, wrapper: Wrapper, x: str) -> str:
        """The result's shape, from the input's: the tracer may know it as numbers alone."""
        rank, own = len(self.graph.tensor(self.refs[0]).shape), len(self.node.outputs[0].shape)
        outer = [f"{x}.shape[{k}]" for k in range(len(self.outer))]
        if rank == own:
            inner = [axis.length(f"{x}.shape[{axis.dim}]") if axis in self.axes else "1" for axis in self.window.axes]
        elif rank == len(outer) + len(self.axes):
            inner = [axis.length(f"{x}.shape[{axis.dim}]") for axis in self.axes]
        else:
            return wrapper.sizes(self.refs[0])
        return f"({', '.join([*outer, *inner])})"

    def launch(self, wrapper: Wrapper) -> None:
        """Adds the lines that compute the result."""
        (leaf,) = self.sources
        x = wrapper.view(leaf)
        wrapper.allocate(self.refs[0], self._shape(wrapper, x), [(leaf, x)])
        out = wrapper.out[self.refs[0]]
        numel = wrapper.access.names.fresh("numel" if len(wrapper.stages) == 1 else f"{out}_numel")
        count = len(self.axes)
        dims = [axis.dim for axis in self.axes]
        block = self.way.block
        args = [
            x, out, numel, *([f"{x}.shape[1]"] if len(self.outer) > 1 else []),
            *(f"{x}.shape[{dim}]" for dim in dims), *(f"{out}.shape[{k - count}]" for k in range(count)),
            *(f"{x}.stride({k})" for k in range(len(self.outer))), *(f"{x}.stride({dim})" for dim in dims),
            f"BLOCK={block}", f"num_warps={self.way.warps}",
        ]  # fmt: skip
        wrapper.add(f"    {numel} = {out}.numel()", f"    if {numel} > 0:")
        wrapper.add(*call(f"{self.name}[(triton.cdiv({numel}, {block}),)]", args, "", 8))
