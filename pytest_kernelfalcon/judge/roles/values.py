"""Adversarial values: kinds of input that show what ordinary random numbers hide. PYTEST_DONT_REWRITE

Each kind changes the inputs that `get_inputs()` drew, floating tensors or truth values, in place of drawing them
otherwise: so that a problem's own domain is left as little as possible. torch's generator must have been seeded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles.held import mapped, tensors_in

OFFSET = 100.0
"""A large mean: a variance by E[x²]-E[x]² is then off by 100 times eager's error. With the other sign, all values are
below the 0 that a maximum must not start from, by more than an exponential can do without it.
"""
LARGE = {torch.float16: 100.0, torch.bfloat16: 1e5, torch.float32: 1000.0, torch.float64: 1000.0}
"""Of bfloat16 beyond the range of float16, into which a kernel might cast it."""
WIDE = 8.0
"""Where a row of exponentials has terms of every size: those that are left out as small show."""
SMALL = 1e-3
"""Below the usual eps of a norm, which then decides the result."""

Change = Callable[[torch.Tensor], torch.Tensor]


def _zeros(x: torch.Tensor) -> torch.Tensor:
    """A quarter of the elements 0, a quarter -0, and a first row of zeros."""
    draw = torch.rand(x.shape, device=x.device)
    signed = torch.where(draw < 0.25, torch.zeros_like(x), torch.where(draw < 0.5, -torch.zeros_like(x), x))
    if x.dim() > 1 and x.shape[0] > 1:
        signed[0] = 0
    return signed


def _ties(x: torch.Tensor) -> torch.Tensor:
    """Halves only: in a row of some length the extremes come several times."""
    return (x * 2).round() / 2


def _inf(x: torch.Tensor) -> torch.Tensor:
    """One +inf, one -inf, and a last row of -inf, as a mask leaves it."""
    x = _scattered(x, float("inf"), float("-inf"))
    if x.dim() > 1 and x.shape[0] > 2:
        x[-1] = float("-inf")
    return x


def _nan(x: torch.Tensor) -> torch.Tensor:
    """Two NaN, one of them after an inf; and two in the first row, of which one comes first."""
    x = _scattered(x, float("nan"), float("inf"), float("nan"))
    if x.dim() > 1 and x.shape[-1] > 2:
        x.reshape(-1, x.shape[-1])[0, [0, -1]] = float("nan")
    return x


def _scattered(x: torch.Tensor, *values: float) -> torch.Tensor:
    flat = x.clone().reshape(-1)
    if flat.numel() < 4 * len(values):
        return x
    places = torch.randperm(flat.numel(), device=x.device)[: len(values)]
    flat[places] = torch.tensor(values, dtype=x.dtype, device=x.device)
    return flat.reshape(x.shape)


FLOATING: dict[str, Change] = {
    "offset": lambda x: x + OFFSET,
    "lowered": lambda x: x - OFFSET,
    "large": lambda x: x * LARGE[x.dtype],
    "wide": lambda x: x * WIDE,
    "small": lambda x: x * SMALL,
    "zeros": _zeros,
    "ties": _ties,
    "inf": _inf,
    "nan": _nan,
}
MASKS: dict[str, Change] = {
    "empty_mask": torch.zeros_like,
    "full_mask": torch.ones_like,
}
KINDS = (*FLOATING, *MASKS)
NOT_FINITE = ("inf", "nan")


def changed(value: Any, kind: str) -> Any:
    """`get_inputs()`'s value, a tree of tensors and others, with values of that kind.

    Only the largest are lowered: a temperature or a scale beside them that turns negative turns all round.
    """
    most = max((x.numel() for x in tensors_in(value) if kind in _table(x)), default=0)
    alone = kind == "lowered"
    return mapped(value, lambda x: x if alone and x.numel() < most else _table(x).get(kind, _kept)(x))


def concerns(tensors: list[torch.Tensor], kind: str) -> bool:
    """Whether the kind changes any of these."""
    return any(kind in _table(tensor) for tensor in tensors)


def _table(x: torch.Tensor) -> dict[str, Change]:
    if x.dtype == torch.bool:
        return MASKS
    return FLOATING if x.dtype in LARGE and x.dim() > 0 else {}


def _kept(x: torch.Tensor) -> torch.Tensor:
    return x
