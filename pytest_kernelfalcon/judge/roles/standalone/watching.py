"""What Triton's own interpreter lacks: exact bounds, another order, libdevice, TF32. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def watched(on_cpu: bool, reverse: bool = False) -> Iterator[None]:
    """In the interpreter: accesses outside of what a kernel was given raise IndexError; programs in reverse order."""
    if not on_cpu:
        yield
        return
    from triton.runtime import interpreter

    regions: dict[int, int] = {}
    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    before = builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx, executor._init_args_hst

    def noted(self: Any, args: Any, kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            given = before[3](self, args, kwargs)
        regions.clear()
        for value in (*given[0], *given[1].values()):
            base = getattr(value, "base", value)
            if isinstance(base, torch.Tensor):
                with torch._C.DisableTorchFunction():
                    regions[base.untyped_storage().data_ptr()] = base.untyped_storage().nbytes()
        return given

    def load(self: Any, pointers: Any, mask: Any, *rest: Any) -> Any:
        inside(pointers, mask, regions, "load")
        return before[0](self, pointers, mask, *rest)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        inside(pointers, mask, regions, "store")
        return before[1](self, pointers, value, mask, *rest)

    def place(self: Any, *index: int) -> Any:
        turned = [size - 1 - i for size, i in zip(self.grid_dim, index, strict=True)] if reverse else index
        return before[2](self, *turned)

    def put(*functions: Any) -> None:
        builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx = functions[:3]
        executor._init_args_hst = functions[3]

    put(load, store, place, noted)
    try:
        yield
    finally:
        put(*before)


def inside(pointers: Any, mask: Any, regions: dict[int, int], action: str) -> None:
    """Every active address lies in a tensor that the kernel was given."""
    size = max(pointers.get_element_ty().primitive_bitwidth // 8, 1)
    addresses = pointers.data.reshape(-1)[mask.data.reshape(-1).astype(bool)].astype("int64")
    right = addresses < 0
    for start, count in regions.items():
        right |= (addresses >= start) & (addresses + size <= start + count)
    wrong = addresses[~right].tolist()
    if wrong:
        near = min(regions, key=lambda start: min(abs(wrong[0] - start), abs(wrong[0] - start - regions[start])))
        place = f"byte {wrong[0] - near} of a tensor of {regions[near]} bytes"
        raise IndexError(f"{action} out of bounds: {len(wrong)} of {len(addresses)} active lanes, the first at {place}")


def with_libdevice() -> None:
    """Triton's interpreter has no libdevice: where torch has a function of the name, that is computed, in fp64."""
    import triton.language as tl
    from triton.language.extra import libdevice
    from triton.language.extra.cuda import libdevice as of_cuda
    from triton.runtime.interpreter import TensorHandle

    def computed(function: Any) -> Any:
        def call(*given: Any, **_: Any) -> Any:
            first = next(x for x in given if isinstance(x, tl.tensor))
            values = [torch.from_numpy(x.handle.data.astype("float64")) if isinstance(x, tl.tensor)
                      else torch.tensor(float(x), dtype=torch.float64) for x in given]  # fmt: skip
            result = function(*values).numpy().astype(first.handle.data.dtype)
            return tl.tensor(TensorHandle(result, first.handle.dtype), first.type)

        return call

    for module in (libdevice, of_cuda):
        for name in [name for name, known in vars(module).items() if callable(known) and name != "round"]:
            function = getattr(torch, name, None) or getattr(torch.special, name, None)
            if callable(function):
                setattr(module, name, computed(function))


def with_tf32() -> None:
    """Triton's interpreter multiplies in full precision: here TF32 rounds factors to 10 bits, as tensor cores do."""
    from triton.runtime import interpreter

    exact = interpreter.InterpreterBuilder.create_dot

    def rounded(factor: Any) -> Any:
        bits = factor.data.astype("float32").view("int32")
        return interpreter.TensorHandle(((bits + 0x1000) & ~0x1FFF).view("float32"), factor.dtype)

    def dot(self: Any, left: Any, right: Any, total: Any, precision: Any, *rest: Any) -> Any:
        single = str(left.dtype) == str(right.dtype) == "fp32"
        if single and getattr(precision, "name", "") == "TF32":
            left, right = rounded(left), rounded(right)
        return exact(self, left, right, total, precision, *rest)

    interpreter.InterpreterBuilder.create_dot = dot
