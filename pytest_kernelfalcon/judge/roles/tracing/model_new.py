"""KernelBench's own form of an answer: a module `ModelNew`, called as a `kernel_function`. PYTEST_DONT_REWRITE

It is made with the problem's `get_init_inputs()`, outside the trace and without memory; the judge's state then takes
the place of its parameters and buffers, matched by name and shape. `forward` is traced like any wrapper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from pytest_kernelfalcon.contracts.trees import Tree, decode
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder
from pytest_kernelfalcon.judge.roles.tracing.torch_side import Device


class ModelNew:
    """paths: of the problem's state, to the argument that holds it."""

    def __init__(self, kind: Any, paths: Mapping[str, str]) -> None:
        self._kind, self._paths = kind, paths
        self._made: tuple[str, nn.Module] | None = None

    def prepare(self, init: Tree | None, recorder: Recorder) -> None:
        """The module for these arguments; it stays while they do. Raises what making it raises.

        What it makes beside the problem's state has no data: the recorder is told of it, to refuse it by its name.
        """
        if init is None:
            raise TypeError(
                "ModelNew cannot be made here: get_init_inputs() returns more than numbers, texts and lists"
            )
        key = json.dumps(init, sort_keys=True)
        if self._made is None or self._made[0] != key:
            made_with: Any = decode(init, _no_tensor)
            with torch.device("meta"), Device(recorder):
                self._made = key, self._kind(*made_with[0], **made_with[1])
            recorder.made = dict(reversed([*_own_tensors(self._made[1])]))  # of several names the first

    def __call__(self, *inputs: object, **state: Any) -> object:
        return self.holding(state)(*inputs)

    def holding(self, state: Mapping[str, Any]) -> nn.Module:
        """The prepared module with that state. Raises TypeError for a tensor of its own that the problem has not."""
        assert self._made is not None
        model = self._made[1]
        self._hold(model, state)
        return model

    def _hold(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """The state in place of the model's own tensors. Raises TypeError for one that the problem has not."""
        for prefix, module in model.named_modules():
            for name, own in [*module._parameters.items(), *module._buffers.items()]:
                if own is None:
                    continue
                path = f"{prefix}.{name}" if prefix else name
                given = state.get(self._paths.get(path, ""))
                if given is None or given.shape != own.shape:
                    had = "another shape there" if given is not None else "no such state"
                    raise TypeError(
                        f"ModelNew holds `{path}` of shape {tuple(own.shape)}; the problem's model has {had}"
                    )
            self._replace(prefix, module, state)

    def _replace(self, prefix: str, module: nn.Module, state: Mapping[str, Any]) -> None:
        for name in [*module._parameters, *module._buffers, *vars(module)]:
            path = f"{prefix}.{name}" if prefix else name
            if path in self._paths:
                module._parameters.pop(name, None)
                module._buffers.pop(name, None)
                vars(module)[name] = state[self._paths[path]]


def _own_tensors(model: nn.Module) -> Iterator[tuple[int, str]]:
    """The storages of all that it holds, with their names."""
    for prefix, module in model.named_modules():
        for name, value in [*module._parameters.items(), *module._buffers.items(), *vars(module).items()]:
            if isinstance(value, torch.Tensor):
                yield value.untyped_storage()._cdata, f"{prefix}.{name}" if prefix else name


def _no_tensor(spec: dict[str, Any]) -> object:
    raise TypeError("a tensor among the arguments")
