"""Which variants a problem takes, found by running each once at its runnable form. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.contracts.variants import DECLARED, DRAWN, Variants
from pytest_kernelfalcon.judge.roles import values
from pytest_kernelfalcon.judge.roles.broken import Broken, TooSlow
from pytest_kernelfalcon.judge.roles.held import state_of, tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, forward, outputs_of
from pytest_kernelfalcon.judge.roles.moves import same_computation
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen, affordable
from pytest_kernelfalcon.judge.roles.sizing import Sizing
from pytest_kernelfalcon.judge.roles.truth import truth_of
from pytest_kernelfalcon.judge.roles.variants import LAYOUTS, TYPES, vary, working_type

SECONDS = 4.0
FINITE, SOME_FINITE = 0.5, 0.25
"""How much of the outputs must be finite for values to tell anything, for finite kinds and for inf and NaN."""
UNDERFLOWN = ("lowered",)
"""Kinds at which an exponential may vanish: then eager is no measure, and a GPU may round what is left to zero."""
LOST_ULPS, SMALLEST = 64, 1e4
"""What eager may have lost there of the outputs' RMS, and how many times fp32's smallest normal number that must be."""
STRETCHED_BYTES = 1 << 20
STRETCHED_ELEMENTS = 128 << 10
MIN_STRETCH = 4

CONTRACTIONS = (
    "aten.mm", "aten.bmm", "aten.addmm", "aten.baddbmm", "aten.mv", "aten.dot", "aten.convolution",
    "aten._scaled_dot_product_flash_attention_for_cpu", "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_efficient_attention", "aten._scaled_dot_product_attention_math",
)  # fmt: skip
"""Whose honest kernels may leave out a product with a zero that is known to be one: 0 x inf is not asked of them."""
CHOICES = (
    "aten.sort", "aten.topk", "aten.kthvalue", "aten.median", "aten.mode", "aten.round", "aten.floor", "aten.ceil",
    "aten.trunc",
)  # fmt: skip
"""Decisions that a tie leaves open."""


def admitted(probe: Probe, seen: Seen, form: Sizes, sizing: Sizing) -> Variants:
    """form: the sizes to try at. What is not tried by the deadline is left out."""
    real = Probe(probe.source, probe.path, "real", math.inf)
    deadline = time.monotonic() + SECONDS

    def tried(names: Sequence[str], takes: Callable[[str], bool]) -> list[str]:
        return [name for name in names if time.monotonic() < deadline and takes(name)]

    plain = real.instance(form)
    tensors = tensors_in(plain.inputs)
    working = working_type(plain)
    others = [_name(dtype) for dtype in TYPES if working not in (None, dtype) and not _rounds_to_integers(seen)]
    alone = _own_memory(tensors)
    kinds = [kind for kind in values.KINDS if values.concerns(tensors, kind) and not _open(kind, seen.ops)]
    return Variants(
        working=_name(working) if working else "",
        dtypes=tried(others, lambda name: _runs(real.instance(form), dtype=name)),
        strides=tried([*LAYOUTS] if alone else [], lambda name: _runs(real.instance(form), strides=name)),
        values=tried(kinds, lambda name: _runs(real.instance(form), kind=name)),
        stretched=[*_stretched(probe, real, sizing, deadline)],
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _open(kind: str, ops: Sequence[str]) -> bool:
    """Whether values of this kind would be answered differently by honest kernels."""
    if kind in values.NOT_FINITE:
        return _has(ops, CONTRACTIONS)
    return kind in ("ties", "zeros") and _has(ops, CHOICES)


def _rounds_to_integers(seen: Seen) -> bool:
    """Whether a coarser type of the numbers before a rounding would show in an output that is compared exactly."""
    return _has(seen.ops, CHOICES) and any("int" in dtype for _, dtype in seen.outputs)


def _has(ops: Sequence[str], names: Sequence[str]) -> bool:
    return not {op.rpartition(".")[0] for op in ops}.isdisjoint(names)


def _own_memory(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether no two inputs lie in one storage: views of one tensor would be torn apart."""
    storages = [tensor.untyped_storage()._cdata for tensor in tensors]
    return len(set(storages)) == len(storages)


