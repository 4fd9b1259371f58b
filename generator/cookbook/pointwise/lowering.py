"""From the traced graph to the statements of one kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import INDEX, SOURCES, Expression, Graph, Node, Ref, references
from pytest_kernelfalcon.generator.cookbook.pointwise import activations, arithmetic, choices  # noqa: F401 (the table)
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.table import OPERATIONS, Operation, Scope, Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import HALF, REGISTER, Names, full, is_float, number, rounded
from pytest_kernelfalcon.generator.cookbook.pointwise.views import VIEWS, is_view

CONSTANTS: dict[str, Callable[[Node], Any]] = {
    "constant": lambda node: node.value, "scalar_tensor": lambda node: node.args[0], "full": lambda node: node.args[1],
    "full_like": lambda node: node.args[1], "new_full": lambda node: node.args[2], "fill": lambda node: node.args[1],
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros", "zero"), lambda _: 0),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), lambda _: 1),
}  # fmt: skip
"""Tensors of one value, and the value."""

IDENTITIES = {"clone": 0, "positive": 0, "contiguous": 0, "_to_copy": 0, "copy": 1}
"""Operations that give an argument's values, in another type perhaps; and which argument's."""

RENAMED = {"abs": "magnitude", "pow": "power", "round": "rounded"}
"""Operations whose results are not called as they are: Python has functions of these names."""


@dataclass(frozen=True)
class Value:
    """A value in the kernel. text: a variable or, where `literal` is not None, that number. dtype: torch's name."""

    text: str
    dtype: str
    literal: Any = None


@dataclass(frozen=True)
class Statement:
    name: str
    value: str
    comment: str


def nowhere(node: Node, _: Path) -> str:
    """Of a kernel that knows no places along dimensions."""
    raise Unplaced(node.op)


def nothing(_: str) -> None:
    """Of a kernel that does not follow its inputs' types."""


