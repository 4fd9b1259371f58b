"""What honest arithmetic may give instead of fp64's values: asked for where a kernel seems wrong. PYTEST_DONT_REWRITE

Two families of runs of the problem's forward in fp64, each run beside its opposite. In the first every sum and exp errs
as in the accumulator's type (roles/noise.py): the spread of its results is an error that no honest kernel can be held
below. In the second every input and weight is up to an ulp of its type off besides: where one way gives another value
and its opposite does not, a decision was taken (a rounding, an index, a comparison), and the other value is as right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from pytest_kernelfalcon.judge.roles.comparer import figures
from pytest_kernelfalcon.judge.roles.held import nbytes, state_of, tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, forward, outputs_of
from pytest_kernelfalcon.judge.roles.noise import Noise
from pytest_kernelfalcon.judge.roles.truth import Change, in_fp64, mutated, same, truth_of

WAVES = (None, 1.0, 2.0, 3.0, 4.0, 5.0)
"""How values are moved to inputs nearby, each way and its opposite: all by an ulp, or each by a part of its own."""
MARGIN = 4.0
"""Errors of sums that a decision may hang on, in units of an honest one: as many as an output may have."""
GIVEN_BYTES = 1 << 30
"""Of inputs and state: with more, nothing is known."""
ALSO_BYTES = 1 << 30
"""Of other decisions; with more, errors alone are known."""


@dataclass
class Leeway:
    """Of one output. also: what it may be instead, runs and their opposites in turn, in the dtype of the truth.

    rms, top: an honest error, over all elements and of the worst, in the output's units.
    """

    also: list[torch.Tensor]
    rms: float = 0.0
    top: float = 0.0


def leeway(instance: Instance, truth: list[torch.Tensor], mutates: list[int]) -> list[Leeway]:
    """One an output; none where the problem is too large. Raises `Broken`."""
    given = [*tensors_in(instance.inputs), *(item.tensor for item in state_of(instance.model))]
    if sum(nbytes(tensor) for tensor in given) > GIVEN_BYTES:
        return []
    unit = 2.0**-53 if any(tensor.dtype == torch.float64 for tensor in given) else 2.0**-24
    near = list(_runs(instance, mutates, MARGIN * unit, moved=True))
    erring = list(_runs(instance, mutates, unit, moved=False))
    result = []
    for index, right in enumerate(truth):
        also = [run[index] for run in near] if _affordable(truth, len(near)) else []
        pairs = [(plus[index], minus[index]) for plus, minus in zip(erring[::2], erring[1::2], strict=True)]
        result.append(Leeway(also, *_errors(right, pairs)) if right.is_floating_point() else Leeway(also))
    return result


def _affordable(truth: list[torch.Tensor], runs: int) -> bool:
    return sum(nbytes(tensor) for tensor in truth) * runs <= ALSO_BYTES


def _runs(instance: Instance, mutates: list[int], unit: float, moved: bool) -> Iterator[list[torch.Tensor]]:
    for number, wave in enumerate(WAVES):
        for sign in (1.0, -1.0):
            change: Change = Nearby(sign, wave) if moved else same
            with _erring(Noise(sign, number, unit)):
                yield in_fp64(instance, instance.inputs, mutates, change)


@contextmanager
def _erring(noise: Noise) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))  # in parts that `noise` sees
        stack.enter_context(torch.no_grad())
        stack.enter_context(noise)
        yield


def _errors(truth: torch.Tensor, pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[float, float]:
    """RMS and worst of the elements' errors. Of a run and its opposite the smaller counts: a jump is no error."""
    squares = torch.zeros_like(truth, dtype=torch.float64)
    for plus, minus in pairs:
        off = torch.minimum((plus.double() - truth).abs(), (minus.double() - truth).abs())
        squares += off.nan_to_num(0.0, 0.0, 0.0).square() / len(pairs)
    if not squares.numel():
        return 0.0, 0.0
    return math.sqrt(float(squares.mean())), math.sqrt(float(squares.max()))


def eager_errors(instance: Instance, mutates: list[int]) -> list[tuple[float, float]]:
    """Eager's RMS and worst error in each output, in units of the comparer's floor; 0 where there is none."""
    truth, _ = truth_of(instance, mutates)
    _, outputs = outputs_of(forward(instance, instance.inputs))
    eager = [*outputs, *mutated(instance.inputs, mutates)]
    errors = []
    for value, right in zip(eager, truth or eager, strict=True):
        seen = figures(value, value, right)
        floor = seen.get("floor", 0.0)
        errors.append((seen["eager_rms"] / floor, seen["eager_top"] / floor) if floor else (0.0, 0.0))
    return errors


class Nearby:
    """Moves each value by an ulp, or by a part of one that hangs on the value alone, so that equal values stay equal:
    which of two equal elements is taken does not change. `sign` turns all moves round.
    """

    def __init__(self, sign: float, wave: float | None) -> None:
        self._sign, self._wave = sign, wave

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if not x.is_floating_point():
            return x
        wide, step = x.double(), torch.ones((), dtype=torch.float64, device=x.device)
        if self._wave is not None:
            step = (wide * 1e6 * self._wave + self._wave).sin().nan_to_num(0.0)
        return wide * (1 + self._sign * torch.finfo(x.dtype).eps * step)