def _runs(instance: Instance, dtype: str = DECLARED, strides: str = DECLARED, kind: str = DRAWN) -> bool:
    """Whether the variant differs from the problem's own inputs, runs, and gives finite values enough."""
    state, given = _held(instance), [_described(tensor) for tensor in tensors_in(instance.inputs)]
    casts = _Casts()  # type: ignore[no-untyped-call]
    try:
        vary(instance, dtype, strides, kind)
        if strides != DECLARED and given == [_described(tensor) for tensor in tensors_in(instance.inputs)]:
            return False
        if _held(instance) != state:
            return False
        truth = truth_of(instance, [])[0] if kind in UNDERFLOWN else None
        with casts:
            _, outputs = outputs_of(forward(instance, instance.inputs))
    except Broken:
        return False
    if casts.undefined or (truth is not None and not all(map(_kept, outputs, truth))):
        return False
    share = SOME_FINITE if kind in values.NOT_FINITE else FINITE
    return all(_finite(output) >= share for output in outputs)


class _Casts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """undefined: whether a number was made an integer that does not hold it: each machine gives another result."""

    undefined = False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default and args[0].is_floating_point() and _is_integer(result):
            limits = torch.iinfo(result.dtype)
            whole = args[0].double().trunc()
            self.undefined |= not bool(((whole >= limits.min) & (whole <= limits.max)).all())
        return result


def _is_integer(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool


def _held(instance: Instance) -> list[tuple[str, str | None]]:
    return [(item.arg, item.tied_to) for item in state_of(instance.model)]


def _described(tensor: torch.Tensor) -> tuple[object, ...]:
    return tuple(tensor.shape), tensor.stride(), tensor.storage_offset()


def _kept(eager: torch.Tensor, truth: torch.Tensor) -> bool:
    """Whether eager is still near fp64, and its numbers are not the last ones before zero."""
    if not eager.is_floating_point() or not eager.numel():
        return True
    limits, exact = torch.finfo(eager.dtype), truth.double()
    rms, lost = float(exact.square().mean().sqrt()), float((eager.double() - exact).square().mean().sqrt())
    return lost <= LOST_ULPS * limits.eps * rms and (rms == 0 or rms >= SMALLEST * torch.finfo(torch.float32).tiny)


def _finite(output: torch.Tensor) -> float:
    if not output.is_floating_point() or not output.numel():
        return 1.0
    return float(output.isfinite().double().mean())


def _stretched(probe: Probe, real: Probe, sizing: Sizing, deadline: float) -> Iterator[Sizes]:
    """From the shrunk form, one data size at a time somewhat above its own value, or near the largest half of it that
    is small.

    Looked at without memory first, then run: fakes hold no index that could be out of range.
    """
    if sizing.shrunk is None:
        return
    for name in sizing.admitted_shrunk:
        for size in _long(sizing.declared[name], sizing.shrunk[name] * MIN_STRETCH):
            sizes = {**sizing.shrunk, name: size}
            if time.monotonic() > deadline:
                return
            if _takes(probe, sizes, sizing.shrunk) and real.run(sizes):
                yield sizes
                break


def _long(value: int, least: int) -> Iterator[int]:
    """What to try of a size, from above its own value down: a kernel must be right beyond that, too."""
    while value >= least:
        yield from (_uneven(2 * value + 1), value + value // 8 + 1, _uneven(value), value)
        value //= 2


def _uneven(size: int) -> int:
    """Somewhat less: of blocks of 16 to 128 it is no whole number, and these make no whole groups of eight."""
    return size * 13 // 16 + 1


def _takes(probe: Probe, sizes: Sizes, shrunk: Sizes) -> bool:
    try:
        seen, base = probe.run(sizes), probe.run(shrunk)
    except TooSlow:
        return False
    return seen is not None and base is not None and _small(seen) and same_computation(seen, base)


def _small(seen: Seen) -> bool:
    fits = seen.input_bytes + seen.state_bytes <= STRETCHED_BYTES and seen.output_elements <= STRETCHED_ELEMENTS
    return fits and affordable(seen)
