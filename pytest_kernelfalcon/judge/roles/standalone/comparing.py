"""A result held against eager's and fp64's. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles.held import tensors_in
from pytest_kernelfalcon.judge.roles.standalone.asked import Asked, Shown


@dataclass
class Pool:
    """Eager's errors as fractions of the truth's RMS, the largest over the draws, by output."""

    rms: dict[int, float] = field(default_factory=dict)
    top: dict[int, float] = field(default_factory=dict)

    def add(self, index: int, eager: torch.Tensor, truth: torch.Tensor) -> None:
        rms, top, scale = errors(eager, truth)
        eps = torch.finfo(eager.dtype).eps
        self.rms[index] = max(self.rms.get(index, eps / 2), rms / scale)
        self.top[index] = max(self.top.get(index, 2 * eps), top / scale)


def errors(value: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, float]:
    """RMS and largest error over what is finite in both, and the RMS of the truth (1 where that is 0)."""
    mine, exact = value.double(), truth.double()
    plain = mine.isfinite() & exact.isfinite()
    wrong, exact = (mine - exact)[plain], exact[plain]
    if not wrong.numel():
        return 0.0, 0.0, 1.0
    scale = float(exact.square().mean().sqrt())
    return float(wrong.square().mean().sqrt()), float(wrong.abs().max()), scale if scale > 0 else 1.0


def compare(index: int, got: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, pool: Pool, asked: Asked,
            shown: Shown) -> None:  # fmt: skip
    """One output's figures; what is wrong with them is said."""
    name = f"output {index}"
    if got.shape != eager.shape or got.dtype != eager.dtype:
        shown.say(f"{name} is {got.dtype} {list(got.shape)}, expected {eager.dtype} {list(eager.shape)}")
        return
    if not eager.is_floating_point():
        wrong = (got != eager) & (got != truth.to(got.dtype))
        if bool(wrong.any()):
            shown.say(f"{name} differs at {int(wrong.sum())} of {wrong.numel()} elements, {at(wrong, got, eager)}")
        return
    for word, kind in (("NaN", torch.isnan), ("infinity", torch.isinf)):
        wrong = (kind(got) != kind(eager)) & (kind(got) != kind(truth.to(got.dtype)))
        if bool(wrong.any()):
            count = f"{int(wrong.sum())} of {wrong.numel()} elements"
            shown.say(f"{name} is wrong about {word} at {count}, {at(wrong, got, eager)}")
    rms, top, scale = errors(got, truth)
    rms, top = rms / scale / pool.rms[index], top / scale / pool.top[index]
    print(f"{name}: RMS error {rms:.3g} times eager's (at most {asked.rms_bound:g}), worst {top:.3g} times "
          f"(at most {asked.worst_bound:g})")  # fmt: skip
    if rms > asked.rms_bound or top > asked.worst_bound or not math.isfinite(rms + top):
        shown.say(f"{name} is too far from the fp64 result, {at((got.double() - truth.double()).abs(), got, truth)}")


def at(badness: torch.Tensor, got: torch.Tensor, want: torch.Tensor) -> str:
    """The worst element in words."""
    flat = int(badness.double().nan_to_num(0.0).argmax())
    index = [int(i) for i in torch.unravel_index(torch.tensor(flat), badness.shape)] if badness.dim() else []
    return f"worst at {index}: got {got.reshape(-1)[flat].item():.9g}, want {want.reshape(-1)[flat].item():.9g}"


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal, NaN to NaN."""
    return torch.equal(one.nan_to_num(1.25), other.nan_to_num(1.25)) and torch.equal(one.isnan(), other.isnan())


def structure(value: object) -> object:
    """The nesting alone."""
    if isinstance(value, dict):
        return {key: structure(item) for key, item in value.items()}
    return [structure(item) for item in value] if isinstance(value, list | tuple) else isinstance(value, torch.Tensor)


def nesting(value: object) -> str:
    """The structure in words."""
    return str(structure(value)).replace("True", "a tensor").replace("False", "no tensor")


def outputs(got: Any, eager: Any, truth: Any, pool: Pool, asked: Asked, shown: Shown) -> None:
    """All that one call gives: its result, and the inputs that it changes."""
    if structure(got) != structure(eager):
        shown.say(f"the structure of the result differs: got {nesting(got[0])}, expected {nesting(eager[0])}")
        return
    for index, three in enumerate(zip(tensors_in(got), tensors_in(eager), tensors_in(truth), strict=True)):
        compare(index, *three, pool, asked, shown)
