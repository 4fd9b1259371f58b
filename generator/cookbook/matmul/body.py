"""The text of a product's kernel: its tile, and the loop over the summed dimension."""

from __future__ import annotations

from collections.abc import Sequence

Triangle = tuple[str, int]
"""`tril` or `triu`, and its diagonal."""


def place_lines(batched: bool) -> list[str]:
    """Which tile a program computes."""
    batch = [
        "    batch = (program // (tiles_m * tiles_n)).to(tl.int64)",
        "    program = program % (tiles_m * tiles_n)",
    ]
    return [
        "    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds",
        "    program = tl.program_id(0)",
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


def loop_lines(
    total: str,
    pointers: Sequence[str],
    triangles: Sequence[Triangle | None],
    batched: bool,
    register: str,
    precision: str,
) -> list[str]:
    """The sum, in the variable `total`. pointers: of the operands; register: what it is summed in."""
    a, b = pointers
    batch_a, batch_b = ("batch * stride_ab + ", "batch * stride_bb + ") if batched else ("", "")
    in_a = ["(rows < M)", "(depth[None, :] < K - start)", *_inside(triangles[0], "rows", "start + depth[None, :]")]
    in_b = [
        "(depth[:, None] < K - start)",
        "(columns < N)",
        *_inside(triangles[1], "start + depth[:, None]", "columns"),
    ]
    return [
        "    depth = tl.arange(0, BLOCK_K).to(tl.int64)",
        f"    a_ptrs = {a} + {batch_a}rows * stride_am + depth[None, :] * stride_ak",
        f"    b_ptrs = {b} + {batch_b}depth[:, None] * stride_bk + columns * stride_bn",
        f"    {total} = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.{register})",
        "    for start in range(0, K, BLOCK_K):",
        f"        a = tl.load(a_ptrs, mask={' & '.join(in_a)}, other=0.0)",
        f"        b = tl.load(b_ptrs, mask={' & '.join(in_b)}, other=0.0)",
        f'        {total} = tl.dot(a, b, {total}, input_precision="{precision}", out_dtype=tl.{register})',
        "        a_ptrs += BLOCK_K * stride_ak",
        "        b_ptrs += BLOCK_K * stride_bk",
    ]


def _inside(triangle: Triangle | None, row: str, column: str) -> list[str]:
    """The condition that an element lies in the triangle: outside of it the operand counts as zero."""
    if triangle is None:
        return []
    kind, diagonal = triangle
    edge = f"{row} {'-' if diagonal < 0 else '+'} {abs(diagonal)}" if diagonal else row
    return [f"({column} {'<=' if kind == 'tril' else '>='} {edge})"]
