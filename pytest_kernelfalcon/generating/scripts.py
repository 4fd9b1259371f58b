"""The program that asks, as text: what of it has run, without its asking.

A script or a notebook calls `generate_kernel` at its own top level, where a test never does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType, ModuleType
from typing import Any

from pytest_kernelfalcon.asserting.modules import Module, parsed
from pytest_kernelfalcon.asserting.slices import Piece, pieces_of

OWN = __name__.partition(".")[0]


@dataclass(frozen=True)
class Program:
    """running: by module, the line that it is being executed at, counted in a notebook from the cell's first.

    asking: the names in it that are this package's. A statement that acts by them, or by what is made with them, asks
    for kernels or looks at what came of it, and defines nothing.
    """

    running: Mapping[str, int]
    asking: frozenset[str]

    @classmethod
    def of(cls, caller: FrameType) -> Program:
        running: dict[str, int] = {}
        frame: FrameType | None = caller
        while frame is not None:
            if not frame.f_code.co_flags & inspect.CO_NEWLOCALS:
                running[str(frame.f_globals.get("__name__"))] = frame.f_lineno
            frame = frame.f_back
        names = {name for name, value in caller.f_globals.items() if _is_ours(value)}
        return cls(running, frozenset(names))

    def part(self, module: Module) -> Module:
        """The module without the statement that is being executed, without all below it and all that asks."""
        lines, last, pieces = module.lines, self._last(module), pieces_of(module)
        asking = self._asking(pieces)
        for piece in pieces:
            if (last and piece.last >= last) or (piece.acts and piece.uses & asking):
                lines[piece.first - 1 : piece.last] = [""] * (piece.last - piece.first + 1)
        return replace(module, text="\n".join(lines))

    def _last(self, module: Module) -> int | None:
        line = self.running.get(module.name)
        if line is None or not module.typed:
            return line
        before = sys.modules[module.name].In[:-1]
        return line + sum(parsed(cell).count("\n") + 1 for cell in before)

    def _asking(self, pieces: Sequence[Piece]) -> set[str]:
        """With the names of functions that ask, and of what they gave."""
        found = set(self.asking)
        while more := {name for piece in pieces if piece.uses & found for name in piece.binds} - found:
            found |= more
        return found


def _is_ours(value: Any) -> bool:
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(home).partition(".")[0] == OWN
