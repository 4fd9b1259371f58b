"""The traced graph of a contract, typed (the format: judge/roles/graph.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

SOURCES = ("input", "state", "workspace")
"""Nodes that are tensors in memory."""

INDEX = "cookbook.index"
"""The position along the only dimension of its output, int64: what `arange` is made of."""


@dataclass(frozen=True)
class Tensor:
    """One output of a node. sizes: each a number that never changes, or an expression over the ids of inputs."""

    shape: tuple[int, ...]
    sizes: tuple[int | str, ...]
    stride: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Ref:
    """The tensor (or, for a scalar input, the number) that a node gives."""

    node: str
    output: int = 0


@dataclass(frozen=True)
class Expression:
    """A number that depends on sizes or on scalar inputs. value: what it was while tracing."""

    text: str
    value: float


@dataclass(frozen=True)
class Node:
    """One operation, or a source: an input, a scalar, state, a constant, or a workspace (see `Graph.cut`).

    args, kwargs: `Ref`s, `Expression`s, literals, lists as tuples; dtypes and devices by name.
    name: what a source is called; for an operation, what a recipe calls it. value: a constant's, or a scalar's, if
    known. origin: the operation that a recipe has written out as several, this among them.
    """

    id: str
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[Tensor, ...]
    common: str | None
    name: str
    value: Any
    origin: str = ""

    @property
    def base(self) -> str:
        """`add` for `aten.add.Tensor`; `op` for what is none of torch's own operations."""
        namespace, _, name = self.op.partition(".")
        return name.split(".")[0] if namespace in ("aten", "prims") else self.op

    @property
    def computed(self) -> bool:
        """Whether it is an operation, not a source."""
        return "." in self.op


@dataclass(frozen=True)
class Graph:
    """nodes: by id, in order of execution. inputs, state, mutated: by name."""

    nodes: dict[str, Node]
    inputs: dict[str, str]
    state: dict[str, str]
    results: tuple[Ref, ...]
    mutated: dict[str, Ref]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Graph:
        """Raises KeyError naming a missing field."""
        nodes = {node["id"]: _node(node) for node in data["nodes"]}
        results = tuple(_value(ref) for ref in data["results"])
        mutated = {name: _value(ref) for name, ref in data["mutated"].items()}
        return cls(nodes, data["inputs"], data["state"], results, mutated)

    def tensor(self, ref: Ref) -> Tensor:
        """What is known of the tensor that `ref` names."""
        return self.nodes[ref.node].outputs[ref.output]

    def title(self, ref: Ref) -> str:
        """What to call a result in a text."""
        node = self.nodes[ref.node]
        if names := node.kwargs.get("names"):
            return str(names[ref.output])
        return node.name or (node.base.strip("_") if node.computed else node.op)

    @staticmethod
    def workspace(ref: Ref) -> str:
        """The id of the source that stands for a result where the graph is cut there."""
        return f"{ref.node}_{ref.output}"

    def cut(self, refs: Iterable[Ref]) -> Graph:
        """The same graph in which each of these results is a source, a workspace, for whatever uses it."""
        new = {ref: Ref(self.workspace(ref)) for ref in refs}
        nodes: dict[str, Node] = {}
        for node in self.nodes.values():
            kwargs = {name: replaced(value, new) for name, value in node.kwargs.items()}
            nodes[node.id] = replace(node, args=replaced(node.args, new), kwargs=kwargs)
            for ref in (Ref(node.id, output) for output in range(len(node.outputs))):
                if ref in new:
                    outputs = (_contiguous(node.outputs[ref.output]),)
                    nodes[new[ref].node] = Node(
                        new[ref].node, "workspace", (), {}, outputs, None, self.title(ref), None
                    )
        return self.with_nodes(nodes, new)

    def with_nodes(self, nodes: dict[str, Node], new: dict[Ref, Ref]) -> Graph:
        """The same graph of other nodes, which use `new` in the place of some results already."""
        mutated = {name: new.get(ref, ref) for name, ref in self.mutated.items()}
        return replace(self, nodes=nodes, results=tuple(new.get(ref, ref) for ref in self.results), mutated=mutated)

    def ancestors(self, refs: Iterable[Ref], depends: Callable[[Node], Sequence[Ref]]) -> list[Node]:
        """The nodes that these results are computed from, in order of execution; `depends` says what one is."""
        wanted = {ref.node for ref in refs}
        for node in reversed(self.nodes.values()):
            if node.id in wanted:
                wanted |= {ref.node for ref in depends(node)}
        return [node for node in self.nodes.values() if node.id in wanted]


def references(value: Any) -> list[Ref]:
    """The `Ref`s in an argument."""
    if isinstance(value, Ref):
        return [value]
    return [ref for item in value for ref in references(item)] if isinstance(value, tuple) else []


def replaced(value: Any, new: dict[Ref, Ref]) -> Any:
    """An argument with other `Ref`s in the place of some."""
    if isinstance(value, Ref):
        return new.get(value, value)
    return tuple(replaced(item, new) for item in value) if isinstance(value, tuple) else value


def _contiguous(tensor: Tensor) -> Tensor:
    stride, step = [], 1
    for size in reversed(tensor.shape):
        stride.append(step)
        step *= max(size, 1)
    return replace(tensor, stride=tuple(reversed(stride)))


def _node(data: dict[str, Any]) -> Node:
    return Node(
        id=data["id"],
        op=data["op"],
        args=tuple(_value(arg) for arg in data["args"]),
        kwargs={name: _value(arg) for name, arg in data["kwargs"].items()},
        outputs=tuple(
            Tensor(tuple(o["shape"]), tuple(o["sizes"]), tuple(o["stride"]), o["dtype"]) for o in data["outputs"]
        ),
        common=data.get("common"),
        name=data.get("name", ""),
        value=_value(data.get("value")),
    )


def _value(data: Any) -> Any:
    match data:
        case {"ref": node}:
            return Ref(node, data.get("output", 0))
        case {"expression": text, "value": value}:
            return Expression(text, _value(value))
        case {"float": text}:
            return float(text)
        case dict():
            ((_, name),) = data.items()
            return name
        case list():
            return tuple(_value(item) for item in data)
    return data
