"""The storages of one call: how large they are, what lies in them, and descriptors of tensors inside them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import ITEMSIZE, TensorSpec
from pytest_kernelfalcon.judge.launch_plan.bounds import MAX_INTEGER, Bounds, Invalid, integers, need, shown

MAX_RANK = 8
SMALL_INPUT = 64
"""Bytes up to which an input may be read into Python: scalars that decide, not data."""
TENSOR_KEYS = frozenset(("shape", "stride", "offset", "dtype", "storage"))


class Holds(Enum):
    """What the wrapper may learn from a storage. A kernel that is given one may have computed all of it."""

    NOTHING = "memory that nothing has written"
    INPUT = "an element of an input"
    OWN = "what a kernel computed, or the wrapper filled in"


class Storages:
    """They are numbered in order, the call's inputs first."""

    def __init__(self, bounds: Bounds) -> None:
        self.sizes: list[int] = []
        self._bounds = bounds
        self._holds: list[Holds] = []
        self._inputs = self._total = 0

    def give(self, sizes: list[int]) -> None:
        """The inputs' storages, in bytes."""
        self.sizes, self._inputs = list(sizes), len(sizes)
        self._holds = [Holds.OWN if size <= SMALL_INPUT else Holds.INPUT for size in sizes]

    def allocate(self, storage: Any, nbytes: Any) -> None:
        need(type(storage) is int and storage == len(self.sizes), f"storage {shown(storage, 40)} is not the next")
        need(type(nbytes) is int and 0 <= nbytes <= MAX_INTEGER, f"an allocation of {shown(nbytes, 40)} bytes")
        self._total += nbytes
        if self._total > self._bounds.call_bytes:
            detail = f"allocates {self._total} bytes in one call; at most {self._bounds.call_bytes}"
            raise Invalid(Cause.PLAN_FLOOD, detail=detail)
        self.sizes.append(nbytes)
        self._holds.append(Holds.NOTHING)

    def tensor(self, data: Any) -> TensorSpec:
        """A descriptor that lies inside its storage."""
        need(isinstance(data, dict) and set(data) == TENSOR_KEYS, f"tensor {shown(data)}")
        dtype, storage = data["dtype"], data["storage"]
        need(isinstance(dtype, str) and dtype in ITEMSIZE, f"dtype {shown(dtype, 40)}")
        need(type(storage) is int and 0 <= storage < len(self.sizes), f"unknown storage {shown(storage, 40)}")
        shape = integers(data["shape"], 0, MAX_INTEGER, MAX_RANK, "a shape")
        stride = integers(data["stride"], 0, MAX_INTEGER, MAX_RANK, "strides")
        (offset,) = integers([data["offset"]], 0, MAX_INTEGER, 1, "an offset")
        need(len(shape) == len(stride), "a shape and its strides differ in length")
        last = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) if all(shape) else offset - 1
        need((last + 1) * ITEMSIZE[dtype] <= self.sizes[storage], f"a tensor reaches element {last} of its storage")
        spec = TensorSpec(shape, stride, offset, dtype, storage)
        need(spec.nbytes <= self._bounds.call_bytes, "a tensor of more elements than memory")
        return spec

    def filled(self, target: TensorSpec) -> None:
        """The wrapper knows what it filled in; an input's elements stay among what the storage holds."""
        if self._holds[target.storage] is Holds.NOTHING:
            self._holds[target.storage] = Holds.OWN

    def copied(self, target: TensorSpec, source: TensorSpec) -> None:
        """A copy of an input is no less an input."""
        given = source.storage < self._inputs and self.sizes[source.storage] > SMALL_INPUT
        held = Holds.INPUT if given else self._holds[source.storage]
        if held is Holds.INPUT or self._holds[target.storage] is Holds.NOTHING:
            self._holds[target.storage] = held

    def launched(self, arguments: Iterable[TensorSpec]) -> None:
        for spec in arguments:
            self._holds[spec.storage] = Holds.OWN

    def check_readable(self, spec: TensorSpec, line: int | None) -> None:
        """Raises Invalid with VALUE_READ for what must not reach Python."""
        given = spec.storage < self._inputs and self.sizes[spec.storage] > SMALL_INPUT
        held = Holds.INPUT if given else self._holds[spec.storage]
        if held is not Holds.OWN:
            raise Invalid(Cause.VALUE_READ, line, detail=f"{held.value} is read into Python")
