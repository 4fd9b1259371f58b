"""A problem in another floating type, with its inputs laid out otherwise, or with other values. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.variants import DECLARED, DRAWN
from pytest_kernelfalcon.judge.roles.held import held_in, mapped, state_of, tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, guarded
from pytest_kernelfalcon.judge.roles.values import changed

TYPES = (torch.float32, torch.float16, torch.bfloat16)


class Holding(Protocol):
    """A model and its inputs."""

    model: nn.Module
    inputs: list[Any]


def vary(instance: Instance, dtype: str = DECLARED, strides: str = DECLARED, kind: str = DRAWN) -> None:
    """Changes the instance, of which state has names that differ. Raises `Broken`."""

    def retype(holding: Holding, dtype: torch.dtype) -> None:
        with guarded("Model.to()", Cause.PROBLEM_FORWARD, str(instance.module.__file__)):
            retyped(holding, dtype)

    varied(instance, dtype, strides, kind, retype)


def varied(
    holding: Holding, dtype: str, strides: str, kind: str, retype: Callable[[Holding, torch.dtype], None]
) -> None:
    """Values first, in the problem's own type, so that each type sees the same kind."""
    if kind != DRAWN:
        holding.inputs = changed(holding.inputs, kind)
    if dtype != DECLARED:
        coarse = {tensor.dtype for tensor in tensors_in(holding.inputs) if tensor.is_floating_point()}
        retype(holding, getattr(torch, dtype))
        if kind == DRAWN:
            eps = max((torch.finfo(one).eps for one in coarse), default=0.0)
            holding.inputs = mapped(holding.inputs, lambda x: finer(x, eps))
            for item in held_in(holding.model):
                if item.tied_to is None:
                    item.tensor.data.copy_(finer(item.tensor.data, eps))
    if strides != DECLARED:
        holding.inputs = [laid_out(value, LAYOUTS[strides]) for value in holding.inputs]


def working_type(instance: Instance) -> torch.dtype | None:
    """The one floating type of all inputs and state; None where there are several, none, or not one of `TYPES`."""
    tensors = [*tensors_in(instance.inputs), *(item.tensor for item in state_of(instance.model))]
    found = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    return found.pop() if len(found) == 1 and found <= set(TYPES) else None


def retyped(holding: Holding, dtype: torch.dtype) -> None:
    """Model and inputs in another floating type; tensors of other types stay."""
    holding.model.to(dtype)
    _everywhere(holding, lambda x: x.to(dtype) if x.is_floating_point() else x)


def finer(x: torch.Tensor, eps: float) -> torch.Tensor:
    """With digits that a coarser type, of that eps, had no room for: without them rounding to it would change nothing.

    Magnitudes shrink by less than half an ulp, and whole numbers stay: no value leaves a domain that ends at one.
    """
    if not x.is_floating_point() or torch.finfo(x.dtype).eps >= eps:
        return x
    return torch.where(x == x.round(), x, x * (1 - eps / 2 * torch.rand_like(x)))


def moved(instance: Instance, device: str) -> None:
    """Model and inputs on that device, where they are not there already. Raises `Broken`."""
    with guarded("Model.to()", Cause.PROBLEM_FORWARD, str(instance.module.__file__)):
        instance.model.to(device)
    _everywhere(instance, lambda x: x.to(device))


def _everywhere(holding: Holding, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """What `Model.to()` does not reach: tensors in plain attributes, and the inputs."""
    for module in holding.model.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor):
                vars(module)[name] = change(value)
    holding.inputs = mapped(holding.inputs, change)


def laid_out(value: Any, layout: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """An input in a layout of its own; what has no elements, or is no plain contiguous tensor, stays."""
    if not isinstance(value, torch.Tensor) or not value.is_contiguous() or not value.numel() or not value.dim():
        return value
    return layout(value)


def transposed(x: torch.Tensor) -> torch.Tensor:
    """The last two dimensions the other way round in memory."""
    return x.transpose(-1, -2).contiguous().transpose(-1, -2) if x.dim() > 1 else x


def padded(x: torch.Tensor) -> torch.Tensor:
    """Rows in longer rows, the first of which does not begin the storage; between them lies what spoils a result."""
    base = _spoilt(x, [*x.shape[:-1], x.shape[-1] + 5])
    view = base.narrow(-1, 2, x.shape[-1])
    view.copy_(x)
    return view


def stepped(x: torch.Tensor) -> torch.Tensor:
    """Every other element of rows twice as long."""
    view = _spoilt(x, [*x.shape[:-1], x.shape[-1] * 2])[..., ::2]
    view.copy_(x)
    return view


def _spoilt(x: torch.Tensor, shape: list[int]) -> torch.Tensor:
    """NaN where there is one; integers that are no index; for truth values, True."""
    base = torch.empty(shape, dtype=x.dtype, device=x.device)
    if x.dtype == torch.bool:
        return base.fill_(True)
    return base.fill_(float("nan")) if x.is_floating_point() else base.fill_(torch.iinfo(x.dtype).max)


LAYOUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": transposed,
    "padded": padded,
    "stepped": stepped,
}
