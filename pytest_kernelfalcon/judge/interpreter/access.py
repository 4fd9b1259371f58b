"""Loads and stores: every one goes through the launch's Memory, and so do block pointers and tensor descriptors."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.interpreter import memory, overflow
from pytest_kernelfalcon.judge.interpreter.dtypes import convert, numpy_dtype
from pytest_kernelfalcon.judge.interpreter.faults import Fault
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.machine import Machine
from pytest_kernelfalcon.judge.interpreter.memory import UNSIGNED, Array, Part


def active_lanes(pointers: Any, mask: Any, action: str) -> tuple[Array, Array | None]:
    """The addresses of an access's active lanes, flat, and which lanes those are: None for all of them.

    mask: a handle, an array (Triton 3.6) or None. Raises Fault where an address comes from a wrapped offset.
    """
    addresses: Array = pointers.data
    active: Array | None = None
    if mask is not None:
        active = np.asarray(mask.data if isinstance(mask, TensorHandle) else mask).astype(bool, copy=False)
        if active.shape != addresses.shape:
            active = np.broadcast_to(active, addresses.shape)
        if active.all():
            active = None
    overflow.check(pointers, active, action)
    return (addresses.ravel() if active is None else addresses[active]), active


class AccessOps(Machine):
    """tl.load and tl.store. The signatures differ between Triton 3.6 (two cache arguments) and 3.9 (one)."""

    def create_load(self, ptr: Any, *modifiers: Any) -> Any:
        return self._load(ptr, None, None, volatile=bool(modifiers[-1]))

    def create_masked_load(self, ptrs: Any, mask: Any, other: Any, *modifiers: Any, **named: Any) -> Any:
        volatile = named["is_volatile"] if "is_volatile" in named else modifiers[-1]
        return self._load(ptrs, mask, other, volatile=bool(volatile))

    def create_store(self, ptr: Any, val: Any, *_modifiers: Any) -> None:
        self._store(ptr, val, None)

    def create_masked_store(self, ptrs: Any, value: Any, mask: Any, *_modifiers: Any) -> None:
        self._store(ptrs, value, mask)

    def _load(self, pointers: Any, mask: Any, other: Any, volatile: bool) -> Any:
        self.budget.spend()
        element = pointers.get_element_ty()
        dtype = numpy_dtype(element)
        bits = UNSIGNED[dtype.itemsize]
        addresses, active = active_lanes(pointers, mask, "load")
        shape = pointers.data.shape
        if active is None:
            return TensorHandle(self._read(addresses, bits.itemsize, volatile).reshape(shape).view(dtype), element)
        values = np.zeros(shape, bits)
        if other is not None:
            values[...] = convert(other.data, dtype).view(bits)
        if addresses.size:
            values[active] = self._read(addresses, bits.itemsize, volatile)
        return TensorHandle(values.view(dtype), element)

    def _read(self, addresses: Array, size: int, volatile: bool) -> Array:
        parts = self.memory.parts(addresses, size, "load")
        if self.races is not None:
            for part in parts:
                self.races.reads(part, size, volatile, "load")
        return memory.read(parts, addresses.size, size)

    def _store(self, pointers: Any, value: Any, mask: Any) -> None:
        self.budget.spend()
        dtype = numpy_dtype(pointers.get_element_ty())
        size = dtype.itemsize
        addresses, active = active_lanes(pointers, mask, "store")
        if addresses.size == 0:
            return
        bits = np.ascontiguousarray(convert(value.data, dtype)).view(UNSIGNED[size])
        if bits.shape != pointers.data.shape:
            bits = np.broadcast_to(bits, pointers.data.shape)
        bits = bits.ravel() if active is None else bits[active]
        parts = self.memory.parts(addresses, size, "store")
        if self.races is not None:
            for part in parts:
                self.races.stores(part, bits if part.lanes is None else bits[part.lanes], size, "store")
        memory.write(parts, bits, size)
        if bits.size > 1 and (memory.read(parts, bits.size, size) != bits).any():
            raise Fault(Cause.RACE, _lane_race(parts, bits, size), action="store")


def _lane_race(parts: list[Part], bits: Array, size: int) -> str:
    """Of two lanes that store to one address the later one wins here; the other finds a value that is not its own."""
    for part in parts:
        found = part.block.view(size)[0].take(part.places)
        lost = np.flatnonzero(found != (bits if part.lanes is None else bits[part.lanes]))
        if lost.size:
            break
    return f"two lanes write different values to element {int(part.places[lost[0]])} of `{part.block.name}`"
