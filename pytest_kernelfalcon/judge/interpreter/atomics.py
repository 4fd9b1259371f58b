"""Atomics, lane after lane, with what they order between programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pytest_kernelfalcon.judge.interpreter import memory
from pytest_kernelfalcon.judge.interpreter.access import AccessOps, active_lanes
from pytest_kernelfalcon.judge.interpreter.dtypes import convert, numpy_dtype
from pytest_kernelfalcon.judge.interpreter.faults import NotRunnable
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.memory import UNSIGNED, Array

Combine = Callable[[Array, Array], Array]

_OPERATIONS: dict[str, Combine] = {
    "ADD": np.add,
    "FADD": np.add,
    "AND": np.bitwise_and,
    "OR": np.bitwise_or,
    "XOR": np.bitwise_xor,
    "MAX": np.maximum,
    "UMAX": np.maximum,
    "MIN": np.minimum,
    "UMIN": np.minimum,
    "XCHG": lambda old, new: new,
}
_ACQUIRES = ("ACQUIRE", "ACQUIRE_RELEASE")
_RELEASES = ("RELEASE", "ACQUIRE_RELEASE")


class AtomicOps(AccessOps):
    """tl.atomic_*. A single-lane atomic orders programs as its semantics say; one of a whole block does not: nothing
    synchronises by those."""

    def create_atomic_rmw(self, rmw_op: Any, ptr: Any, val: Any, mask: Any, sem: Any, scope: Any) -> Any:
        return self._atomic(_OPERATIONS[rmw_op.name], ptr, val.data, mask, sem.name)

    def create_atomic_cas(self, ptr: Any, cmp: Any, val: Any, sem: Any, scope: Any) -> Any:
        bits = UNSIGNED[numpy_dtype(ptr.get_element_ty()).itemsize]
        expected = np.broadcast_to(cmp.data.view(bits), ptr.data.shape).ravel()

        def swap(old: Array, new: Array, lanes: Array) -> Array:
            return np.where(old.view(bits) == expected[lanes], new, old)

        return self._atomic(swap, ptr, val.data, None, sem.name, with_lanes=True)

    def create_atomic_store(self, ptr: Any, val: Any, mask: Any, sem: Any, scope: Any) -> None:
        self._atomic(_OPERATIONS["XCHG"], ptr, val.data, mask, sem.name)

    def create_atomic_load(self, ptr: Any, mask: Any, sem: Any, scope: Any) -> Any:
        return self._atomic(lambda old, new: old, ptr, np.zeros(1), mask, sem.name)

    def create_descriptor_reduce(self, kind: Any, desc: Any, value: Any, indices: Any) -> None:
        if kind.name not in _OPERATIONS:
            raise NotRunnable(f"the interpreter has no atomic {kind.name} of a tensor descriptor")
        pointers, mask = desc.materialize_pointers(indices)
        self._atomic(_OPERATIONS[kind.name], pointers, value.data, mask, "RELAXED")

    def _atomic(
        self, combine: Callable[..., Array], ptr: Any, val: Array, mask: Any, sem: str, with_lanes: bool = False
    ) -> Any:
        self.budget.spend()
        element = ptr.get_element_ty()
        dtype = numpy_dtype(element)
        size = dtype.itemsize
        addresses, active = active_lanes(ptr, mask, "atomic")
        old = np.zeros(ptr.data.shape, UNSIGNED[size])
        if addresses.size:
            given = np.broadcast_to(convert(val, dtype), old.shape)
            values = given.ravel() if active is None else given[active]
            self._synchronise(addresses, sem, before=True)
            before = np.empty(addresses.size, UNSIGNED[size])
            for lanes in _rounds(addresses):
                extra = (lanes,) if with_lanes else ()
                before[lanes] = self._exchange(addresses[lanes], values[lanes], combine, dtype, extra)
            self._synchronise(addresses, sem, before=False)
            old[... if active is None else active] = before.reshape(old.shape) if active is None else before
        return TensorHandle(old.view(dtype), element)

    def _exchange(
        self, addresses: Array, values: Array, combine: Callable[..., Array], dtype: Any, extra: tuple[Array, ...]
    ) -> Array:
        """One atomic on distinct addresses. Returns the bits that were there."""
        size = dtype.itemsize
        parts = self.memory.parts(addresses, size, "atomic")
        if self.races is not None:
            for part in parts:
                self.races.reads(part, size, volatile=False, action="atomic")
        before = memory.read(parts, addresses.size, size)
        after = np.ascontiguousarray(combine(before.view(dtype), values, *extra).astype(dtype, copy=False))
        memory.write(parts, after.view(UNSIGNED[size]), size)
        return before

    def _synchronise(self, addresses: Array, sem: str, before: bool) -> None:
        if self.races is None or addresses.size != 1:
            return
        if before and sem in _ACQUIRES:
            self.races.acquire(int(addresses[0]))
        elif not before and sem in _RELEASES:
            self.races.release(int(addresses[0]))


def _rounds(addresses: Array) -> list[Array]:
    """The lanes in groups without two of one address, each address's lanes in order."""
    if addresses.size == 1:
        return [np.zeros(1, np.int64)]
    order = np.argsort(addresses, kind="stable")
    ordered = addresses[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    turn = np.arange(addresses.size) - np.repeat(starts, np.diff(np.append(starts, addresses.size)))
    return [order[turn == number] for number in range(int(turn.max()) + 1)]
