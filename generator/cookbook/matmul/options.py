"""The ways in which a matrix product can be written."""

from __future__ import annotations

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


TILES = (
    Tile(64, 64, 32, 4, 3), Tile(128, 128, 32, 8, 3), Tile(128, 64, 32, 4, 3), Tile(64, 128, 32, 4, 3),
    Tile(32, 32, 64, 4, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Configuration:
    """precision: how products of float32 are taken; never plain TF32, which keeps 10 bits of 23.

    row: which shape of programs the reductions between products take. pointwise: how operations around them are
    written.
    """

    tile: Tile = TILES[0]
    precision: str = "tf32x3"
    row: int = 0
    pointwise: Pointwise = field(default_factory=Pointwise)

    @property
    def label(self) -> str:
        tile = f"{self.tile.rows}×{self.tile.columns}×{self.tile.depth}, {self.tile.warps} warps"
        rows = [f"rows in shape {self.row}"] * (self.row > 0)
        words = [f"matmul: tile {tile}", self.precision, *rows, "exact" if self.pointwise.exact else "fast"]
        return ", ".join(words)


def all_ways(*, single: bool) -> list[Configuration]:
    """The most promising first. single: some product is of float32, where the precision matters."""
    precisions = ("tf32x3", "ieee") if single else ("ieee",)
    return [
        Configuration(tile, precision, row, Pointwise(exact=exact))
        for exact, row, precision, tile in product((True, False), (0, 1), precisions, TILES)
    ]
