"""One call of the candidate, in poisoned memory. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from pytest_kernelfalcon.judge.roles.held import held_in, tensors_in
from pytest_kernelfalcon.judge.roles.standalone.asked import candidates
from pytest_kernelfalcon.judge.roles.standalone.drawing import Drawn

EMPTY = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}


class Host(TorchFunctionMode):
    """Fresh memory holds poison, and where there is no GPU `cuda` is the CPU. number: of the poison, 0 or 1."""

    def __init__(self, number: int, on_cpu: bool) -> None:
        super().__init__()
        self.number, self.on_cpu = number, on_cpu

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self.on_cpu:
            if name == "cuda" or func is torch.Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
                return args[0] if name == "cuda" else True
            args = tuple(map(here, args))
            kwargs = {key: here(value) for key, value in kwargs.items()}
        result = func(*args, **kwargs)
        if name in EMPTY and isinstance(result, torch.Tensor):
            result.fill_(poison(result.dtype, self.number))
        return result


def here(value: Any) -> Any:
    """A CUDA device, by name or as an object, as the CPU."""
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("cpu")
    return "cpu" if isinstance(value, str) and value.split(":")[0] == "cuda" else value


def poison(dtype: torch.dtype, number: int) -> float | int | bool:
    """What fresh memory holds: two values that no kernel computes by chance at the same element."""
    if dtype == torch.bool:
        return bool(number)
    if dtype.is_floating_point:
        return -54336.0 if number else 12352.0
    return (torch.iinfo(dtype).max // 3) * (1 if number else 2)


def wrapper(kernel: ModuleType, drawn: Drawn) -> Callable[..., Any]:
    """`kernel_function` with the model's state, or `ModelNew` with it."""
    if hasattr(kernel, "kernel_function"):
        state = {item.arg: item.tensor.detach() for item in held_in(drawn.model) if item.tied_to is None}
        return lambda *inputs: kernel.kernel_function(*inputs, **state)
    args, kwargs = drawn.init
    model = kernel.ModelNew(*args, **kwargs)
    model.load_state_dict(drawn.model.state_dict(), strict=False)
    like = next((tensor for tensor in tensors_in(drawn.inputs) if tensor.is_floating_point()), None)
    return model.to(like.device, like.dtype) if like is not None else model  # type: ignore[no-any-return]


def call(kernel: ModuleType, drawn: Drawn, number: int, on_cpu: bool) -> Any:
    """One call of the candidate, in memory poisoned so."""
    with candidates():
        function = wrapper(kernel, drawn)
        with Host(number, on_cpu), torch.no_grad():
            result = function(*drawn.inputs)
        if not on_cpu:
            torch.cuda.synchronize()
    return result
