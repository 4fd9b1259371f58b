"""Tensors between roles: bytes in anonymous memory files, handed on as descriptors. PYTEST_DONT_REWRITE

The parent passes a file on without reading it, so that expected values go to the comparer alone, and nothing lies in
a directory that another role could see.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

ALIGNMENT = 64


@dataclass(frozen=True)
class Piece:
    """Where a tensor's or a storage's bytes lie in a blob."""

    offset: int
    nbytes: int


def raw(tensor: torch.Tensor) -> torch.Tensor:
    """The elements' bytes in order, as a flat uint8 tensor."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def write(name: str, parts: Sequence[torch.Tensor]) -> tuple[int, list[Piece]]:
    """A new memory file with the bytes of each flat uint8 tensor; the caller closes it."""
    pieces: list[Piece] = []
    end = 0
    for part in parts:
        pieces.append(Piece(end, part.numel()))
        end += -(-part.numel() // ALIGNMENT) * ALIGNMENT
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    os.ftruncate(fd, max(end, 1))
    for part, piece in zip(parts, pieces, strict=True):
        view = memoryview(part.numpy().data)
        done = 0
        while done < piece.nbytes:
            done += os.pwrite(fd, view[done:], piece.offset + done)
    return fd, pieces


class Blob:
    """A memory file to read from; the tensors that it gives share its memory and must not be written."""

    def __init__(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        self._map = mmap.mmap(fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE)
        os.close(fd)

    def bytes_of(self, piece: dict[str, int]) -> torch.Tensor:
        """A flat uint8 tensor. Raises ValueError where the piece lies outside."""
        if piece["nbytes"] == 0:
            return torch.empty(0, dtype=torch.uint8)
        return torch.frombuffer(self._map, dtype=torch.uint8, count=piece["nbytes"], offset=piece["offset"])

    def tensor(self, piece: dict[str, Any], dtype: str, shape: Sequence[int]) -> torch.Tensor:
        return self.bytes_of(piece).view(getattr(torch, dtype)).reshape(list(shape))
