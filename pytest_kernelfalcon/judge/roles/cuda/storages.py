"""The executor's memory on a GPU: one fenced mapping a storage. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import torch

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge.roles.cuda.memory import Storage
from pytest_kernelfalcon.judge.roles.storages import POISON, Storages


class DeviceStorages(Storages):
    """The storages of one call, until `free`. poison: every byte of fresh memory."""

    def __init__(self, poison: int = POISON) -> None:
        super().__init__(watch=False)
        self._poison = poison
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

    def view(self, spec: TensorSpec) -> torch.Tensor:
        tensor = torch.empty(0, dtype=getattr(torch, spec.dtype), device="cuda")
        return tensor.set_(self._buffers[spec.storage].untyped_storage(), spec.offset, spec.shape, spec.stride)

    def fill(self, spec: TensorSpec, value: bool | int | float) -> None:
        self.view(spec).fill_(value)

    def copy(self, target: TensorSpec, source: TensorSpec) -> None:
        self.view(target).copy_(self.view(source))

    def poisoned(self, spec: TensorSpec) -> torch.Tensor:
        """Which elements of a tensor hold poison in every byte; none of an input's."""
        view = self.view(spec).contiguous()
        if spec.storage < len(self.originals) or not view.numel():
            return torch.zeros(view.numel(), dtype=torch.bool, device="cuda")
        return (view.reshape(-1).view(torch.uint8).reshape(view.numel(), -1) == self._poison).all(dim=-1)

    def modified(self) -> list[int]:
        pairs = zip(self._buffers, self.originals, strict=False)
        return [i for i, (now, before) in enumerate(pairs) if not torch.equal(now.cpu(), before)]

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
