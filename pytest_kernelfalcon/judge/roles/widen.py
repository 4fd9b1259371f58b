"""fp64 truth: the problem's own forward, run in double precision. PYTEST_DONT_REWRITE

Casts to the problem's working precision or above become casts to fp64; a narrowing cast is the problem's own and
stays. What `double()` does not reach (plain tensor attributes) is converted too.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from pytest_kernelfalcon.judge.roles.held import mapped

_finfo = torch.finfo
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def working_bytes(tensors: list[torch.Tensor]) -> int:
    """Bytes an element of the widest floating type that the problem is given; 4 where it is given none."""
    return max((t.element_size() for t in tensors if t.is_floating_point()), default=4)


def widened_model(model: nn.Module) -> nn.Module:
    """A deep copy in fp64."""
    wide = copy.deepcopy(model).double()
    for module in wide.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                vars(module)[name] = value.double()
    return wide


def widened(value: Any) -> Any:
    """Tensors of floating type in fp64, all tensors copied, through nested lists, tuples and dicts."""
    return mapped(value, lambda x: x.double() if x.is_floating_point() else x.clone())


class Widen(TorchFunctionMode):
    """Casts to at least `element_bytes` wide floating types go to fp64."""

    def __init__(self, element_bytes: int) -> None:
        super().__init__()
        self._wide = {dtype for dtype in FLOATS if dtype.itemsize >= element_bytes}
        named = {torch.float32: "float", torch.float16: "half", torch.bfloat16: "bfloat16"}
        self._methods = {name for dtype, name in named.items() if dtype in self._wide}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self._methods and args and isinstance(args[0], torch.Tensor):
            return args[0].double() if args[0].dtype != torch.float64 else args[0]
        args = tuple(self._dtype(value) for value in args)
        kwargs = {key: self._dtype(value) for key, value in (kwargs or {}).items()}
        return func(*args, **kwargs)

    def _dtype(self, value: Any) -> Any:
        return torch.float64 if isinstance(value, torch.dtype) and value in self._wide else value


@contextmanager
def double_by_default() -> Iterator[None]:
    """Constants and integer divisions in fp64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Limits:
    """`torch.finfo` as a problem's text asks it. In fp64 it would be told that type's, which is another problem: it is
    told what the same call was told in the problem's own types. answers: those, in order; None to listen.
    """

    def __init__(self, problem: str, answers: list[torch.finfo] | None = None) -> None:
        """problem: the name of its module."""
        self.told: list[torch.finfo] = []
        self._problem, self._answers = problem, answers or []

    def __call__(self, *args: Any) -> torch.finfo:
        own = _finfo(*args)
        if sys._getframe(1).f_globals.get("__name__") != self._problem:
            return own  # torch's own code
        self.told.append(self._answers[len(self.told)] if len(self.told) < len(self._answers) else own)
        return self.told[-1]

    @contextmanager
    def answering(self) -> Iterator[None]:
        with mock.patch.object(torch, "finfo", self):
            yield
