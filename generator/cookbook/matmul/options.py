"""The ways in which a matrix product can be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration as Pointwise


@dataclass(frozen=True)
class Tile:
    """Elements of the product a program, elements of the summed dimension a step, and how the loop is pipelined."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


SINGLE = (Tile(128, 64, 32, 4, 3), Tile(128, 128, 64, 8, 2), Tile(64, 64, 64, 4, 3), Tile(64, 128, 32, 4, 3))
HALF = (Tile(128, 256, 64, 8, 3), Tile(128, 128, 64, 8, 3), Tile(64, 64, 64, 4, 3), Tile(128, 64, 64, 4, 3))
"""Of large products, in float32 and in half types, fastest first as measured on an H200."""

MIDDLE = (Tile(64, 64, 64, 4, 3), Tile(32, 32, 64, 4, 4), Tile(16, 32, 64, 4, 3))
"""Of smaller ones, largest first: each is fastest where the larger leave the device idle."""

FILLED = 128
"""Tiles that keep a device busy."""

SLIGHT = 2**15
"""Elements of the second operand that a program reads in less time than a second launch takes."""


@dataclass(frozen=True)
class Configuration:
    """precision: how products of float32 are taken; never plain TF32, which keeps 10 bits of 23.

    packed: operands whose layout makes loads narrow are copied first. split: few tiles of long sums are shared by
    several programs. fused: rows a program where what reduces whole rows of a product is computed with it, 0: nowhere.
    inline: an operand is computed while it is read, where few tiles read it. row: which shape of programs the
    reductions between products take. pointwise: how operations around them are written.
    """

    tile: Tile = MIDDLE[0]
    precision: str = "tf32x3"
    packed: bool = False
    split: bool = False
    fused: int = 0
    inline: bool = False
    row: int = 0
    pointwise: Pointwise = field(default_factory=Pointwise)

    @property
    def label(self) -> str:
        tile = f"{self.tile.rows}×{self.tile.columns}×{self.tile.depth}, {self.tile.warps} warps"
        words = [f"matmul: tile {tile}", self.precision]
        words += ["operands packed"] * self.packed + ["long sums shared"] * self.split
        words += ["operands computed inside"] * self.inline
        words += [f"with what reduces its rows, {self.fused} a program"] * (self.fused > 0)
        words += [f"rows in shape {self.row}"] * (self.row > 0)
        return ", ".join([*words, "exact" if self.pointwise.exact else "fast"])


def tiles(rows: int, columns: int, count: int, *, single: bool) -> list[Tile]:
    """Most promising first, for so many products of that size, or parts of one. single: of float32."""

    def fills(tile: Tile) -> bool:
        return -(-rows // tile.rows) * -(-columns // tile.columns) * count >= FILLED

    every = [*(SINGLE if single else HALF), *MIDDLE]
    fitting = [tile for tile in every if fills(tile)] or [MIDDLE[-1]]
    return list(dict.fromkeys([*fitting, *MIDDLE]))[:4]


def whole_rows(rows: int, columns: int, depth: int) -> Sequence[int]:
    """How many whole rows of a product a program takes for what reduces them, 0 for none, most promising first."""
    if rows // 64 >= FILLED:
        return (64, 0)
    return (16, 0) if columns * depth <= SLIGHT else (0, 16)


def all_ways(
    shapes: Sequence[Tile], fused: Sequence[int], *, single: bool, packed: bool, split: bool, inline: bool, rows: bool
) -> list[Configuration]:
    """The most promising first. fused: see `whole_rows`. single: some product is of float32, where the precision
    matters. The others: whether the contract has what the choice is about.
    """

    def choice(given: bool) -> tuple[bool, ...]:
        return (True, False) if given else (False,)

    precisions = ("tf32x3", "ieee") if single else ("tf32x3",)
    shape_of_rows = (0, 1) if rows else (0,)
    return [
        Configuration(tile, precision, pack, part, fuse, inner, row, Pointwise(exact=exact))
        for exact, part, inner, pack, fuse, row, precision, tile in product(
            (True, False), choice(split), choice(inline), choice(packed), fused, shape_of_rows, precisions, shapes
        )
    ]
