"""Tensors between roles on a GPU: the bytes lie in memory of the device, and never leave it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import torch

from pytest_kernelfalcon.judge.roles.blobs import Piece, extent, laid_out
from pytest_kernelfalcon.judge.roles.cuda.memory import Memory


class Device:
    """Tensors on the GPU that this process sees first."""

    device = "cuda"

    def write(self, name: str, parts: Sequence[torch.Tensor]) -> tuple[int, list[Piece]]:
        """Raises `OutOfMemory`."""
        pieces, end = laid_out(parts)
        memory = Memory.make(end)
        try:
            for part, piece in zip(parts, pieces, strict=True):
                memory.bytes_of(piece.offset, piece.nbytes).copy_(part)
            return memory.share(), pieces
        finally:
            memory.free()

    def open(self, fd: int, pieces: Iterable[Mapping[str, int]]) -> Shared:
        return Shared(fd, extent(pieces))

    def rest(self) -> None:
        torch.cuda.empty_cache()


class Shared:
    """Another process's memory, which can only be read here."""

    def __init__(self, fd: int, nbytes: int) -> None:
        try:
            self._memory = Memory.of(fd, nbytes)
        finally:
            os.close(fd)

    def bytes_of(self, piece: Mapping[str, int]) -> torch.Tensor:
        return self._memory.bytes_of(piece["offset"], piece["nbytes"])

    def close(self) -> None:
        self._memory.free()
