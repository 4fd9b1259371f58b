"""`triton.language` as kernels see it in this process: every builtin bound to the interpreter, once and for good.

Triton's own interpreter patches these namespaces at each launch and each call of a jit function, and takes it back
after a launch: half of the time that a small kernel takes. This process never compiles, so nothing is taken back.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import triton
import triton.language as tl
import triton.language.extra.cuda as cuda
import triton.language.extra.cuda.libdevice as cuda_libdevice
import triton.language.extra.hip.libdevice as hip_libdevice
import triton.language.extra.libdevice as libdevice
import triton.runtime.interpreter as stock

from pytest_kernelfalcon.judge.interpreter import control, dtypes, fast, operators, reductions, semantics, shapes
from pytest_kernelfalcon.judge.interpreter.builder import Builder
from pytest_kernelfalcon.judge.interpreter.faults import NotRunnable
from pytest_kernelfalcon.judge.interpreter.internals import (
    InterpretedFunction,
    TritonSemantic,
    is_builtin,
    patch_language,
)

_NAMESPACES: tuple[Any, ...] = (
    tl,
    tl.core,
    tl.math,
    tl.core.tensor,
    tl.core.tensor_descriptor_base,
    cuda,
    cuda_libdevice,
    hip_libdevice,
)


def patch() -> Builder:
    """Bind everything to a new builder, and return it."""
    builder = Builder()
    semantic = TritonSemantic(builder)
    stock.interpreter_builder, stock.interpreter_semantic = builder, semantic
    stock._get_np_dtype = dtypes.numpy_dtype
    stock._interpreter = _NoRawMemory(stock._interpreter)
    unpack = getattr(stock, "_mxfp_value_handle_to_float32", None)  # with tl.dot_scaled, since 3.9
    if unpack is not None:
        stock._mxfp_value_handle_to_float32 = lambda value: dtypes.scaled_operand(value, unpack)
    for space in _NAMESPACES:
        for name, member in inspect.getmembers(space, is_builtin):
            setattr(space, name, _bound(member, semantic))
    patch_language(types.SimpleNamespace(__globals__={"tl": tl, "core": tl.core}))  # what is more than a builtin
    for name in vars(libdevice):
        if hasattr(cuda_libdevice, name) and not name.startswith("_"):
            setattr(libdevice, name, getattr(cuda_libdevice, name))
    shapes.patch()
    fast.patch()
    operators.patch(builder, semantic)
    _patch_functions(builder, semantic)
    _patch_calls(builder, semantic)
    return builder


class _NoRawMemory:
    """In the place of Triton's functions that follow raw addresses: what would still call them fails; sums do not."""

    def __init__(self, raw: Any) -> None:
        for name in ("fma_fp32", "fma_fp64"):  # since Triton 3.9; on arrays of numbers
            if hasattr(raw, name):
                setattr(self, name, getattr(raw, name))

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"interpreted kernels have no raw memory: `{name}` must go through Memory")


def _bound(builtin: Callable[..., Any], semantic: Any) -> Callable[..., Any]:
    """A builtin that is given the interpreter's semantic, whatever else it is given."""
    function = inspect.unwrap(builtin, stop=lambda function: not is_builtin(function))

    def bound(*arguments: Any, **named: Any) -> Any:
        named["_semantic"] = semantic
        return function(*arguments, **named)

    bound.__name__ = getattr(builtin, "__name__", "builtin")
    return bound


def _patch_functions(builder: Builder, semantic: Any) -> None:
    """What Triton's own patches lack or do slowly."""
    dynamic, static = semantics.loop_range(builder, semantic), semantics.static_range(builder)
    for space in (tl, tl.core):
        space.range, space.static_range = dynamic, static
        space.static_print = lambda *values, **options: None
        space.reduce, space.associative_scan = reductions.reduce, reductions.associative_scan
    _refuse(
        "map_elementwise", "inline_asm_elementwise", *(() if hasattr(builder, "create_dot_scaled") else ("dot_scaled",))
    )
    tl.tensor.reduce, tl.tensor.associative_scan = reductions.reduce, reductions.associative_scan
    tl.tensor.__index__ = lambda self: int(self.handle.data.item())


def _refuse(*names: str) -> None:
    """What this Triton's interpreter has no means for is said to be so, not laid to the kernel."""

    def refusing(name: str) -> Callable[..., None]:
        def refuse(*arguments: Any, **options: Any) -> None:
            raise NotRunnable(f"the interpreter of Triton {triton.__version__} has no `tl.{name}`")

        return refuse

    for name in names:
        for space in (tl, tl.core):
            setattr(space, name, refusing(name))


def _patch_calls(builder: Builder, semantic: Any) -> None:
    """How a kernel calls another jit function, and that no launch goes past `launch`."""
    helpers = semantics.helpers(builder, semantic)
    rewritten: dict[Any, Callable[..., Any]] = {}

    def rewrite(self: Any) -> Callable[..., Any]:
        if self.fn not in rewritten:
            rewritten[self.fn] = control.rewrite(self.fn, helpers)
        return rewritten[self.fn]

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        builder.budget.spend()
        return rewrite(self)(*arguments, **named)

    def run(self: Any, *arguments: Any, **named: Any) -> None:
        raise RuntimeError(f"kernel {self.fn.__name__!r}: in this process kernels run through interpreter.launch only")

    InterpretedFunction.rewrite, InterpretedFunction.__call__, InterpretedFunction.run = rewrite, call, run
