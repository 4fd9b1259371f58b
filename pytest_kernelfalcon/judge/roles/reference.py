"""Role `reference`: inputs, eager outputs and fp64 truth of one problem. PYTEST_DONT_REWRITE

Requests {"case": {"source", "path", "seed", "mutates", "dtype", "strides", "values"}}; answers {"inputs", "state",
"init", "storages", "outputs", "tree", "flags"} with two files (roles/blobs.py), the inputs' storages and the expected
values; or {"broken", "facts", "line"}. Requests {"leeway": the same}; answers {"leeway": […]} (roles/leeway.py) with a
file, one entry an output, or none where nothing is known.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from types import ModuleType
from typing import Any

import torch

from pytest_kernelfalcon.contracts.trees import encode
from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.roles.leeway import eager_errors, leeway
from pytest_kernelfalcon.judge.roles.modules import (
    Broken,
    Held,
    Instance,
    Storages,
    build,
    build_inputs,
    forward,
    init_tree,
    load,
    outputs_of,
    seed_everything,
    state_of,
)
from pytest_kernelfalcon.judge.roles.truth import mutated, truth_of
from pytest_kernelfalcon.judge.roles.variants import moved, vary
from pytest_kernelfalcon.judge.wire import Channel

MORE_DRAWS = 4
"""In which eager's errors are looked at too, where a kernel's seem too large: in one draw eager may have been lucky."""


def serve(channel: Channel, job: dict[str, Any]) -> None:
    answer(channel, Reference(blobs.Host()))


def answer(channel: Channel, problem: Reference) -> None:
    """Every request."""
    while True:
        request, _ = channel.receive()
        try:
            answer, fds = (
                problem.leeway(**request["leeway"]) if "leeway" in request else problem.case(**request["case"])
            )
        except Broken as broken:
            facts = {key: str(value) for key, value in broken.facts.items()}
            channel.send({"broken": broken.cause.value, "facts": facts, "line": broken.line})
            continue
        channel.send(answer, fds)
        for fd in fds:
            os.close(fd)


class Reference:
    """One problem, at whatever sizes it is asked for, where its tensors lie at that place."""

    def __init__(self, place: blobs.Place) -> None:
        self.place = place
        self._modules: dict[str, tuple[ModuleType, set[int]]] = {}

    def case(
        self, source: str, path: str, seed: int, mutates: list[int], dtype: str, strides: str, values: str
    ) -> tuple[dict[str, Any], list[int]]:
        """One draw. mutates: positions of the inputs that `forward` changes, whose content is expected as well.

        dtype, strides, values: see `contracts.variants`.
        """
        instance = self._drawn(source, path, seed, dtype, strides, values)
        given, inputs_fd = self._given(instance)
        truth, flags = truth_of(instance, mutates)
        tree, eager = outputs_of(forward(instance, instance.inputs))
        eager = [*eager, *mutated(instance.inputs, mutates)]
        del instance  # on a GPU its memory may be needed now
        expected_fd, outputs = self._expected(eager, truth or eager)
        return given | {"outputs": outputs, "tree": tree, "flags": flags}, [inputs_fd, expected_fd]

    def leeway(
        self, source: str, path: str, seed: int, mutates: list[int], **variant: str
    ) -> tuple[dict[str, Any], list[int]]:
        """What a draw's outputs may be besides, and eager's errors in a few more draws of the kind."""
        instance = self._drawn(source, path, seed, **variant)
        truth, _ = truth_of(instance, mutates)
        found = leeway(instance, truth, mutates) if truth else []
        draws = (
            [self._drawn(source, path, seed + more, **variant) for more in range(1, MORE_DRAWS + 1)] if found else []
        )
        eager = [eager_errors(draw, mutates) for draw in draws]
        fd, pieces = self.place.write("leeway", [blobs.raw(tensor) for item in found for tensor in item.also])
        places = iter(asdict(piece) for piece in pieces)
        known = [
            {
                "also": [next(places) for _ in item.also],
                "rms": item.rms,
                "top": item.top,
                "eager": [e[i] for e in eager],
            }
            for i, item in enumerate(found)
        ]
        return {"leeway": known}, [fd]

    def _drawn(self, source: str, path: str, seed: int, dtype: str, strides: str, values: str) -> Instance:
        module, fixed = self._module(source, path)
        with torch.device(self.place.device):
            instance = build(module, seed)
        moved(instance, self.place.device)
        refresh(instance, fixed)
        vary(instance, dtype, strides, values)
        return instance

    def _given(self, instance: Instance) -> tuple[dict[str, Any], int]:
        """What the kernel is given: its arguments, over storages in a file."""
        storages = Storages()
        trees = [encode(value, lambda v: _spec(storages, v)) for value in instance.inputs]
        state = {item.arg: {"t": storages.spec(item.tensor)} for item in own_state(instance)}
        fd, pieces = self.place.write("inputs", storages.items)
        given = {"inputs": trees, "state": state, "storages": [asdict(piece) for piece in pieces]}
        return given | {"init": init_tree(instance)}, fd

    def _module(self, source: str, path: str) -> tuple[ModuleType, set[int]]:
        """The module, and the positions of the floating inputs that `get_inputs()` gives the same every time."""
        if source not in self._modules:
            module = load(source, path)
            draws = []
            for seed in (1, 2):
                seed_everything(seed)
                with torch.device(self.place.device):
                    draws.append(build_inputs(module))
            self._modules[source] = module, {i for i, pair in enumerate(zip(*draws, strict=False)) if same_draw(*pair)}
        return self._modules[source]

    def _expected(self, eager: list[torch.Tensor], truth: list[torch.Tensor]) -> tuple[int, list[dict[str, Any]]]:
        """The expected values in a file, and where each output's lie in it."""
        pairs = list(zip(eager, truth, strict=True))
        fd, pieces = self.place.write("expected", [blobs.raw(tensor) for pair in pairs for tensor in pair])
        places = iter(asdict(piece) for piece in pieces)
        outputs = [
            {
                "shape": list(value.shape),
                "dtype": _name(value.dtype),
                "eager": next(places),
                "truth": next(places) | {"dtype": _name(exact.dtype)},
            }
            for value, exact in pairs
        ]
        return fd, outputs


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def own_state(instance: Instance) -> list[Held]:
    return [item for item in state_of(instance.model) if item.tied_to is None]


