"""The executor's memory on the CPU: one exact buffer a storage, poisoned, watched. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import triton
from triton.tools.tensor_descriptor import TensorDescriptor

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge.interpreter import Region

POISON = 0xFF
"""Every byte of fresh memory: NaN in each floating type, -1 or the maximum in integers."""


class Storages:
    """The storages of one call. watch: also record which bytes were ever written."""

    def __init__(self, watch: bool) -> None:
        self._watch = watch
        self._buffers: list[torch.Tensor] = []
        self.originals: list[torch.Tensor] = []
        self.regions: list[Region] = []

    def give(self, data: list[torch.Tensor], names: list[str]) -> None:
        """The inputs' storages, copied from flat uint8 tensors."""
        self.originals = data
        for content, name in zip(data, names, strict=True):
            self._add(content.clone(), name)

    def allocate(self, nbytes: int) -> None:
        self._add(torch.full((nbytes,), POISON, dtype=torch.uint8), f"allocation {len(self._buffers)}")

    def _add(self, buffer: torch.Tensor, name: str) -> None:
        written = np.zeros(buffer.numel(), dtype=bool) if self._watch else None
        self._buffers.append(buffer)
        self.regions.append(Region(name, buffer.data_ptr(), buffer.numel(), written))

    def view(self, spec: TensorSpec) -> torch.Tensor:
        """The tensor that a checked spec describes."""
        tensor = torch.empty(0, dtype=getattr(torch, spec.dtype))
        storage = self._buffers[spec.storage].untyped_storage()
        return tensor.set_(storage, spec.offset, spec.shape, spec.stride)

    def fill(self, spec: TensorSpec, value: bool | int | float) -> None:
        self.view(spec).fill_(value)
        self._mark(spec)

    def copy(self, target: TensorSpec, source: TensorSpec) -> None:
        self.view(target).copy_(self.view(source))
        self._mark(target, self._written_elements(source))

    def _mark(self, spec: TensorSpec, which: torch.Tensor | None = None) -> None:
        view = self._written_view(spec)
        if view is not None:
            view.logical_or_(which if which is not None else torch.ones((), dtype=torch.bool))

    def _written_view(self, spec: TensorSpec) -> torch.Tensor | None:
        """The watch marks of a tensor's bytes, as a bool tensor with one more dimension (the bytes of an element)."""
        written = self.regions[spec.storage].written
        if written is None:
            return None
        size = getattr(torch, spec.dtype).itemsize
        strides = [s * size for s in spec.stride]
        marks = torch.from_numpy(written)
        return marks.as_strided([*spec.shape, size], [*strides, 1], spec.offset * size)

    def _written_elements(self, spec: TensorSpec) -> torch.Tensor | None:
        view = self._written_view(spec)
        if view is None or spec.storage < len(self.originals):
            return None  # an input's bytes are all there
        return view

    def unwritten(self, spec: TensorSpec) -> int:
        """How many elements of a tensor hold bytes that nothing wrote; -1 where nobody watched."""
        view = self._written_view(spec)
        if view is None:
            return -1
        if spec.storage < len(self.originals):
            return 0
        return int((~view.all(dim=-1)).sum())

    def modified(self) -> list[int]:
        """The inputs' storages whose bytes are no longer what was given."""
        pairs = zip(self._buffers, self.originals, strict=False)
        return [i for i, (now, before) in enumerate(pairs) if not torch.equal(now, before)]

    def argument(self, value: Any, kernels: dict[str, Any], dtypes: dict[str, Any]) -> Any:
        """A launch argument as Triton takes it."""
        if not isinstance(value, dict):
            return value
        if "as" in value:
            return triton.reinterpret(self.view(value["tensor"]), dtypes[value["as"]])
        if "tensor" in value:
            return self.view(value["tensor"])
        if "dtype" in value:
            return dtypes[value["dtype"]]
        if "kernel" in value:
            return kernels[value["kernel"]]
        if "tuple" in value:
            return tuple(self.argument(item, kernels, dtypes) for item in value["tuple"])
        options = {} if value["padding"] == "zero" else {"padding": value["padding"]}
        base = self.view(value["descriptor"])
        return TensorDescriptor(base, list(value["shape"]), list(value["strides"]), list(value["block"]), **options)
