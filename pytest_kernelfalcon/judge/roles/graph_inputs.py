"""The arguments that a model is traced with: tensors without memory, symbolic sizes, symbolic numbers."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

from pytest_kernelfalcon.judge.roles.held import Held


@dataclass
class Feed:
    """One argument of the traced function. name: its access, or the state's `arg`; id: its node in the graph."""

    id: str
    op: Literal["input", "scalar", "state"]
    name: str
    value: Any


class Feeds:
    """The arguments, and what their symbols stand for.

    mode: the fake tensors' mode. symbols: a size's symbol → the expression it stands for ("n0.shape[1]").
    identities: `id()` of a tensor that the model holds → its feed, for those that tracing meets by themselves.
    """

    def __init__(
        self, model: nn.Module, inputs: Sequence[Any], held: Sequence[Held], *, sizes: bool, numbers: bool
    ) -> None:
        self._env = ShapeEnv(duck_shape=False, specialize_zero_one=True)
        self.mode = FakeTensorMode(shape_env=self._env, allow_non_fake_inputs=True)
        self._sizes = sizes
        self._numbers = numbers
        self.symbols: dict[Any, str] = {}
        self.all: list[Feed] = []
        self.names = parameter_names(model, len(inputs))
        for name, value in zip(self.names, inputs, strict=True):
            walk(value, name, self._input)
        firsts = {piece.arg: self._tensor("state", piece.arg, piece.tensor) for piece in held if piece.tied_to is None}
        self.identities = {id(piece.tensor): firsts[piece.tied_to or piece.arg] for piece in held}

    def given(self, values: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """`values`, one for each argument, by access and by the state's `arg`."""
        pairs = list(zip(self.all, values, strict=True))
        inputs = {feed.name: value for feed, value in pairs if feed.op != "state"}
        return inputs, {feed.name: value for feed, value in pairs if feed.op == "state"}

    def _input(self, access: str, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            self._tensor("input", access, value)
        elif type(value) in (int, float) and self._numbers:
            self._add("scalar", access, self._number(value, access))
        return value

    def _add(self, op: Literal["input", "scalar", "state"], name: str, value: Any) -> Feed:
        self.all.append(Feed(f"n{len(self.all)}", op, name, value))
        return self.all[-1]

    def _number(self, value: float, name: str) -> Any:
        source = ConstantSource(name)
        symbol = self._env.create_unspecified_symbol(value, source=source, dynamic_dim=DimDynamic.DYNAMIC)
        if isinstance(value, int):
            return self._env.create_symintnode(symbol, hint=value, source=source)
        return self._env.create_symfloatnode(symbol, hint=value, source=source)

    def _size(self, size: int, expression: str) -> Any:
        if size < 2 or not self._sizes:
            return size
        source = ConstantSource(expression)
        symbol = self._env.create_symbol(size, source=source, dynamic_dim=DimDynamic.DYNAMIC)
        self.symbols[symbol] = expression
        return self._env.create_symintnode(symbol, hint=size, source=source)

    def _tensor(self, op: Literal["input", "state"], name: str, tensor: torch.Tensor) -> Feed:
        shape = [self._size(int(size), f"n{len(self.all)}.shape[{dim}]") for dim, size in enumerate(tensor.shape)]
        with self.mode:
            if tensor.is_contiguous():
                return self._add(op, name, torch.empty(shape, dtype=tensor.dtype))
            return self._add(op, name, torch.empty_strided(shape, tensor.stride(), dtype=tensor.dtype))


def parameter_names(model: nn.Module, count: int) -> list[str]:
    """The parameters of `forward` that `count` positional arguments go to; `*rest` gives rest_0, rest_1, …"""
    names: list[str] = []
    for parameter in inspect.signature(model.forward).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{k}" for k in range(count - len(names))]
        elif parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return names[:count]


def walk(value: Any, access: str, leaf: Callable[[str, Any], Any]) -> Any:
    """`value` rebuilt from what `leaf(access, x)` makes of whatever is no list, tuple or dict."""
    if isinstance(value, dict):
        return {key: walk(item, f"{access}[{json.dumps(key)}]", leaf) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [walk(item, f"{access}[{k}]", leaf) for k, item in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return tuple(items) if isinstance(value, tuple) else items
    return leaf(access, value)


def rebuild(names: Sequence[str], inputs: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """The inputs with the tensors and numbers that are traced put in."""
    pairs = zip(names, inputs, strict=True)
    return [walk(value, name, lambda access, old: given.get(access, old)) for name, value in pairs]


@contextmanager
def placed(model: nn.Module, held: Sequence[Held], given: Mapping[str, Any]) -> Iterator[None]:
    """The model holding `given`'s tensors; afterwards it holds what it did, whatever its forward has set.

    What only a list or a dict holds stays there: tracing meets it as a constant, known by its identity.
    """
    modules = list(model.modules())
    before = [(vars(module), dict(vars(module))) for module in modules]
    tables = [(table, dict(table)) for module in modules for table in (module._parameters, module._buffers)]
    try:
        places = [(_owner(model, piece), given[piece.tied_to or piece.arg]) for piece in held]
        for place, tensor in places:
            if place is not None:
                owner, name = place
                owner[name] = tensor
        yield
    finally:
        for live, kept in (*before, *tables):
            live.clear()
            live.update(kept)


def _owner(model: nn.Module, piece: Held) -> tuple[dict[str, Any], str] | None:
    """The dict of the module that holds this state, and its key; None for what a list or a dict holds."""
    *parents, name = piece.path.split(".")
    module: nn.Module | None = model
    for parent in parents:
        module = module._modules.get(parent) if module is not None else None
    if module is None:
        return None
    for table in (module._parameters, module._buffers, vars(module)):
        if table.get(name) is piece.tensor:
            return table, name
    return None
