"""The ways in which a pointwise kernel can be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

Layout = Literal["natural", "contiguous", "strided"]
TILES = ((1024, 4), (2048, 8), (512, 4), (4096, 8), (256, 2))
"""Elements a program, and its warps."""


@dataclass(frozen=True)
class Configuration:
    """block: elements a program. layout: inputs that are not contiguous are read where they lie (natural) or copied
    first (contiguous); strided: every input is read by its strides. exact: accurate functions rather than fast ones.
    rounding: round to a half type after each operation, as eager does. fractions: a literal bound of a slice that is
    half the size (a third, a quarter) is taken for a fraction of the size.
    """

    block: int = 1024
    warps: int = 4
    layout: Layout = "natural"
    exact: bool = True
    rounding: bool = False
    fractions: bool = False

    @property
    def label(self) -> str:
        tile = f"pointwise: block {self.block}, {self.warps} warps"
        words = [tile, "exact" if self.exact else "fast", self.layout]
        words += ["rounded as eager"] * self.rounding + ["slices by fractions"] * self.fractions
        return ", ".join(words)


def all_ways(*, rounding_first: bool) -> Iterator[Configuration]:
    """The ways that may differ in what they compute, with the first tile."""
    layouts: tuple[Layout, ...] = ("natural", "contiguous", "strided")
    roundings = (True, False) if rounding_first else (False, True)
    for layout, fractions, rounding, exact in product(layouts, (False, True), roundings, (True, False)):
        yield Configuration(*TILES[0], layout, exact, rounding, fractions)
