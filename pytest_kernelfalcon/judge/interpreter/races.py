"""Races between the programs of one launch, found from who wrote what and what orders them.

Programs run one after another here, at once on a GPU. A program's life is cut into segments, a new one after each
release. Each byte remembers the segment of its last plain store. A program may touch a byte only where it knows that
segment: its own ones, and those that an acquire has shown it through the same address. So kernels that synchronise by
atomics (locks, counters, split-K) pass, and kernels that only happen to work in this order do not. Equal values stored
twice are no race.
"""

from __future__ import annotations

import numpy as np

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.interpreter.faults import Fault, Program
from pytest_kernelfalcon.judge.interpreter.memory import Array, Block, Part

BEFORE_LAUNCH = 0


class Races:
    """The stores of one launch, by segment."""

    def __init__(self) -> None:
        self._programs: list[Program] = [(0, 0, 0)]
        self._known = np.ones(1, bool)
        self._owners: dict[int, Array] = {}
        self._released: dict[int, Array] = {}

    def enter(self, program: Program) -> None:
        """A program starts; it knows what was there before the launch."""
        self._known[:] = False
        self._known[BEFORE_LAUNCH] = True
        self._new_segment(program)

    def _new_segment(self, program: Program) -> None:
        self._programs.append(program)
        if len(self._programs) > self._known.size:
            self._known = np.concatenate([self._known, np.zeros(self._known.size, bool)])
        self._known[len(self._programs) - 1] = True

    def acquire(self, address: int) -> None:
        """What programs released through this address is known from here on."""
        released = self._released.get(address)
        if released is not None:
            self._known[: released.size] |= released

    def release(self, address: int) -> None:
        """Whoever acquires through this address knows all that this program knows now."""
        known = self._known.copy()
        before = self._released.get(address)
        if before is not None:
            known[: before.size] |= before
        self._released[address] = known
        self._new_segment(self._programs[-1])

    def reads(self, part: Part, size: int, volatile: bool, action: str) -> None:
        """Raises Fault where another program stored there; a volatile load waits for what it reads, and learns it."""
        owners = self._of(part.block, size)[part.places]
        if volatile:
            self._known[owners.ravel()] = True
        strange = self._strange(owners)
        if strange is not None:
            self._raise(part, owners, strange, "touches", "stores, in no certain order", action)

    def stores(self, part: Part, values: Array, size: int, action: str) -> None:
        """Raises Fault where another program stored another value there; otherwise the bytes are this program's."""
        table = self._of(part.block, size)
        owners = table[part.places]
        strange = self._strange(owners)
        if strange is not None:
            strange &= part.block.view(size)[0][part.places] != values
        if strange is not None and strange.any():
            self._raise(part, owners, strange, "overwrites", "stores with another value", action)
        table[part.places] = len(self._programs) - 1

    def _strange(self, owners: Array) -> Array | None:
        """Which elements hold a byte whose segment is not known here; None where there is none."""
        known = self._known.take(owners)
        return None if known.all() else np.logical_not(known.min(axis=1))

    def _of(self, block: Block, size: int) -> Array:
        """The segments that own each byte, one row an element."""
        owners = self._owners.get(block.base)
        if owners is None:
            owners = self._owners[block.base] = np.zeros(block.nbytes, np.int32)
        return owners[: block.nbytes - block.nbytes % size].reshape(-1, size)

    def _raise(self, part: Part, owners: Array, strange: Array, verb: str, why: str, action: str) -> None:
        lane = int(np.flatnonzero(strange)[0])
        segments = owners[lane]
        other = self._programs[int(segments[~self._known[segments]][0])]
        text = f"{verb} element {int(part.places[lane])} of `{part.block.name}`"
        raise Fault(Cause.RACE, f"{text}, which program {other} of the same launch {why}", action=action)
