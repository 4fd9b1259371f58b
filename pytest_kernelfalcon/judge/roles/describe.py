"""The parts of a contract that are read off a problem's instance: names, inputs, state, outputs, graph."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import Input, Output, State
from pytest_kernelfalcon.contracts.trees import TreeError, encode
from pytest_kernelfalcon.judge.roles import graph
from pytest_kernelfalcon.judge.roles.behaviour import Behaviour
from pytest_kernelfalcon.judge.roles.broken import Broken, TooSlow, time_limit
from pytest_kernelfalcon.judge.roles.graph_inputs import parameter_names
from pytest_kernelfalcon.judge.roles.held import Held, Storages
from pytest_kernelfalcon.judge.roles.modules import Instance
from pytest_kernelfalcon.judge.roles.probe import Seen

MAX_GRAPH_OPS = 512
GRAPH_SECONDS = 8.0


def input_names(instance: Instance, taken: set[str]) -> list[str]:
    """The parameters of `forward` that take the inputs; one that is also a state's keyword ends in `_input`."""
    names = parameter_names(instance.model, len(instance.inputs))
    return [f"{name}_input" if name in taken else name for name in names]


def inputs_of(instance: Instance, names: list[str]) -> list[Input]:
    storages = Storages()

    def spec(value: Any) -> dict[str, Any] | None:
        return storages.spec(value) if isinstance(value, torch.Tensor) else None

    try:
        return [Input(name, encode(value, spec)) for name, value in zip(names, instance.inputs, strict=True)]
    except TreeError as error:
        raise Broken(Cause.PROBLEM_VALUES, detail=f"`get_inputs()` returns a {error}") from None


def state_entry(item: Held) -> State:
    spec = Storages().spec(item.tensor)
    return State(item.arg, item.path, tuple(spec["shape"]), spec["dtype"], item.kind, item.tied_to)


def outputs_of(seen: Seen, behaviour: Behaviour, names: list[str]) -> list[Output]:
    aliases = [names[owner] if isinstance(owner, int) else owner for owner in behaviour.aliases]
    pairs = zip_longest(seen.outputs, aliases[: len(seen.outputs)])
    return [Output(shape, dtype, alias) for (shape, dtype), alias in pairs]


def graph_of(instance: Instance, held: list[Held], names: list[str], operations: int) -> dict[str, Any]:
    if operations > MAX_GRAPH_OPS:
        return {"untraceable": f"{operations} operations; at most {MAX_GRAPH_OPS} are traced"}
    try:
        with time_limit(GRAPH_SECONDS):
            captured = graph.capture(instance.model, instance.inputs, held)
    except graph.Untraceable as error:
        return {"untraceable": str(error)}
    except TooSlow:
        return {"untraceable": f"tracing {operations} operations takes more than {GRAPH_SECONDS:.0f} s"}
    renamed = dict(zip(parameter_names(instance.model, len(names)), names, strict=True))
    for part in ("inputs", "mutated"):
        captured[part] = {_rename(access, renamed): ref for access, ref in captured[part].items()}
    return captured


def _rename(access: str, renamed: dict[str, str]) -> str:
    name, bracket, rest = access.partition("[")
    return f"{renamed[name]}{bracket}{rest}"
