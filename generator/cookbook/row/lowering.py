"""From the traced graph to the statements of a row kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Lowering, Statement, Value, depends
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, number
from pytest_kernelfalcon.generator.cookbook.row.domain import RESHAPES, Domain, Misaligned
from pytest_kernelfalcon.generator.cookbook.row.reductions import Reduction, register
from pytest_kernelfalcon.generator.cookbook.row.scans import KINDS, Scan, scans
from pytest_kernelfalcon.generator.cookbook.stage import Leaf


def reduces(node: Node) -> bool:
    """Whether it is a plain reduction."""
    return node.op.startswith("row.")


@dataclass(frozen=True)
class Loaded(Statement):
    """A leaf's value: where the leaf is read."""

    leaf: Leaf


@dataclass(frozen=True)
class Reduced(Statement):
    """name: of the value. reduction: what gives it; value: the operand's text."""

    reduction: Reduction


@dataclass(frozen=True)
class Joined(Statement):
    """A reduction of what several programs have left of a row: `parts` names them."""

    reduction: Reduction


@dataclass(frozen=True)
class Scanned(Statement):
    """A running sum or product."""

    scan: Scan


@dataclass
class RowLowering(Lowering):
    """See `Lowering`. wanted: the results, each seen as the domain is, or as one value a row. load_parts: the variable
    for what the programs that share a row have left. Raises `Misaligned` where a row's value is used in another place
    than the row.
    """

    domain: Domain = field(kw_only=True)
    load_parts: Callable[[Node], str] = field(kw_only=True)
    wanted: list[tuple[Ref, Path]] = field(kw_only=True)
    _reduced: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def targets(self) -> list[tuple[Ref, Path]]:
        return self.wanted

    def _operands(self, node: Node, output: int, path: Path) -> list[tuple[Ref, Path]]:
        if self.domain.joins(node):
            self.domain.check(self.graph, node, path)
            return []
        if reduces(node):
            if Domain.of(self.graph, node) != self.domain:
                raise AssertionError(f"{node.id} runs over something else")
            if scans(node) and path:
                raise Misaligned
            if scans(node):
                return [(ref, ()) for ref in depends(node)]
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
        if scans(node):
            return self._scan(node)
        kind, dtype = Reduction.kind_of(node), node.outputs[0].dtype
        computed, joins = register(kind, dtype), self.domain.joins(node)
        parts = (node.args[0], *node.args[3:])
        if joins:
            given = tuple(self.load_parts(self.graph.nodes[ref.node]) for ref in parts)
        elif len(parts) > 1:
            given = tuple(self._values[ref, ()].text for ref in parts)
        else:
            given = (self._operand(node.args[0], kind, computed), *(["column"] if kind.startswith("arg") else []))
        wishes = node.kwargs.get("names") or (node.name or kind,)
        names = tuple(self.names.fresh(wish, "_block", "_before", "_shift", "_apart") for wish in wishes)
        reduction = Reduction(kind, names, given, computed, self.numerics, bool(node.kwargs.get("keeps_nan")))
        statement = Joined if joins else Reduced
        self.statements.append(statement(names[0], ", ".join(given), "", reduction))
        return names

    def _scan(self, node: Node) -> tuple[str, ...]:
        kind = KINDS[node.op]
        computed = register(kind, node.outputs[0].dtype)
        operand, cast = self._operand(node.args[0], kind, computed), ""
        if kind == "prod" and computed == "float32" and self.numerics.exact:
            # a running product underflows soon: eager keeps it in float64
            operand, computed, cast = f"{operand}.to(tl.float64)", "float64", ".to(tl.float32)"
        names = (self.names.fresh(node.name, "_block", "_before"),)
        scan = Scan(Reduction(kind, names, (operand,), computed, self.numerics), "reverse" in node.kwargs, cast)
        others = [s.scan.reverse for s in self.statements if isinstance(s, Scanned)]
        if others and others[0] != scan.reverse:
            raise Misaligned
        self.statements.append(Scanned(names[0], operand, "", scan))
        return names

    def _operand(self, ref: Ref, kind: str, computed: str) -> str:
        value = self._values[ref, ()]
        return number(value.literal, computed) if value.literal is not None else _typed(value, kind, computed)


def _typed(value: Value, kind: str, computed: str) -> str:
    if kind in ("any", "all"):
        truth = value.text if value.dtype == "bool" else f"({value.text} != 0)"
        return f"{truth}.to(tl.int32)"
    return value.text if REGISTER[value.dtype] == computed else f"{value.text}.to(tl.{computed})"
