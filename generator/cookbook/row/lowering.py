"""From the traced graph to the statements of a row kernel."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering, Statement, Value, depends
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, number
from pytest_kernelfalcon.generator.cookbook.row.domain import RESHAPES, Domain
from pytest_kernelfalcon.generator.cookbook.row.reductions import Reduction, register


def reduces(node: Node) -> bool:
    """Whether it is a plain reduction."""
    return node.op.startswith("row.")


@dataclass(frozen=True)
class Reduced(Statement):
    """name: of the value. reduction: what gives it; value: the operand's text."""

    reduction: Reduction


@dataclass
class RowLowering(Lowering):
    """See `Lowering`. wanted: the results, each seen as the domain is, or as one value a row. Raises `Misaligned` where
    a row's value is used in another place than the row.
    """

    domain: Domain = field(kw_only=True)
    wanted: list[tuple[Ref, Path]] = field(kw_only=True)
    _reduced: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def targets(self) -> list[tuple[Ref, Path]]:
        return self.wanted

    def _operands(self, node: Node, output: int, path: Path) -> list[tuple[Ref, Path]]:
        if reduces(node):
            if Domain.of(self.graph, node) != self.domain:
                raise AssertionError(f"{node.id} runs over something else")
            self.domain.check(self.graph, node, path)
            return [(ref, ()) for ref in depends(node)]
        return super()._operands(node, output, path)

    def _beyond(self, node: Node, output: int, path: Path) -> Path:
        """Reshapes that lead back to the operand's own shape are none."""
        steps = super()._beyond(node, output, path)
        plain = all(self.graph.nodes[step.node].base in RESHAPES for step in steps)
        back = self.graph.tensor(steps[-1]).sizes == self.graph.tensor(node.args[0]).sizes
        return () if plain and back else steps

    def follows(self, dtype: str) -> bool:
        return dtype == "float32" and self.like(dtype) is not None

    def _convert(self, node: Node, value: Value) -> Value:
        """What a recipe has written out is rounded at its end."""
        found = super()._convert(node, value)
        if self.rounding and node.origin and self.follows(found.dtype) and found.literal is None:
            found = Value(self._assign("cast", f"{found.text}{self._through_half(found.dtype)}").text, found.dtype)
        return found

    def _lower(self, node: Node, output: int, path: Path) -> Value:
        if not reduces(node):
            return super()._lower(node, output, path)
        if node.id not in self._reduced:
            self._reduced[node.id] = self._reduce(node)
        return Value(self._reduced[node.id][output], node.outputs[output].dtype)

    def _reduce(self, node: Node) -> tuple[str, ...]:
        kind, dtype = Reduction.kind_of(node), node.outputs[0].dtype
        computed = register(kind, dtype)
        value = self._values[node.args[0], ()]
        operand = number(value.literal, computed) if value.literal is not None else _typed(value, kind, computed)
        names = tuple(
            self.names.fresh(wish, "_block")
            for wish in ([node.name, "position"] if len(node.outputs) > 1 else [node.name or kind])
        )
        place = self._values[node.args[3], ()].text if len(node.args) > 3 else "column"
        reduction = Reduction(kind, names, operand, computed, self.numerics, place)
        self.statements.append(Reduced(names[0], f"{operand}, {place}", "", reduction))
        return names


def _typed(value: Value, kind: str, computed: str) -> str:
    if kind in ("any", "all"):
        truth = value.text if value.dtype == "bool" else f"({value.text} != 0)"
        return f"{truth}.to(tl.int32)"
    return value.text if REGISTER[value.dtype] == computed else f"{value.text}.to(tl.{computed})"
