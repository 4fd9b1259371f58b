"""The text of a product's kernel: its tile, and the loop over the summed dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.generator.cookbook.matmul.prologue import Prologue
from pytest_kernelfalcon.generator.cookbook.matmul.triangles import Triangle, bounds, inside
from pytest_kernelfalcon.generator.cookbook.pointwise.text import broken


@dataclass(frozen=True)
class Loop:
    """total: the variable of the sum. left, right, kept: triangles of the operands, and of the product.
    register: what is summed in. shared: whether the parts of a sum are programs of their own. prologues: what is
    computed of the operands; casts: what follows their loads.
    """

    total: str
    register: str
    precision: str
    batched: bool
    shared: bool
    left: Triangle | None
    right: Triangle | None
    kept: Triangle | None
    prologues: tuple[Prologue | None, ...]
    casts: tuple[str, str]

    def lines(self) -> list[str]:
        before, steps = self._range()
        batch_a, batch_b = ("batch * stride_ab + ", "batch * stride_bb + ") if self.batched else ("", "")
        in_a = ["(rows < M)", "(depth[None, :] < K)", *inside(self.left, "rows", "depth[None, :]")]
        in_b = ["(depth[:, None] < K)", "(columns < N)", *inside(self.right, "depth[:, None]", "columns")]
        return [
            *before,
            f"    {self.total} = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.{self.register})",
            f"    for start in range({steps}):",
            "        depth = start + tl.arange(0, BLOCK_K)",
            f"        a_ptrs = a_ptr + {batch_a}rows * stride_am + depth[None, :].to(tl.int64) * stride_ak",
            f"        b_ptrs = b_ptr + {batch_b}depth[:, None].to(tl.int64) * stride_bk + columns * stride_bn",
            *self._load_lines(0, " & ".join(in_a)),
            *self._load_lines(1, " & ".join(in_b)),
            f"        {self.total} = {self._dot()}",
        ]

    def _load_lines(self, k: int, mask: str) -> list[str]:
        name, prologue = "ab"[k], self.prologues[k]
        if prologue is None:
            return broken(f"{name} = tl.load({name}_ptrs, mask={mask}, other=0.0){self.casts[k]}", 8)
        load = f"        {name} = tl.load({name}_ptrs, mask=in_{name}, other=0.0).to(tl.{self.register})"
        return [f"        in_{name} = {mask}", load, *prologue.lines(f"in_{name}", 8)]

    def _dot(self) -> str:
        return f'tl.dot(a, b, {self.total}, input_precision="{self.precision}", out_dtype=tl.{self.register})'

    def _range(self) -> tuple[list[str], str]:
        """What is written before the loop, and the range that it runs over."""
        if self.shared:
            share = "    # of every `parts` steps along the sum, this program takes one"
            return [share], "part * BLOCK_K, K, parts * BLOCK_K"
        starts, ends = bounds(self.left, self.right, self.kept)
        first, last = _joined("maximum", starts), _joined("minimum", ends)
        lines = [f"    first = {first} // BLOCK_K * BLOCK_K"] if starts else []
        lines += [f"    last = {last}"] if ends else []
        what = "a tile outside of the product's triangle" if self.kept else "where a triangle is all zeros it"
        comment = [f"    # {what} adds nothing"] if lines else []
        return [*comment, *lines], f"{'first' if starts else '0'}, {'last' if ends else 'K'}, BLOCK_K"


def _joined(word: str, edges: Sequence[str]) -> str:
    text = edges[0] if edges else ""
    for edge in edges[1:]:
        text = f"tl.{word}({text}, {edge})"
    return text


def place_lines(batched: bool, shared: bool) -> list[str]:
    """Which tile a program computes."""
    batch = [
        "    batch = (program // (tiles_m * tiles_n)).to(tl.int64)",
        "    program = program % (tiles_m * tiles_n)",
    ]
    return [
        "    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds",
        "    program = tl.program_id(0)",
        *(["    part = tl.program_id(1)"] if shared else []),
        "    tiles_m = tl.cdiv(M, BLOCK_M)",
        "    tiles_n = tl.cdiv(N, BLOCK_N)",
        *(batch if batched else []),
        "    first_m = program // (GROUP_M * tiles_n) * GROUP_M",
        "    height = tl.minimum(tiles_m - first_m, GROUP_M)",
        "    tile_m = first_m + program % (GROUP_M * tiles_n) % height",
        "    tile_n = program % (GROUP_M * tiles_n) // height",
        "    rows = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]",
        "    columns = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]",
    ]
