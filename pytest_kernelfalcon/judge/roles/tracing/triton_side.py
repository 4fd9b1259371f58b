"""Triton, as a wrapper under trace sees it: launches become messages, and nothing is compiled. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import types
from typing import Any

import torch
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.runtime.autotuner import Autotuner
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles.targets import shared_bytes
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder
from pytest_kernelfalcon.judge.roles.tracing.torch_side import CUDA, on_device

SM, MULTIPROCESSORS = 90, 132
SHARED_BYTES = shared_bytes(SM)
"""The device that the wrapper is told of: an H100."""


class Compiled:
    """What a launch or a warm-up returns. Its figures are constants, so no plan can hang on them."""

    n_regs = 64
    n_spills = 0
    function = 0
    asm: dict[str, str] = {}  # noqa: RUF012 (Triton's own attribute)
    metadata = types.SimpleNamespace(shared=16384, num_warps=4, num_ctas=1, name="kernel")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def _init_handles(self) -> None:
        """Triton's wrappers call it before they read figures."""

    def __getitem__(self, grid: object) -> Any:
        self._recorder.refuse(Cause.LAUNCH_ARGUMENT, kernel="?", detail="launched through a compiled kernel's handle")


class Driver:
    """Triton's active driver: one H100, no memory, no compiler."""

    class utils:  # noqa: N801 (Triton's name)
        @staticmethod
        def get_device_properties(_device: int = 0) -> dict[str, int]:
            return {
                "max_shared_mem": SHARED_BYTES,
                "multiprocessor_count": MULTIPROCESSORS,
                "max_num_regs": 65536,
                "warpSize": 32,
                "sm_clock_rate": 1_980_000,
                "mem_clock_rate": 2_619_000,
                "mem_bus_width": 5120,
            }

    def get_current_device(self) -> int:
        return 0

    def set_current_device(self, device: int) -> None:
        """There is one device."""

    def get_current_stream(self, device: int = 0) -> int:
        return 0

    def get_device_capability(self, device: int = 0) -> tuple[int, int]:
        return divmod(SM, 10)

    def get_current_target(self) -> Any:
        return GPUTarget("cuda", SM, 32)

    def get_active_torch_device(self) -> torch.device:
        return CUDA

    def get_device_interface(self) -> Any:
        return torch.cuda

    def get_benchmarker(self) -> Any:
        return lambda call, **_: [0.0, 0.0, 0.0]

    def get_empty_cache_for_benchmark(self) -> None:
        return None

    def clear_cache(self, cache: object) -> None:
        """There is no cache."""


def install(recorder: Recorder) -> None:
    """From now on launches go to `recorder`."""

    def run(self: Any, *args: Any, grid: Any, warmup: bool = False, **kwargs: Any) -> Compiled:
        for hook in getattr(self, "pre_run_hooks", []):
            hook(*args, **kwargs)
        bound, options = bind(self, args, kwargs)
        if not warmup:
            note(recorder, self, grid, bound, options)
        return Compiled(recorder)

    JITFunction.run = run
    pin(recorder)
    Autotuner.warmup = lambda self, *args, **kwargs: [Compiled(recorder)]
    driver.set_active(Driver())
    triton.set_allocator(lambda size, alignment, stream: torch.empty(size, dtype=torch.int8, device="cuda"))


def pin(recorder: Recorder) -> None:
    """From now on an autotuned kernel takes the configuration that `recorder` is told of, and tries none."""

    def tuned(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.nargs = dict(zip(self.arg_names, args, strict=False))
        configs = self.prune_configs(kwargs) if len(self.configs) > 1 else self.configs
        pick = recorder.pick % len(configs)
        recorder.emit("tune", kernel=self.base_fn.__name__, count=len(configs), pick=pick)
        config = configs[pick]
        if config.pre_hook:
            config.pre_hook({**self.nargs, **kwargs, **config.all_kwargs()})
        return self.fn.run(*args, **kwargs, **config.all_kwargs())

    Autotuner.run = tuned


def bind(kernel: Any, args: Any, kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kernel's parameters by name, and the launch options. Raises TypeError as Triton does."""
    names = kernel.arg_names
    if len(args) > len(names):
        raise TypeError(f"{kernel.__name__} takes {len(names)} arguments, got {len(args)}")
    given = dict(zip(names, args, strict=False))
    options: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name in given:
            raise TypeError(f"multiple values for argument {name!r}")
        (given if name in names else options)[name] = value
    for parameter in kernel.params:
        if parameter.name not in given:
            if not parameter.has_default:
                raise TypeError(f"{kernel.__name__}() missing argument {parameter.name!r}")
            given[parameter.name] = parameter.default
    return {name: given[name] for name in names}, options


def note(recorder: Recorder, kernel: Any, grid: Any, bound: dict[str, Any], options: dict[str, Any]) -> None:
    """Tell of a launch."""
    size = grid(bound) if callable(grid) else grid
    dims = [int(n) for n in (size if isinstance(size, tuple | list) else (size,))]
    name = kernel.__name__
    recorder.emit(
        "launch",
        kernel=name,
        grid=dims,
        arguments={key: _argument(recorder, name, value) for key, value in bound.items()},
        options={key: _argument(recorder, name, value) for key, value in options.items() if value is not None},
        line=recorder.line(),
    )


def _argument(recorder: Recorder, kernel: str, value: Any) -> Any:
    """A launch argument as a message holds it."""
    if isinstance(value, tl.constexpr):
        value = value.value
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, torch.Tensor):
        if not on_device(value):
            recorder.refuse(Cause.LAUNCH_ARGUMENT, kernel=kernel, detail="an argument is a tensor on the CPU")
        return {"tensor": recorder.spec(value)}
    if isinstance(value, tl.dtype):
        return {"dtype": value.name}
    if isinstance(value, torch.dtype):
        return {"dtype": _tl_dtype(value)}
    if isinstance(value, tuple | list):
        return {"tuple": [_argument(recorder, kernel, item) for item in value]}
    if isinstance(value, JITFunction) or (hasattr(value, "fn") and hasattr(value, "arg_names")):
        return {"kernel": value.__name__}
    return _wrapped(recorder, kernel, value)


def _wrapped(recorder: Recorder, kernel: str, value: Any) -> Any:
    kind = type(value).__name__
    if kind == "TensorWrapper":
        return {"tensor": recorder.spec(value.base), "as": value.dtype.name}
    if kind == "TensorDescriptor":
        return {
            "descriptor": recorder.spec(value.base),
            "shape": [int(n) for n in value.shape],
            "strides": [int(n) for n in value.strides],
            "block": [int(n) for n in value.block_shape],
            "padding": getattr(value, "padding", "zero"),
        }
    if hasattr(value, "dtype") and hasattr(value, "item"):
        return value.item()
    return recorder.refuse(Cause.LAUNCH_ARGUMENT, kernel=kernel, detail=f"an argument is of type {kind}")


def _tl_dtype(dtype: torch.dtype) -> str:
    named = getattr(tl, str(dtype).removeprefix("torch."), None)
    return named.name if isinstance(named, tl.dtype) else str(dtype)
