"""`torch.cuda`, as a wrapper under trace sees it: there, idle, and without consequence. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, NoReturn

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder
from pytest_kernelfalcon.judge.roles.tracing.torch_side import HOME
from pytest_kernelfalcon.judge.roles.tracing.triton_side import MULTIPROCESSORS, SHARED_BYTES, SM

NAME = "NVIDIA H100"


class Idle:
    """A device guard, stream or event that does nothing."""

    cuda_stream = 0
    idx = 0

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Idle:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return _nothing


def _nothing(*_: object, **__: object) -> None:
    return None


def _refused(recorder: Recorder, name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        recorder.refuse(Cause.SIDE_STREAM, detail=f"torch.cuda.{name}")

    return refuse


def _properties(_device: object = None) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        name=NAME,
        multi_processor_count=MULTIPROCESSORS,
        major=SM // 10,
        minor=SM % 10,
        total_memory=80 << 30,
        warp_size=32,
        regs_per_multiprocessor=65536,
        shared_memory_per_block_optin=SHARED_BYTES,
        shared_memory_per_block=49152,
        max_threads_per_multi_processor=2048,
        L2_cache_size=50 << 20,
        gcnArchName="",
    )


ANSWERS: dict[str, Any] = {
    "is_available": lambda: True,
    "is_initialized": lambda: True,
    "current_device": lambda: 0,
    "device_count": lambda: 1,
    "get_device_capability": lambda device=None: divmod(SM, 10),
    "get_device_name": lambda device=None: NAME,
    "get_device_properties": _properties,
    "is_bf16_supported": lambda *_: True,
    "current_stream": lambda device=None: Idle(),
    "default_stream": lambda device=None: Idle(),
}
ANSWERS |= dict.fromkeys(("device", "device_of", "stream", "Event"), Idle)
ANSWERS |= dict.fromkeys(("synchronize", "empty_cache", "_lazy_init", "set_device", "manual_seed"), _nothing)
SIDEWAYS = ("Stream", "ExternalStream", "CUDAGraph", "graph", "make_graphed_callables")
"""What a plan has no word for: launches that nobody waits for, or that are made once and for all."""


def install(recorder: Recorder) -> None:
    """Replace what a wrapper may ask `torch.cuda` for."""
    for name, value in {**ANSWERS, **{name: _refused(recorder, name) for name in SIDEWAYS}}.items():
        setattr(torch.cuda, name, value)
    set_default = torch.set_default_device

    def set_default_device(device: Any) -> None:
        set_default(HOME.device if str(device).startswith("cuda") else device)

    torch.set_default_device = set_default_device