def same_draw(first: object, second: object) -> bool:
    """Whether two draws of an input are the same floating numbers: `get_inputs()` then gives them every time."""
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor) or not first.is_floating_point():
        return False
    return first.shape == second.shape and torch.equal(first.nan_to_num(), second.nan_to_num())


def _spec(storages: Storages, value: Any) -> dict[str, Any] | None:
    return storages.spec(value) if isinstance(value, torch.Tensor) else None


def refresh(instance: Instance, fixed: set[int]) -> None:
    """Draw afresh what construction leaves flat: state of ones or zeros, and inputs that never change.

    Signs stay, and with them the domain of a logarithm or a root; zeros of parameters become small numbers.
    """
    refresh_held(own_state(instance), instance.inputs, fixed)


def refresh_held(held: list[Held], inputs: list[Any], fixed: set[int]) -> None:
    """In place: the model's state, and the inputs at the positions `fixed`."""
    with torch.no_grad():
        for item in held:
            if item.tensor.is_floating_point():
                _vary(_once(item.tensor), zeros=item.kind == "parameter")
        for position in fixed:
            _vary(_once(inputs[position]), zeros=False)


def _vary(tensor: torch.Tensor, zeros: bool) -> None:
    device = tensor.device
    factor, nothing = 0.5 + torch.rand(tensor.shape, device=device), torch.zeros((), device=device)
    offset = torch.where(tensor == 0, 0.3 * torch.randn(tensor.shape, device=device), nothing) if zeros else nothing
    tensor.copy_(tensor * factor.to(tensor.dtype) + offset.to(tensor.dtype))


def _once(tensor: torch.Tensor) -> torch.Tensor:
    """Of elements that share memory, as those of an expanded tensor do, the first: the others follow it."""
    return tensor[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in tensor.stride())]
