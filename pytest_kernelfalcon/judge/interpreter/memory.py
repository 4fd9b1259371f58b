"""The memory that a kernel can reach: the regions of its launch and nothing else.

This is a security boundary. A kernel never holds a real address: each region has a window of its own in an address
space that exists only here, and an access becomes an index into the numpy array over that region. Whatever a kernel
computes, an address outside the regions leads to no memory at all; and because the windows are 16 TiB apart, an access
beyond the end of one tensor cannot land in another.
"""

from __future__ import annotations

import bisect
import ctypes
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.interpreter.faults import Fault, WrongCall

Array = NDArray[Any]

WINDOW_BITS = 44
MIDDLE = 1 << (WINDOW_BITS - 1)
ALIGNMENT = 16
"""Of every region, in bytes: what a GPU's allocator gives at least, and what tensor descriptors ask for."""

UNSIGNED: dict[int, np.dtype[Any]] = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}
_SHIFT = {size: np.uint64(size.bit_length() - 1) for size in UNSIGNED}


@dataclass
class Region:
    """One storage. start: its address in this process, a multiple of 16. nbytes: its length, all of it mapped and
    writable while the launch runs. written: one bool a byte, set by stores and atomics; None where nobody watches."""

    name: str
    start: int
    nbytes: int
    written: NDArray[np.bool_] | None = None


class Block:
    """A region and its window. base: the address of its first byte, as kernels see it."""

    def __init__(self, region: Region, number: int) -> None:
        self.name, self.nbytes = region.name, region.nbytes
        self.base = (number << WINDOW_BITS) + MIDDLE
        self.origin = np.uint64(self.base)
        self.bytes = _bytes_at(region)
        self._marks = None if region.written is None else region.written.view(np.uint8)
        self._views: dict[int, tuple[Array, Array | None]] = {}

    def view(self, size: int) -> tuple[Array, Array | None]:
        """The elements of `size` bytes as unsigned integers, and the marks of their bytes in the same form."""
        if size not in self._views:
            whole = self.nbytes - self.nbytes % size
            marks = None if self._marks is None else self._marks[:whole].view(UNSIGNED[size])
            self._views[size] = self.bytes[:whole].view(UNSIGNED[size]), marks
        return self._views[size]


def _bytes_at(region: Region) -> Array:
    if region.nbytes < 0 or region.nbytes > MIDDLE or region.start % ALIGNMENT:
        raise ValueError(f"region {region.name!r} at {region.start:#x}: pass a start that is a multiple of {ALIGNMENT}")
    written = region.written
    if written is not None and (written.dtype != bool or written.shape != (region.nbytes,)):
        raise ValueError(f"region {region.name!r}: pass one bool a byte as `written`")
    if region.nbytes == 0:
        return np.empty(0, np.uint8)
    memory = (ctypes.c_uint8 * region.nbytes).from_address(region.start)
    return np.frombuffer(memoryview(memory).cast("B"), np.uint8)


class Part(NamedTuple):
    """The lanes of an access that fall into one block. places: of their elements. lanes: which, None for all."""

    block: Block
    places: Array
    lanes: Array | None


class Memory:
    """The regions of one launch, as kernels see them. Raises ValueError for regions that overlap or are misaligned."""

    def __init__(self, regions: Sequence[Region]) -> None:
        ordered = sorted(regions, key=lambda region: (region.start, region.nbytes))
        for left, right in itertools.pairwise(ordered):
            if left.start + left.nbytes > right.start:
                raise ValueError(f"regions {left.name!r} and {right.name!r} overlap: pass one region a storage")
        self._starts = [region.start for region in ordered]
        self._blocks = {number: Block(region, number) for number, region in enumerate(ordered, start=1)}

    def address(self, pointer: int, name: str) -> int:
        """What a kernel sees for a real address. Raises WrongCall, naming the argument."""
        number = bisect.bisect_right(self._starts, pointer)
        offset = pointer - self._starts[number - 1] if number else 0
        if not number or offset > self._blocks[number].nbytes:
            raise WrongCall(f"argument {name!r} lies in none of the regions: pass the region of its storage")
        return self._blocks[number].base + offset

    def parts(self, addresses: Array, size: int, action: str) -> list[Part]:
        """Where the elements of `size` bytes at these addresses (flat uint64, at least one) lie.

        Raises Fault where any byte of any of them lies in no region, or an address is not a multiple of `size`.
        """
        block = self._blocks.get(int(addresses[0]) >> WINDOW_BITS)
        if block is not None:
            offsets = addresses - block.origin  # wraps to a huge number below the base
            if int(offsets.max()) <= block.nbytes - size:
                return [Part(block, _places(offsets, size, block, action), None)]
        return self._several(addresses, size, action)

    def _several(self, addresses: Array, size: int, action: str) -> list[Part]:
        windows = addresses >> np.uint64(WINDOW_BITS)
        inside = np.zeros(addresses.shape, bool)
        found: list[Part] = []
        for number in np.unique(windows):
            block = self._blocks.get(int(number))
            if block is None or block.nbytes < size:
                continue
            lanes = windows == number
            lanes[lanes] = addresses[lanes] - block.origin <= np.uint64(block.nbytes - size)
            inside |= lanes
            if lanes.any():
                found.append(Part(block, _places(addresses[lanes] - block.origin, size, block, action), lanes))
        if not inside.all():
            raise Fault(Cause.OUT_OF_BOUNDS, self._outside(addresses, ~inside, size), action=action)
        return found

    def _outside(self, addresses: Array, outside: Array, size: int) -> str:
        count = f"{int(outside.sum())} of {outside.size} active lanes" if outside.size > 1 else "the address"
        verb = "are" if int(outside.sum()) > 1 else "is"
        first = int(addresses[outside][0])
        block = self._blocks.get(first >> WINDOW_BITS)
        if block is None:
            return f"{count} {verb} out of bounds: the first points to no tensor"
        offset = first - block.base
        return (
            f"{count} {verb} out of bounds: the first is element {offset // size} (byte {offset}) of `{block.name}`, "
            f"which has {block.nbytes // size} elements of {size} bytes ({block.nbytes} bytes)"
        )


def read(parts: list[Part], count: int, size: int) -> Array:
    """The bits of the elements, as `count` unsigned integers."""
    if parts[0].lanes is None:
        values: Array = parts[0].block.view(size)[0].take(parts[0].places)
        return values
    values = np.empty(count, UNSIGNED[size])
    for part in parts:
        values[part.lanes] = part.block.view(size)[0].take(part.places)
    return values


def write(parts: list[Part], values: Array, size: int) -> None:
    """Put these bits there, lane after lane, and mark their bytes as written."""
    for part in parts:
        elements, marks = part.block.view(size)
        elements[part.places] = values if part.lanes is None else values[part.lanes]
        if marks is not None:
            marks[part.places] = int.from_bytes(b"\1" * size)


def _places(offsets: Array, size: int, block: Block, action: str) -> Array:
    if size > 1 and int(np.bitwise_or.reduce(offsets)) & (size - 1):
        text = f"an address in `{block.name}` is no multiple of the element's {size} bytes"
        raise Fault(Cause.OUT_OF_BOUNDS, text, action=action)
    places: Array = (offsets >> _SHIFT[size]).view(np.int64)
    return places
