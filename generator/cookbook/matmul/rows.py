"""A product whose programs hold whole rows of it, with what is computed along them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Node
from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Statement
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import Reduced, RowLowering

NARROWEST = 16
"""Columns that a tensor core takes."""


@dataclass
class RowProduct(Product):
    """domain: of the reductions, rows of the product."""

    domain: Domain = field(kw_only=True)

    def _compute(self, numerics: Numerics) -> None:
        """Raises `Misaligned` where a row's value is used in another place than the row."""
        refs = self._lowered()
        lowering = RowLowering(
            self.graph, refs, numerics, self.configuration.rounding, self.names, self._load, self._scalar,
            self._position, domain=self.domain, load_parts=_nothing, wanted=[(ref, ()) for ref in refs],
        )  # fmt: skip
        self.results = lowering.run()
        self.statements = [_whole(statement) for statement in lowering.statements]

    def _scalar(self, number: Expression, dtype: str) -> str:
        if number.text == str(self.domain.sizes[-1]):
            return f"tl.cast(N, tl.{REGISTER[dtype]})"
        return super()._scalar(number, dtype)

    def tiles(self) -> str:
        return f"triton.cdiv({self.sizes.rows}, {self.way.fused})"

    def arguments(self, operand: str) -> dict[str, str]:
        columns = f"max(triton.next_power_of_2({self.sizes.columns}), {NARROWEST})"
        warps = 4 if self.way.fused * self.product.outputs[0].shape[-1] <= 64 * 128 else 8
        return {
            "BLOCK_M": f"{self.way.fused}", "BLOCK_N": columns, "BLOCK_K": "32",
            "num_warps": f"{warps}", "num_stages": "3",
        }  # fmt: skip

    def _place_lines(self) -> list[str]:
        return [
            "    # BLOCK_M rows of the product, each whole",
            "    rows = tl.program_id(0).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]",
            "    columns = tl.arange(0, BLOCK_N)[None, :].to(tl.int64)",
        ]


def _nothing(node: Node) -> str:
    raise Unplaced(node.op)


def _whole(statement: Statement) -> Statement:
    """A reduction as the text that reduces the rows of a tile."""
    if not isinstance(statement, Reduced):
        return statement
    reduction = statement.reduction
    if len(reduction.names) > 1:
        raise Unplaced(f"row.{reduction.kind}")
    text = reduction.whole(reduction.masked(), "axis=1, keep_dims=True")
    return Statement(statement.name, text, statement.comment)
