"""Device memory through the driver's own library: fenced, and handed on as descriptors. PYTEST_DONT_REWRITE

CUDA's virtual memory management: memory is made, mapped, and shared as a file descriptor. Unlike CUDA's older IPC
handles this needs no common pid or IPC namespace, and whoever has not got the descriptor cannot map the memory.
https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__VA.html. Sizes and addresses are bytes.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch

PINNED, DEVICE, POSIX_FD, OUT_OF_MEMORY = 1, 1, 1, 2
READ, READ_WRITE = 1, 3
ALIGNMENT = 16
"""Of a storage's first byte: what Triton specialises on and tensor descriptors ask for."""


class OutOfMemory(Exception):
    """The device has not got that much memory free."""


class _Location(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("id", ctypes.c_int))


class _Properties(ctypes.Structure):
    """CUmemAllocationProp."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("handle_types", ctypes.c_int),
        ("location", _Location),
        ("windows", ctypes.c_void_p),
        ("flags", ctypes.c_ubyte * 8),
    )


class _Access(ctypes.Structure):
    _fields_ = (("location", _Location), ("flags", ctypes.c_int))


class _Array:
    """Lets torch see bytes that are not its own (the CUDA array interface, version 3)."""

    def __init__(self, address: int, nbytes: int) -> None:
        self.__cuda_array_interface__ = {"shape": (nbytes,), "typestr": "|u1", "data": (address, False), "version": 3}


def _call(name: str, *arguments: Any) -> None:
    code = getattr(ctypes.CDLL("libcuda.so.1"), name)(*arguments)
    if code == OUT_OF_MEMORY:
        raise OutOfMemory(f"{name}: {torch.cuda.mem_get_info()[0]} bytes are free")
    if code:
        raise RuntimeError(f"{name} fails with code {code}")


def _size(nbytes: int) -> Any:
    return ctypes.c_size_t(nbytes)


def _properties() -> _Properties:
    return _Properties(type=PINNED, handle_types=POSIX_FD, location=_Location(DEVICE, 0))


def _start() -> None:
    """The driver's own calls need CUDA to have been started, which torch does once."""
    torch.cuda.current_stream()


@cache
def granularity() -> int:
    """What mapped sizes are multiples of: 2 MiB on an H200."""
    found = _size(0)
    _call("cuMemGetAllocationGranularity", ctypes.byref(found), ctypes.byref(_properties()), 0)
    return int(found.value)


def whole(nbytes: int) -> int:
    """`nbytes`, at least 1, rounded up to what can be mapped."""
    step = granularity()
    return -(-max(nbytes, 1) // step) * step


def _created(nbytes: int) -> Any:
    handle = ctypes.c_uint64()
    _call("cuMemCreate", ctypes.byref(handle), _size(nbytes), ctypes.byref(_properties()), ctypes.c_uint64(0))
    return handle


@dataclass
class Memory:
    """Device memory and its mapping, in the middle of addresses that lead nowhere.

    `free` gives both back; a descriptor of it elsewhere keeps the memory alive.
    """

    handle: Any
    nbytes: int
    access: int
    address: int = field(init=False, default=0)

    @classmethod
    def make(cls, nbytes: int) -> Memory:
        """At least that much, fresh. Raises `OutOfMemory`."""
        _start()
        try:
            handle = _created(whole(nbytes))
        except OutOfMemory:
            torch.cuda.empty_cache()  # torch keeps what its tensors had
            handle = _created(whole(nbytes))
        return cls(handle, whole(nbytes), READ_WRITE)._mapped()

    @classmethod
    def of(cls, fd: int, nbytes: int) -> Memory:
        """Another process's, to read only; `nbytes` as it was made. The descriptor stays open."""
        _start()
        handle = ctypes.c_uint64()
        _call("cuMemImportFromShareableHandle", ctypes.byref(handle), ctypes.c_void_p(fd), POSIX_FD)
        return cls(handle, whole(nbytes), READ)._mapped()

    def _mapped(self) -> Memory:
        base, none, step = ctypes.c_uint64(), ctypes.c_uint64(0), granularity()
        _call("cuMemAddressReserve", ctypes.byref(base), _size(self.nbytes + 2 * step), _size(0), none, none)
        self.address = base.value + step
        start = ctypes.c_uint64(self.address)
        _call("cuMemMap", start, _size(self.nbytes), _size(0), self.handle, none)
        access = _Access(_Location(DEVICE, 0), self.access)
        _call("cuMemSetAccess", start, _size(self.nbytes), ctypes.byref(access), _size(1))
        return self

    def share(self) -> int:
        """A new descriptor of it."""
        fd = ctypes.c_int()
        _call("cuMemExportToShareableHandle", ctypes.byref(fd), self.handle, POSIX_FD, ctypes.c_uint64(0))
        return fd.value

    def bytes_of(self, offset: int, nbytes: int) -> torch.Tensor:
        """A flat uint8 tensor over a part of it, valid until `free`. Raises ValueError where that lies outside."""
        if offset < 0 or nbytes < 0 or offset + nbytes > self.nbytes:
            raise ValueError(f"bytes {offset} to {offset + nbytes} of {self.nbytes}")
        if nbytes == 0:
            return torch.empty(0, dtype=torch.uint8, device="cuda")
        return torch.as_tensor(_Array(self.address + offset, nbytes), device="cuda")

    def free(self) -> None:
        torch.cuda.synchronize()
        _call("cuMemUnmap", ctypes.c_uint64(self.address), _size(self.nbytes))
        base = ctypes.c_uint64(self.address - granularity())
        _call("cuMemAddressFree", base, _size(self.nbytes + 2 * granularity()))
        _call("cuMemRelease", self.handle)


class Storage:
    """`nbytes` that a kernel is given: poison before them in the mapping, their end at its end, nothing behind.

    So an access past the end faults on the device at once, one shortly before the start is seen in the poison, and one
    further off faults again.
    """

    def __init__(self, nbytes: int, poison: int) -> None:
        self.memory = Memory.make(nbytes + ALIGNMENT)
        self._nbytes = nbytes
        self._start = (self.memory.nbytes - nbytes) // ALIGNMENT * ALIGNMENT
        self.spoil(poison)
        self.bytes = self.memory.bytes_of(self._start, nbytes)

    def spoil(self, poison: int) -> None:
        """Every byte becomes poison, those beside the storage's own too."""
        self._poison = poison
        self.memory.bytes_of(0, self.memory.nbytes).fill_(poison)

    def intact(self) -> bool:
        """Whether nothing was stored beside the storage's own bytes."""
        end = self._start + self._nbytes
        around = (self.memory.bytes_of(0, self._start), self.memory.bytes_of(end, self.memory.nbytes - end))
        return all(bool((part == self._poison).all()) for part in around if part.numel())
