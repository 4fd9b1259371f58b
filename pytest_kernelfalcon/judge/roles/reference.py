"""Role `reference`: inputs, eager outputs and fp64 truth of one problem. PYTEST_DONT_REWRITE

Requests {"case": {"source", "path", "seed", "mutates", "dtype", "strides", "values"}}; answers {"inputs", "state",
"storages", "outputs", "tree", "flags"} with two memory files, the inputs' storages and the expected values; or
{"broken", "facts", "line"}.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from types import ModuleType
from typing import Any

import torch

from pytest_kernelfalcon.contracts.trees import encode
from pytest_kernelfalcon.judge.roles import blobs, widen
from pytest_kernelfalcon.judge.roles.modules import (
    Broken,
    Held,
    Instance,
    Storages,
    build,
    build_inputs,
    forward,
    load,
    outputs_of,
    seed_everything,
    state_of,
)
from pytest_kernelfalcon.judge.roles.variants import vary
from pytest_kernelfalcon.judge.wire import Channel

TRUTH_IS_EAGER = "truth_is_eager"


def serve(channel: Channel, job: dict[str, Any]) -> None:
    problem = Reference()
    while True:
        request, _ = channel.receive()
        try:
            answer, fds = problem.case(**request["case"])
        except Broken as broken:
            facts = {key: str(value) for key, value in broken.facts.items()}
            channel.send({"broken": broken.cause.value, "facts": facts, "line": broken.line})
            continue
        channel.send(answer, fds)
        for fd in fds:
            os.close(fd)


class Reference:
    """One problem, at whatever sizes it is asked for."""

    def __init__(self) -> None:
        self._modules: dict[str, tuple[ModuleType, set[int]]] = {}

    def case(
        self, source: str, path: str, seed: int, mutates: list[int], dtype: str, strides: str, values: str
    ) -> tuple[dict[str, Any], list[int]]:
        """One draw. mutates: positions of the inputs that `forward` changes, whose content is expected as well.

        dtype, strides, values: see `contracts.variants`.
        """
        module, fixed = self._module(source, path)
        instance = build(module, seed)
        _refresh(instance, _own_state(instance), fixed)
        vary(instance, dtype, strides, values)
        held = _own_state(instance)
        storages = Storages()
        trees = [encode(value, lambda v: _spec(storages, v)) for value in instance.inputs]
        state = {item.arg: {"t": storages.spec(item.tensor)} for item in held}
        inputs_fd, pieces = blobs.write("inputs", [item.clone() for item in storages.items])
        truth, flags = _truth(instance, held, mutates)
        result = forward(instance, instance.inputs)
        tree, eager = outputs_of(result)
        eager = [*eager, *_mutated(instance.inputs, mutates)]
        expected_fd, outputs = _expected(eager, truth)
        answer = {
            "inputs": trees,
            "state": state,
            "storages": [asdict(piece) for piece in pieces],
            "outputs": outputs,
            "tree": tree,
            "flags": flags,
        }
        return answer, [inputs_fd, expected_fd]

    def _module(self, source: str, path: str) -> tuple[ModuleType, set[int]]:
        """The module, and the positions of the floating inputs that `get_inputs()` gives the same every time."""
        if source not in self._modules:
            module = load(source, path)
            draws = []
            for seed in (1, 2):
                seed_everything(seed)
                draws.append(build_inputs(module))
            self._modules[source] = module, {i for i, pair in enumerate(zip(*draws, strict=False)) if _same(*pair)}
        return self._modules[source]


def _own_state(instance: Instance) -> list[Held]:
    return [item for item in state_of(instance.model) if item.tied_to is None]


def _same(first: object, second: object) -> bool:
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor) or not first.is_floating_point():
        return False
    return first.shape == second.shape and torch.equal(first.nan_to_num(), second.nan_to_num())


def _spec(storages: Storages, value: Any) -> dict[str, Any] | None:
    return storages.spec(value) if isinstance(value, torch.Tensor) else None


def _refresh(instance: Instance, held: list[Held], fixed: set[int]) -> None:
    """Draw afresh what construction leaves flat: state of ones or zeros, and inputs that never change.

    Signs stay, and with them the domain of a logarithm or a root; zeros of parameters become small numbers.
    """
    with torch.no_grad():
        for item in held:
            if item.tensor.is_floating_point():
                _vary(item.tensor, zeros=item.kind == "parameter")
        for position in fixed:
            if _is_whole(instance.inputs[position]):
                _vary(instance.inputs[position], zeros=False)


def _vary(tensor: torch.Tensor, zeros: bool) -> None:
    factor = 0.5 + torch.rand(tensor.shape)
    offset = torch.where(tensor == 0, 0.3 * torch.randn(tensor.shape), torch.zeros(())) if zeros else torch.zeros(())
    tensor.copy_(tensor * factor.to(tensor.dtype) + offset.to(tensor.dtype))


def _is_whole(value: Any) -> bool:
    """Whether each element has memory of its own, so that writing one does not change another."""
    return isinstance(value, torch.Tensor) and all(s for n, s in zip(value.shape, value.stride(), strict=True) if n > 1)


def _truth(instance: Instance, held: list[Held], mutates: list[int]) -> tuple[list[torch.Tensor] | None, list[str]]:
    """fp64 outputs, or None where the forward does not run in fp64 (a flag says so)."""
    given = [v for v in instance.inputs if isinstance(v, torch.Tensor)] + [item.tensor for item in held]
    wide = Instance(instance.module, widen.widened_model(instance.model), widen.widened(instance.inputs), False)
    try:
        with widen.double_by_default(), widen.Widen(widen.working_bytes(given)):
            _, truth = outputs_of(forward(wide, wide.inputs))
    except Broken:
        return None, [TRUTH_IS_EAGER]
    return [*truth, *_mutated(wide.inputs, mutates)], []


def _mutated(inputs: list[Any], mutates: list[int]) -> list[torch.Tensor]:
    return [inputs[position] for position in mutates]


def _expected(eager: list[torch.Tensor], truth: list[torch.Tensor] | None) -> tuple[int, list[dict[str, Any]]]:
    """The expected values in a memory file, and where each output's lie in it."""
    wide = truth if truth is not None else eager
    fd, pieces = blobs.write("expected", [blobs.raw(t) for pair in zip(eager, wide, strict=True) for t in pair])
    outputs = []
    for index, (value, exact) in enumerate(zip(eager, wide, strict=True)):
        outputs.append(
            {
                "shape": list(value.shape),
                "dtype": str(value.dtype).removeprefix("torch."),
                "eager": asdict(pieces[2 * index]),
                "truth": asdict(pieces[2 * index + 1]) | {"dtype": str(exact.dtype).removeprefix("torch.")},
            }
        )
    return fd, outputs
