"""The executor's memory on a GPU: one fenced mapping a storage. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import torch

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge.roles.cuda.memory import Storage
from pytest_kernelfalcon.judge.roles.storages import POISON, Storages

WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers of an element's size: to compare all its bytes at once."""
CHUNK = 1 << 30
"""Bytes compared at a time."""


class DeviceStorages(Storages):
    """The storages of one call, until `free`."""

    def __init__(self) -> None:
        super().__init__(watch=False)
        self._poison = POISON
        self._storages: list[Storage] = []
        self._names: list[str] = []

    def give(self, data: list[torch.Tensor], names: list[str]) -> None:
        self.originals = data
        for content, name in zip(data, names, strict=True):
            self._reserve(content.numel(), name).copy_(content)

    def allocate(self, nbytes: int) -> None:
        self._reserve(nbytes, f"allocation {len(self._buffers)}")

    def _reserve(self, nbytes: int, name: str) -> torch.Tensor:
        storage = Storage(nbytes, self._poison)
        self._storages.append(storage)
        self._names.append(name)
        self._buffers.append(storage.bytes)
        return storage.bytes

    def restart(self, poison: int) -> None:
        """As they were before the first step, but for the poison."""
        self._poison = poison
        for storage in self._storages:
            storage.spoil(poison)
        for buffer, content in zip(self._buffers, self.originals, strict=False):
            buffer.copy_(content)

    def view(self, spec: TensorSpec) -> torch.Tensor:
        tensor = torch.empty(0, dtype=getattr(torch, spec.dtype), device="cuda")
        return tensor.set_(self._buffers[spec.storage].untyped_storage(), spec.offset, spec.shape, spec.stride)

    def fill(self, spec: TensorSpec, value: bool | int | float) -> None:
        self.view(spec).fill_(value)

    def copy(self, target: TensorSpec, source: TensorSpec) -> None:
        self.view(target).copy_(self.view(source))

    def poisoned(self, spec: TensorSpec) -> torch.Tensor:
        """Which elements of a tensor hold poison in every byte; none of an input's."""
        view = self.view(spec)
        if spec.storage < len(self.originals) or not view.numel():
            return torch.zeros(view.numel(), dtype=torch.bool, device="cuda")
        whole = WHOLE[view.element_size()]
        poison = torch.full((view.element_size(),), self._poison, dtype=torch.uint8, device="cuda").view(whole)
        return (view.view(whole) == poison).reshape(-1)

    def modified(self) -> list[int]:
        pairs = zip(self._buffers, self.originals, strict=False)
        return [i for i, (now, before) in enumerate(pairs) if not _same_bytes(now, before)]

    def strayed(self) -> str | None:
        """The name of a storage beside which something was stored."""
        pairs = zip(self._storages, self._names, strict=True)
        return next((name for storage, name in pairs if not storage.intact()), None)

    def free(self) -> None:
        torch.cuda.synchronize()
        self._buffers.clear()
        for storage in self._storages:
            storage.memory.free()
        self._storages.clear()


def _same_bytes(left: torch.Tensor, right: torch.Tensor) -> bool:
    starts = range(0, left.numel(), CHUNK)
    return all(torch.equal(left[start : start + CHUNK], right[start : start + CHUNK]) for start in starts)
