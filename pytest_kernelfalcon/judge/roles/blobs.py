"""Tensors between roles: bytes in files without a name, handed on as descriptors. PYTEST_DONT_REWRITE

They lie in the writer's scratch directory, which is in memory, and whose size binds them. The parent passes a file on
without reading it, so that expected values go to the comparer alone, and nothing lies in a directory that another role
could see. On a GPU the files are memory of the device (roles/cuda/blobs.py).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

ALIGNMENT = 64


@dataclass(frozen=True)
class Piece:
    """Where a tensor's or a storage's bytes lie in a blob."""

    offset: int
    nbytes: int


class Blob(Protocol):
    """A file to read from; the tensors that it gives share its memory, and must not be written."""

    def bytes_of(self, piece: Mapping[str, int]) -> torch.Tensor:
        """A flat uint8 tensor. Raises ValueError where the piece lies outside."""
        ...

    def close(self) -> None:
        """None of its tensors is used any more."""
        ...


class Place(Protocol):
    """Where tensors lie. device: torch's name for it."""

    @property
    def device(self) -> str: ...

    def write(self, name: str, parts: Sequence[torch.Tensor]) -> tuple[int, list[Piece]]:
        """A new file with the bytes of each flat uint8 tensor; the caller closes it."""
        ...

    def open(self, fd: int, pieces: Iterable[Mapping[str, int]]) -> Blob:
        """The file that holds all these, which is closed with it."""
        ...

    def rest(self) -> None:
        """Nothing is under way here: other processes may use the memory."""
        ...


def raw(tensor: torch.Tensor) -> torch.Tensor:
    """The elements' bytes in order, as a flat uint8 tensor."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def tensor(blob: Blob, piece: Mapping[str, Any], dtype: str, shape: Sequence[int]) -> torch.Tensor:
    """A piece as a contiguous tensor."""
    return blob.bytes_of(piece).view(getattr(torch, dtype)).reshape(list(shape))


def laid_out(parts: Sequence[torch.Tensor]) -> tuple[list[Piece], int]:
    """Where the parts go, one behind the other, and the bytes that they take in all: at least one."""
    pieces: list[Piece] = []
    end = 0
    for part in parts:
        pieces.append(Piece(end, part.numel()))
        end += -(-part.numel() // ALIGNMENT) * ALIGNMENT
    return pieces, max(end, 1)


def extent(pieces: Iterable[Mapping[str, int]]) -> int:
    """The bytes of a file that holds all these."""
    return max((piece["offset"] + piece["nbytes"] for piece in pieces), default=0) or 1


class Host:
    """Tensors in this machine's memory."""

    device = "cpu"

    def write(self, name: str, parts: Sequence[torch.Tensor]) -> tuple[int, list[Piece]]:
        pieces, end = laid_out(parts)
        fd, path = tempfile.mkstemp(prefix=name)
        os.unlink(path)
        os.ftruncate(fd, end)
        for part, piece in zip(parts, pieces, strict=True):
            view = memoryview(part.numpy().data)
            done = 0
            while done < piece.nbytes:
                done += os.pwrite(fd, view[done:], piece.offset + done)
        return fd, pieces

    def open(self, fd: int, pieces: Iterable[Mapping[str, int]]) -> MemoryFile:
        return MemoryFile(fd)

    def rest(self) -> None:
        """What is freed here goes back to the system at once."""


class MemoryFile:
    """A memory file, mapped so that writing changes nobody else's."""

    def __init__(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        self._map = mmap.mmap(fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE)
        os.close(fd)

    def bytes_of(self, piece: Mapping[str, int]) -> torch.Tensor:
        if piece["nbytes"] == 0:
            return torch.empty(0, dtype=torch.uint8)
        return torch.frombuffer(self._map, dtype=torch.uint8, count=piece["nbytes"], offset=piece["offset"])

    def close(self) -> None:
        """The mapping goes with the last tensor."""
