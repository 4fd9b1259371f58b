"""Launch arguments, as the kernel receives them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.dtypes import numpy_dtype
from pytest_kernelfalcon.judge.interpreter.faults import WrongCall
from pytest_kernelfalcon.judge.interpreter.internals import (
    KernelParam,
    TensorDescriptor,
    TensorHandle,
    TensorWrapper,
    mangle_type,
    str_to_ty,
)
from pytest_kernelfalcon.judge.interpreter.memory import Memory


@functools.lru_cache(maxsize=1024)
def _parameters(function: Any) -> tuple[Any, ...]:
    """Name, constexpr and annotated type of each parameter, as Triton's launcher reads them."""
    signature = inspect.signature(function).parameters.values()
    return tuple(KernelParam(i, parameter, False, False) for i, parameter in enumerate(signature))


def bind(kernel: Any, args: Sequence[object], memory: Memory, semantic: Any) -> dict[str, Any]:
    """Arguments by name. Raises WrongCall for a tensor outside `memory` and for a wrong number of arguments."""
    parameters = _parameters(kernel.fn)
    if len(parameters) != len(args):
        names = ", ".join(kernel.arg_names)
        raise WrongCall(f"kernel {kernel.fn.__name__!r} takes {len(parameters)} arguments ({names}), not {len(args)}")
    receive = _Receiver(memory, semantic)
    return {
        parameter.name: value if parameter.is_constexpr else receive(value, parameter.name, parameter.annotation_type)
        for parameter, value in zip(parameters, args, strict=True)
    }


class _Receiver:
    """Turns host values into the kernel's. Types, strings, None and jit functions stay what they are."""

    def __init__(self, memory: Memory, semantic: Any) -> None:
        self._memory, self._semantic = memory, semantic

    def __call__(self, value: Any, name: str, annotation: str = "") -> Any:
        if isinstance(value, bool | int | float):
            return self._scalar(value, annotation)
        if isinstance(value, torch.Tensor | TensorWrapper):
            return self._pointer(value, name)
        if isinstance(value, tuple):
            return tuple(self(item, f"{name}[{i}]") for i, item in enumerate(value))
        if isinstance(value, TensorDescriptor):
            return self._descriptor(value, name)
        return value

    def _scalar(self, value: bool | int | float, annotation: str) -> Any:
        """i1, i32, i64 or u64 by value, fp32 for a float; what the parameter's annotation says where it has one."""
        kind = str_to_ty(annotation or mangle_type(value), None)
        return tl.tensor(TensorHandle(np.array([value]).astype(numpy_dtype(kind)), kind), kind)

    def _pointer(self, tensor: Any, name: str) -> Any:
        base = tensor.base if isinstance(tensor, TensorWrapper) else tensor
        address = self._memory.address(tensor.data_ptr(), name) if base.numel() else 0
        kind = str_to_ty(mangle_type(tensor), None)
        return tl.tensor(TensorHandle(np.array([address], np.uint64), kind), kind)

    def _descriptor(self, descriptor: Any, name: str) -> Any:
        made = self._semantic.make_tensor_descriptor(
            base=self._pointer(descriptor.base, name),
            shape=[self._scalar(int(size), "") for size in descriptor.shape],
            strides=[*(self._scalar(int(stride), "") for stride in descriptor.strides[:-1]), tl.constexpr(1)],
            block_shape=[tl.constexpr(size) for size in descriptor.block_shape],
            padding_option=descriptor.padding,
        )
        made.handle.round_f32_to_tf32 = getattr(descriptor, "round_f32_to_tf32", False)  # since Triton 3.9
        return made