@dataclass
class Lowering:
    """One kernel's computation: `results` are computed from tensors that `load` names and from numbers.

    load: the variable for a source seen through a path of views. scalar: the variable for an expression over sizes and
    scalar inputs, in a type. position: the variable for the place along a dimension. like: a pointer to an input of
    this dtype, if there is one: the kernel then follows the input, which may come in another type. rounding: round to a
    half type after each operation, as eager does.
    """

    graph: Graph
    results: list[Ref]
    numerics: Numerics
    rounding: bool
    names: Names
    load: Callable[[Node, Path], str]
    scalar: Callable[[Expression, str], str]
    position: Callable[[Node, Path], str] = nowhere
    like: Callable[[str], str | None] = nothing
    statements: list[Statement] = field(default_factory=list)
    _values: dict[tuple[Ref, Path], Value] = field(default_factory=dict)

    def run(self) -> list[Value]:
        """The results' values. Raises `Unplaced`."""
        needed = self.needed()
        for node in self.graph.nodes.values():
            for output, path in needed.get(node.id, {}):
                self._values[Ref(node.id, output), path] = self._lower(node, output, path)
        return [self._values[target] for target in self.targets()]

    def targets(self) -> list[tuple[Ref, Path]]:
        """The results, each seen through a path of views."""
        return [(ref, ()) for ref in self.results]

    def needed(self) -> dict[str, dict[tuple[int, Path], None]]:
        """Which outputs of each node are wanted, and through which views; found from the results backwards."""
        needed: dict[str, dict[tuple[int, Path], None]] = {node: {} for node in self.graph.nodes}
        for ref, path in self.targets():
            needed[ref.node][ref.output, path] = None
        for node in reversed(self.graph.nodes.values()):
            for output, path in needed[node.id]:
                for ref, beyond in self._operands(node, output, path):
                    needed[ref.node][ref.output, beyond] = None
        return needed

    def _operands(self, node: Node, output: int, path: Path) -> list[tuple[Ref, Path]]:
        tensors = [ref for ref in depends(node) if self.graph.nodes[ref.node].outputs]
        if node.base in CONSTANTS:
            return [(ref, ()) for ref in tensors]
        if is_view(node):
            return [(ref, self._beyond(node, output, path)) for ref in tensors]
        return [(ref, self._through(node, ref, path)) for ref in tensors]

    def _beyond(self, node: Node, output: int, path: Path) -> Path:
        """The views of a view, as views of its operand."""
        return (Ref(node.id, output), *path)

    def _through(self, node: Node, operand: Ref, path: Path) -> Path:
        """The views of a node's output, as views of its operand."""
        if not path or self.graph.tensor(operand).shape == node.outputs[0].shape:
            return path
        return (Ref(node.id), *path)

    def _lower(self, node: Node, output: int, path: Path) -> Value:
        if node.op in SOURCES:
            return Value(self.load(node, path), _supported(node, output))
        if node.op == INDEX:
            return Value(self.position(node, path), "int64")
        if node.base in CONSTANTS:
            return self._constant(node)
        if is_view(node):
            return self._values[node.args[0], self._beyond(node, output, path)]
        if node.base in IDENTITIES:
            (ref,) = depends(node)
            return self._convert(node, self._values[ref, self._through(node, ref, path)])
        if output:
            raise Unplaced(node.op)
        return self._compute(node, _operation(node), path)

    def _constant(self, node: Node) -> Value:
        value, dtype = _constant(node), _supported(node, 0)
        if isinstance(value, Ref):
            return self._convert(node, self._values[value, ()])
        if isinstance(value, Expression):
            return Value(self.scalar(value, dtype), dtype)
        if value is None:
            raise Unplaced("a constant tensor" if node.op == "constant" else node.op)
        value = rounded(value, dtype) if is_float(dtype) else value
        return Value(number(value, dtype), dtype, value)

    def _compute(self, node: Node, operation: Operation, path: Path) -> Value:
        dtype = _supported(node, 0)
        types = node.common if operation.types == "operands" else dtype
        if types is None or types not in REGISTER:
            raise Unplaced(node.op)

        def operand(argument: Any, wanted: str, tensor: bool) -> str:
            value = self._argument(node, argument, wanted, operation, path)
            text = number(value.literal, wanted) if value.literal is not None else _cast(value, wanted)
            return full(text, wanted) if tensor and value.literal is not None and "tl.full" not in text else text

        used = [self._argument(node, ref, dtype, operation, path) for ref in depends(node)]
        alone = all(value.literal is not None for value in used)
        text = operation.write(Scope(node, types, self.numerics.of(types), operand, alone))
        return self._rounded(node, self._assign(node.name or RENAMED.get(node.base, node.base), text), dtype)

    def _argument(self, node: Node, argument: Any, dtype: str, operation: Operation, path: Path) -> Value:
        if isinstance(argument, Expression):
            if dtype == "float64" and not isinstance(argument.value, int):
                raise Unplaced(f"{node.op} with a number in float64, which kernels take in float32")
            return Value(self.scalar(argument, dtype), dtype)
        if isinstance(argument, Ref):
            source = self.graph.nodes[argument.node]
            if not source.outputs:
                return self._argument(node, Expression(source.id, source.value), dtype, operation, path)
            return self._values[argument, self._through(node, argument, path)]
        if isinstance(argument, bool | int | float):
            return Value("", dtype, rounded(argument, dtype) if self._rounds(operation, dtype) else argument)
        raise Unplaced(node.op)

    def _rounds(self, operation: Operation, dtype: str) -> bool:
        return dtype in HALF and (operation.rounds == "always" or (operation.rounds == "on the CPU" and self.rounding))

    def _convert(self, node: Node, value: Value) -> Value:
        dtype = _supported(node, 0)
        if value.literal is not None:
            literal = rounded(value.literal, dtype) if is_float(dtype) else value.literal
            return Value(number(literal, dtype), dtype, literal)
        if REGISTER[value.dtype] == REGISTER[dtype] and (value.dtype == dtype or dtype not in HALF):
            return Value(value.text, dtype)
        text = f"{value.text} != 0" if dtype == "bool" else _cast(value, dtype)
        if dtype in HALF and node.origin and not self.rounding:
            return Value(value.text, dtype)
        text = f"{text}{self._through_half(dtype)}" if dtype in HALF else text
        return Value(self._assign("cast", text, f"to {dtype}").text, dtype)

    def _assign(self, wish: str, text: str, comment: str = "") -> Value:
        name = self.names.fresh(wish.strip("_"))
        self.statements.append(Statement(name, text, comment))
        return Value(name, "")

    def _rounded(self, node: Node, value: Value, dtype: str) -> Value:
        """As eager rounds the result of an operation of its own; what a recipe has written out is computed as one."""
        if self.rounding and not node.origin and (dtype in HALF or self.follows(dtype)):
            rounded_ = f"{value.text}{self._through_half(dtype)}"
            self.statements.append(Statement(value.text, rounded_, "rounded, as eager"))
        return Value(value.text, dtype)

    def follows(self, dtype: str) -> bool:
        """Whether a value of this type, no half type, may be of one where the inputs are."""
        return False

    def _through_half(self, dtype: str) -> str:
        pointer = self.like(dtype)
        return f".to({f'{pointer}.dtype.element_ty' if pointer else f'tl.{dtype}'}).to(tl.float32)"


def depends(node: Node) -> list[Ref]:
    """What the node's output is computed from: not what it only takes a shape or a type from."""
    if node.base in CONSTANTS:
        return references((_constant(node),))
    if node.base in VIEWS or node.base in IDENTITIES:
        return [node.args[IDENTITIES.get(node.base, 0)]]
    uses = OPERATIONS[node.base].uses if node.base in OPERATIONS else None
    args = node.args if uses is None else tuple(node.args[k] for k in uses)
    return references((args, tuple(node.kwargs.values())))


def places(node: Node) -> bool:
    """Whether the recipe has a form for operations of this name."""
    return node.base in {*SOURCES, INDEX, "scalar", *VIEWS, *IDENTITIES, *OPERATIONS, *CONSTANTS}


def _constant(node: Node) -> Any:
    return CONSTANTS[node.base](node)


def _operation(node: Node) -> Operation:
    if node.base not in OPERATIONS:
        raise Unplaced(node.op)
    return OPERATIONS[node.base]


def _supported(node: Node, output: int) -> str:
    """The dtype of the node's output. Raises `Unplaced` for one that kernels do not compute in."""
    dtype = node.outputs[output].dtype
    if dtype not in REGISTER:
        raise Unplaced(f"{node.op} in {dtype}")
    return dtype


def _cast(value: Value, dtype: str) -> str:
    """The value's text in another type."""
    if REGISTER[value.dtype] == REGISTER[dtype]:
        return value.text
    return f"({value.text} != 0)" if dtype == "bool" else f"{value.text}.to(tl.{REGISTER[dtype]})"
