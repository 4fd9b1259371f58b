"""From a traced graph to JSON (the format: `graph`)."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

from pytest_kernelfalcon.judge.roles.graph_inputs import Feeds
from pytest_kernelfalcon.judge.roles.graph_values import (
    OPERATORS,
    Printer,
    common_type,
    dtype_name,
    functional,
    hint,
    literal,
    references,
    tidy,
)

aten = torch.ops.aten
Json = dict[str, Any]

TRANSPARENT = {aten.detach.default, aten.alias.default, aten.lift_fresh.default, aten.lift_fresh_copy.default}
SIZES = {aten.sym_size.int, aten.sym_numel.default, aten.sym_stride.int, aten.sym_storage_offset.default}


class Writer:
    """Writes one traced graph."""

    def __init__(self, feeds: Feeds, traced: fx.GraphModule) -> None:
        self._feeds = feeds
        self._traced = traced
        self._printer = Printer(feeds.symbols)
        self._nodes: list[Json] = []
        self._refs: dict[fx.Node, Json] = {}
        self._left: dict[str, Json] = {}
        self._results: list[Json] = []

    def graph(self) -> Json:
        """The whole graph, without operations that nothing depends on."""
        for feed, node in zip(self._feeds.all, self._traced.graph.find_nodes(op="placeholder"), strict=True):
            self._refs[node] = {"ref": feed.id}
            described = self._describe(feed.value)
            self._nodes.append({"id": feed.id, "op": feed.op, "name": feed.name, "args": [], "kwargs": {}} | described)
        for node in self._traced.graph.nodes:
            self._write(node)
        inputs = {feed.name: feed.id for feed in self._feeds.all if feed.op != "state"}
        state = {feed.name: feed.id for feed in self._feeds.all if feed.op == "state"}
        return {
            "nodes": self._live(),
            "inputs": inputs,
            "state": state,
            "results": self._results,
            "mutated": {name: self._left[id] for name, id in inputs.items() if id in self._left},
            "updated": {name: self._left[id] for name, id in state.items() if id in self._left},
        }

    def _live(self) -> list[Json]:
        wanted = {ref["ref"] for ref in (*self._results, *self._left.values())}
        kept: list[Json] = []
        for node in reversed(self._nodes):
            if node["id"] in wanted or node["op"] in ("input", "scalar", "state"):
                wanted |= set(references((node["args"], node["kwargs"])))
                kept.append(node)
        return kept[::-1]

    def _write(self, node: fx.Node) -> None:
        match node.op:
            case "get_attr":
                self._attribute(node)
            case "call_function":
                self._call(node)
            case "output":
                (values,) = node.args
                self._results = [self._value(value) for value in values]  # type: ignore[union-attr]

    def _attribute(self, node: fx.Node) -> None:
        tensor = getattr(self._traced, str(node.target))
        if not isinstance(tensor, torch.Tensor):
            raise NotImplementedError(f"a nested graph: {node.target}")
        if (feed := self._feeds.identities.get(id(tensor))) is not None:
            self._refs[node] = {"ref": feed.id}
        else:
            value = literal(tensor.item()) if tensor.numel() == 1 else None
            self._append(node, "constant", tensor, value=value)

    def _call(self, node: fx.Node) -> None:
        target: Any = node.target
        if target is operator.getitem:
            source, output = node.args
            self._refs[node] = {**self._refs[source], "output": output}  # type: ignore[index]
        elif target in TRANSPARENT:
            self._refs[node] = self._refs[node.args[0]]  # type: ignore[index]
        elif target is aten.copy_.default:
            self._left[self._refs[node.args[0]]["ref"]] = self._value(node.args[1])  # type: ignore[index]
        elif isinstance(target, torch._ops.OpOverload) and target not in SIZES:
            self._operation(node, target)
        elif isinstance(target, torch._ops.HigherOrderOperator):
            raise NotImplementedError(f"the higher-order operation {target}")

    def _operation(self, node: fx.Node, target: torch._ops.OpOverload) -> None:
        first = target._schema.arguments[0].alias_info if target._schema.arguments else None
        changed = node.args[0] if first is not None and first.is_write else None
        if changed is not None:
            target = functional(target, changed)
        args, kwargs, given = [], {}, dict(node.kwargs)
        for k, argument in enumerate(target._schema.arguments):
            value = node.args[k] if k < len(node.args) else given.pop(argument.name, argument.default_value)
            if argument.kwarg_only:
                kwargs[argument.name] = self._value(value)
            else:
                args.append(self._value(value))
        self._append(node, str(target), node.meta["val"], args=args, kwargs=kwargs, common=common_type(node.args))
        if isinstance(changed, fx.Node):
            self._refs[changed] = self._refs[node]

    def _append(self, node: fx.Node, op: str, result: Any, **facts: Any) -> None:
        self._refs[node] = {"ref": f"n{len(self._nodes)}"}
        entry = {"id": f"n{len(self._nodes)}", "op": op, "args": [], "kwargs": {}} | facts | self._describe(result)
        self._nodes.append(entry)

    def _describe(self, result: Any) -> Json:
        if isinstance(result, torch.SymInt | torch.SymFloat):
            return {"outputs": [], "value": result.node.hint}
        tensors = [result] if isinstance(result, torch.Tensor) else result
        return {"outputs": [self._tensor(tensor) for tensor in tensors]}

    def _tensor(self, tensor: torch.Tensor) -> Json:
        return {
            "shape": [hint(size) for size in tensor.shape],
            "sizes": [self._size(size) for size in tensor.shape],
            "stride": [hint(stride) for stride in tensor.stride()],
            "dtype": dtype_name(tensor.dtype),
        }

    def _size(self, size: int | torch.SymInt) -> int | str:
        if isinstance(size, torch.SymInt):
            return self._printer.text(size.node.expr) or hint(size)
        return size

    def _value(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return self._refs.get(value) or self._number(value)
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return literal(value)

    def _number(self, node: fx.Node) -> Any:
        value = literal(node.meta["val"].node.hint)
        text = self._expression(node)
        return value if text is None else {"expression": tidy(text), "value": value}

    def _expression(self, node: object) -> str | None:
        if not isinstance(node, fx.Node):
            return repr(node) if isinstance(node, int | float) else None
        if node in self._refs:
            return str(self._refs[node]["ref"])
        value = node.meta["val"]
        if isinstance(value, torch.SymInt) and (text := self._printer.text(value.node.expr)):
            return text
        operands = [self._expression(operand) for operand in node.args]
        if node.target not in OPERATORS or None in operands:
            return None
        return OPERATORS[node.target].format(*operands)
