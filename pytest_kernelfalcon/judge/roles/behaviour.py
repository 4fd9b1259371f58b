"""What a forward does besides its result: randomness, inputs that it changes, outputs that are its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.trees import skeleton
from pytest_kernelfalcon.judge.roles.broken import Broken
from pytest_kernelfalcon.judge.roles.held import Storages, state_of, tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, forward, outputs_of, seed_everything

FIRST_SEED, SECOND_SEED = 11, 23


@dataclass(frozen=True)
class Behaviour:
    """mutated: positions of the inputs that forward changes in place. updates_state: whether it changes state too.

    aliases: for each output, the position of the input or the `arg` of the state whose storage it is, if any.
    outputs: the values of one call.
    """

    mutated: list[int]
    updates_state: bool
    aliases: list[int | str | None]
    outputs: list[torch.Tensor]


def observe(instance: Instance) -> Behaviour:
    """Two calls on the same inputs and state with different random numbers; raises `Broken` where they differ."""
    before = _Snapshot(instance)
    seed_everything(FIRST_SEED)
    tree, live = outputs_of(forward(instance, instance.inputs))
    behaviour = Behaviour(
        mutated=[k for k, value in enumerate(instance.inputs) if before.changed(tensors_in(value))],
        updates_state=before.changed([item.tensor for item in state_of(instance.model)]),
        aliases=[_owner(output, instance) for output in live],
        outputs=[output.clone() for output in live],
    )
    before.restore()
    seed_everything(SECOND_SEED)
    again, repeated = outputs_of(forward(instance, instance.inputs))
    if [t.shape for t in repeated] != [t.shape for t in behaviour.outputs] or skeleton(again) != skeleton(tree):
        raise Broken(Cause.PROBLEM_RANDOM, detail="in the shapes or the structure of what they return")
    for index, (one, other) in enumerate(zip(behaviour.outputs, repeated, strict=True)):
        if different := int((_bits(one) != _bits(other)).any(-1).sum()):
            raise Broken(Cause.PROBLEM_RANDOM, detail=f"output {index} at {different} of {one.numel()} elements")
    return behaviour


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of each element: [elements, bytes], uint8."""
    return tensor.detach().reshape(-1, 1).contiguous().view(torch.uint8)


def _owner(output: torch.Tensor, instance: Instance) -> int | str | None:
    storage = output.untyped_storage()._cdata
    for position, value in enumerate(instance.inputs):
        if any(tensor.untyped_storage()._cdata == storage for tensor in tensors_in(value)):
            return position
    held = (item for item in state_of(instance.model) if item.tensor.untyped_storage()._cdata == storage)
    first = next(held, None)
    return first.arg if first else None


class _Snapshot:
    """Memory and attributes of an instance as they were, to find changes and to undo them."""

    def __init__(self, instance: Instance) -> None:
        storages = Storages()
        tensors = [*tensors_in(instance.inputs), *(item.tensor for item in state_of(instance.model))]
        for tensor in tensors:
            storages.number(tensor)
        self._storages = storages
        self._tensors = tensors  # kept alive, so that no other takes an id over
        self._versions = {id(tensor): tensor._version for tensor in tensors}
        self._memory = [(live, live.clone()) for live in storages.items]
        self._attributes = [(table, dict(table)) for module in instance.model.modules() for table in _tables(module)]

    def changed(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether one of these was written to, or is new. A write of equal values counts: the version tells."""
        for tensor in tensors:
            if self._versions.get(id(tensor)) != tensor._version:
                return True
            live, kept = self._memory[self._storages.number(tensor)]
            if not torch.equal(live, kept):
                return True
        return False

    def restore(self) -> None:
        for table, content in self._attributes:
            table.clear()
            table.update(content)
        for live, kept in self._memory:
            live.copy_(kept)


def _tables(module: nn.Module) -> list[dict[str, object]]:
    return [vars(module), module._parameters, module._buffers]
