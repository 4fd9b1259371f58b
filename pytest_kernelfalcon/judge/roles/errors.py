"""Errors of one output against fp64, piece by piece, and where they are greatest. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

JUMP = 8.0
"""How many times farther than its opposite, or than the floor, another value is from the truth, to be a decision."""

Part = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Of one output: some elements as the kernel, eager and fp64 have them."""


def nearest(mine: torch.Tensor, exactly: torch.Tensor, others: list[torch.Tensor], jump: float) -> torch.Tensor:
    """The truth, or another decision that is nearer to what the kernel has: a value that one way of moving the inputs
    gives and the opposite way does not. Where both give as much, no decision was taken, but an error grew.
    """
    nearest = exactly
    for one, opposite in [*zip(others[::2], others[1::2], strict=True), *zip(others[1::2], others[::2], strict=True)]:
        decided = (one - exactly).abs() > JUMP * (opposite - exactly).abs().clamp(min=jump / JUMP)
        nearer = decided & ((mine - one).abs() < (mine - nearest).abs())
        nearest = torch.where(nearer, one, nearest)
    return nearest


def root_mean_square(truth: torch.Tensor, limit: float) -> float:
    """Of what is finite in the output's type."""
    kept = truth[truth.abs() <= limit].double()
    top = float(kept.abs().max()) if kept.numel() else 0.0
    return top * float((kept / top).square().mean().sqrt()) if top else 0.0


@dataclass
class Errors:
    """Errors against fp64 over the plain elements, scaled where they are squared: squares overflow, and vanish."""

    count: int = 0
    norms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("mine", "eager", "truth"), 0.0))
    tops: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("mine", "eager"), 0.0))

    def add(self, mine: torch.Tensor, theirs: torch.Tensor, truth: torch.Tensor, plain: torch.Tensor) -> torch.Tensor:
        """The kernel's and eager's errors in one piece, in fp64; returns the kernel's sizes."""
        zero = torch.zeros((), dtype=torch.float64, device=mine.device)
        exactly, mine, theirs = (torch.where(plain, part, zero).abs() for part in (truth, mine, theirs))
        self.count += int(plain.sum())
        for name, error in (("mine", mine), ("eager", theirs), ("truth", exactly)):
            top = float(error.max())
            self.norms[name] = math.hypot(self.norms[name], top * float((error / (top or 1.0)).square().sum().sqrt()))
            if name in self.tops:
                self.tops[name] = max(self.tops[name], top)
        return mine

    def figures(self, eps: float) -> dict[str, float]:
        root = math.sqrt(max(self.count, 1))
        return {
            "rms": self.norms["mine"] / root,
            "eager_rms": self.norms["eager"] / root,
            "top": self.tops["mine"],
            "eager_top": self.tops["eager"],
            "floor": 0.5 * eps * self.norms["truth"] / root,
            "scale": self.norms["truth"] / root,
        }


class Worst:
    """The element where something is greatest: its index, the kernel's value, eager's, and fp64's."""

    def __init__(self, shape: torch.Size) -> None:
        self._shape = shape
        self._most = -1.0
        self.element: dict[str, Any] = {}

    def look(self, start: int, badness: torch.Tensor, part: Part) -> None:
        flat = int(badness.to(torch.float64).argmax())
        most = float(badness[flat])
        if most <= self._most:
            return
        self._most = most
        place = torch.unravel_index(torch.tensor(start + flat), self._shape) if self._shape else ()
        got, eager, want = (tensor[flat].item() for tensor in part)
        self.element = {"index": [int(i) for i in place], "got": got, "eager": eager, "want": want}
