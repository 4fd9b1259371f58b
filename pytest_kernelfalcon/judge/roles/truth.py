"""fp64 truth of one call: the problem's own forward on fp64 copies, in parts where a whole takes too much memory.

PYTEST_DONT_REWRITE. A part is a range of rows (the first dimension) of some inputs, whose outputs are those rows of the
outputs. That this holds is not taken on trust: eager is run on each part too, and must give what it gives on the whole.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles import widen
from pytest_kernelfalcon.judge.roles.held import mapped, nbytes, state_of, tensors_in
from pytest_kernelfalcon.judge.roles.modules import MODULE, Broken, Instance, forward, outputs_of

TRUTH_IS_EAGER = "truth_is_eager"
PART_BYTES = 1 << 30
"""Of inputs: more is done in parts. In fp64, with what a forward takes on the way, that is some ten times as much."""
SAME_ULPS = 2.0
"""How far, relative to their RMS, eager's results on a part may be from those on the whole: a library may add up in
another order, but a mean over other rows is another mean."""

Change = Callable[[torch.Tensor], torch.Tensor]


def same(x: torch.Tensor) -> torch.Tensor:
    return x


def truth_of(instance: Instance, mutates: list[int]) -> tuple[list[torch.Tensor] | None, list[str]]:
    """The outputs in fp64, then the inputs that `forward` changes; None where it does not run so, and a flag.

    Raises `Broken` where there is not enough memory.
    """
    given = sum(nbytes(tensor) for tensor in tensors_in(instance.inputs))
    try:
        parts = _in_parts(instance, -(-given // PART_BYTES)) if given > PART_BYTES and not mutates else None
        return parts or in_fp64(instance, instance.inputs, mutates), []
    except Broken as broken:
        if broken.cause is Cause.PROBLEM_MEMORY:
            raise
        return None, [TRUTH_IS_EAGER]


def mutated(inputs: list[Any], mutates: list[int]) -> list[torch.Tensor]:
    """Every tensor of the inputs at those positions."""
    return [tensor for position in mutates for tensor in tensors_in(inputs[position])]


def in_fp64(instance: Instance, inputs: list[Any], mutates: list[int], change: Change = same) -> list[torch.Tensor]:
    """change: of each tensor that is given, before it is made fp64."""
    limits = widen.Limits(MODULE)
    truth = _in_fp64(instance, inputs, mutates, change, limits)
    if not limits.told:
        return truth
    own = Instance(instance.module, copy.deepcopy(instance.model), mapped(inputs, torch.Tensor.clone), False)
    told = widen.Limits(MODULE)
    with told.answering():
        forward(own, own.inputs)
    return _in_fp64(instance, inputs, mutates, change, widen.Limits(MODULE, told.told))


def _in_fp64(
    instance: Instance, inputs: list[Any], mutates: list[int], change: Change, limits: widen.Limits
) -> list[torch.Tensor]:
    given = [*tensors_in(inputs), *(item.tensor for item in state_of(instance.model))]
    wide = Instance(instance.module, widen.widened_model(instance.model), widen.widened(mapped(inputs, change)), False)
    if change is not same:
        with torch.no_grad():
            for item, held in zip(state_of(wide.model), state_of(instance.model), strict=True):
                if held.tensor.is_floating_point():
                    item.tensor.copy_(change(held.tensor))
    with limits.answering(), widen.double_by_default(), widen.Widen(widen.working_bytes(given)):
        _, truth = outputs_of(forward(wide, wide.inputs))
    return [*truth, *mutated(wide.inputs, mutates)]


def _in_parts(instance: Instance, count: int) -> list[torch.Tensor] | None:
    """None where no choice of inputs can be cut into parts."""
    _, eager = outputs_of(forward(instance, instance.inputs))
    if any(tensor.dim() == 0 or tensor.shape[0] != eager[0].shape[0] for tensor in eager):
        return None
    rows = eager[0].shape[0]
    for chosen in _choices(instance.inputs, rows):
        truth = _assembled(instance, chosen, -(-rows // count), eager)
        if truth is not None:
            return truth
    return None


def _choices(inputs: list[Any], rows: int) -> Iterator[set[int]]:
    """Which inputs to cut: all that have so many rows, or else one of them."""
    having = [i for i, x in enumerate(inputs) if isinstance(x, torch.Tensor) and x.dim() and x.shape[0] == rows]
    if having:
        yield set(having)
    if len(having) > 1:
        yield from ({position} for position in having)


def _assembled(instance: Instance, chosen: set[int], step: int, eager: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """Every part's truth in its place; None where eager's results on a part are not those on the whole."""
    truth: list[torch.Tensor] = []
    for start in range(0, eager[0].shape[0], step):
        part = [x[start : start + step] if i in chosen else x for i, x in enumerate(instance.inputs)]
        whole = [tensor[start : start + step] for tensor in eager]
        try:
            _, again = outputs_of(forward(instance, part))
            if len(again) != len(whole) or not all(map(_alike, again, whole)):
                return None
            exact = in_fp64(instance, part, [])
        except Broken:
            return None
        truth = truth or [
            torch.empty(whole.shape, dtype=x.dtype, device=x.device) for x, whole in zip(exact, eager, strict=True)
        ]
        for into, values in zip(truth, exact, strict=True):
            into[start : start + step] = values
    return truth


def _alike(part: torch.Tensor, whole: torch.Tensor) -> bool:
    """Bit for bit, but for the order in which sums were added up."""
    if part.shape != whole.shape or part.dtype != whole.dtype:
        return False
    if not part.is_floating_point():
        return torch.equal(part, whole)
    bound = SAME_ULPS * torch.finfo(part.dtype).eps * float(whole.float().square().mean().sqrt())
    return float((part.float() - whole.float()).square().mean().sqrt()) <= bound
