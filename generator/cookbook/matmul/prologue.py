"""What is computed of an operand while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Node
from pytest_kernelfalcon.generator.cookbook.matmul.operands import leaf
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import assign
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product


@dataclass(frozen=True)
class Prologue:
    """name: of the operand in the kernel. lines: that follow its load; the operand is zero where `mask` is not."""

    name: str
    statements: list[str]
    value: str

    def lines(self, mask: str, indent: int) -> list[str]:
        pad = " " * indent
        kept = f"{self.name} = tl.where({mask}, {self.value}, 0.0).to({self.name}_ptr.dtype.element_ty)"
        return [*(pad + line for line in self.statements), pad + kept]


def computed(kernel: Product, k: int, numerics: Numerics) -> tuple[Leaf, Prologue]:
    """The tensor that operand `k` is computed from, and how. Raises `Unplaced` where it is more than one."""
    ref = kernel.product.args[k]
    name = kernel.names.fresh("ab"[k], "_ptr")
    leaves: list[Leaf] = []

    def load(node: Node, path: Path) -> str:
        leaves.append(leaf(kernel, node, path, name, ref))
        if {(found.node.id, *found.replay.steps) for found in leaves} != {(node.id, *leaves[0].replay.steps)}:
            raise Unplaced(f"{kernel.product.op} of what is computed from several tensors")
        return name

    lowering = Lowering(kernel.graph, [ref], numerics, False, kernel.names, load, kernel.scalar)
    (value,) = lowering.run()
    if not leaves or value.literal is not None:
        raise Unplaced(f"{kernel.product.op} of a constant")
    statements = [assign(s.name, s.value, s.comment, 0) for s in lowering.statements]
    return leaves[0], Prologue(name, statements, value.text)
