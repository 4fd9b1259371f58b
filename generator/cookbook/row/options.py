"""The ways in which a row kernel can be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pytest_kernelfalcon.generator.cookbook.pointwise import options as pointwise
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain


@dataclass(frozen=True)
class Configuration:
    """rows: rows a program, 0 for one row in blocks of one dimension. block: the most elements of a row that a program
    holds at a time, 0 for the whole row. split: long rows that are few are shared by several programs.
    pointwise: see there; of its block and warps, those of pointwise stages.
    """

    rows: int = 0
    block: int = 0
    warps: int = 4
    split: bool = False
    pointwise: pointwise.Configuration = field(default_factory=pointwise.Configuration)

    @property
    def label(self) -> str:
        rows = "one row" if not self.rows else f"{self.rows} rows"
        block = "held whole" if not self.block else f"in blocks of {self.block}"
        words = [f"row: {rows} a program", block, f"{self.warps} warps"]
        words += ["long rows shared"] * self.split
        words += ["exact" if self.pointwise.exact else "fast", self.pointwise.layout]
        words += ["rounded as eager"] * self.pointwise.rounding + ["slices by fractions"] * self.pointwise.fractions
        return ", ".join(words)


def shapes(domain: Domain, few: bool) -> list[Configuration]:
    """Shapes of a program, most promising first. few: rows are too few to fill a device: programs share them."""
    last = max((dim for dim, size in enumerate(domain.shape) if size > 1), default=0)
    if domain.kept:
        return tiles(last in domain.reduced, domain.length(), few)
    ways = [Configuration(0, 4096, 8), Configuration(0, 1024, 4)]
    return [*(replace(way, split=True) for way in ways), *ways] if few else ways


def tiles(inner: bool, length: int, few: bool) -> list[Configuration]:
    """See `shapes`. inner: the reduction runs along what lies together in memory; length: of a row, as declared."""
    warps = 4 if length <= 4096 else 8 if length <= 16384 else 16
    whole = [Configuration(0, 0, warps)] if length <= 32768 else []
    if not inner:
        ways = [
            Configuration(64, 32, 4),
            Configuration(32, 64, 4),
            Configuration(128, 16, 4),
            Configuration(0, 1024, 4),
        ]
        ways = [Configuration(32, 0, 4), *ways] if length <= 128 else ways
    elif length > 512:
        ways = [*whole, Configuration(0, 4096, 8), Configuration(0, 1024, 4), Configuration(2, 1024, 4)]
    else:
        rows = next(rows for rows in (4, 8, 16, 32, 64) if rows * length > 1024 or rows == 64)
        ways = [Configuration(rows, 0, 4), *whole, Configuration(rows // 4, 0, 4), Configuration(rows, 128, 4)]
    return [*(replace(way, split=True) for way in ways[:3]), *ways] if few else ways


def all_ways(shapes: list[Configuration], *, rounding_first: bool) -> Iterator[Configuration]:
    """Every shape with every way to compute, the shapes alternating."""
    for way in pointwise.all_ways(rounding_first=rounding_first):
        for shape in shapes:
            yield replace(shape, pointwise=way)
