"""The GPUs of this machine, asked of the driver's own library: no CUDA context, no torch, any process may ask.

NVML: https://docs.nvidia.com/deploy/nvml-api/.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
TEXT = 96


@dataclass(frozen=True)
class Gpu:
    """uuid: as `CUDA_VISIBLE_DEVICES` takes it. capability: 90 for 9.0. memory: bytes in all; used: of these.

    number: in the driver's order, where there are several. instances: the parts that it is divided into (MIG).
    """

    uuid: str
    name: str
    capability: int
    memory: int
    used: int = 0
    number: str = ""
    instances: tuple[Gpu, ...] = ()


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class NoDriver(Exception):
    """The driver's library is not there or does not answer; the text says which."""


@dataclass(frozen=True)
class Driver:
    """cuda: the newest major version of CUDA that it serves. folder: where its libraries lie. gpus: in its order."""

    cuda: int
    folder: str
    gpus: list[Gpu]


def driver() -> Driver:
    """Raises `NoDriver`."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NoDriver(str(error)) from None
    _ask(library.nvmlInit_v2)
    try:
        count, version = ctypes.c_uint(), ctypes.c_int()
        _ask(library.nvmlDeviceGetCount_v2, ctypes.byref(count))
        _ask(library.nvmlSystemGetCudaDriverVersion_v2, ctypes.byref(version))
        found = [_gpu(library, index, str(index) if count.value > 1 else "") for index in range(count.value)]
    finally:
        library.nvmlShutdown()
    return Driver(version.value // 1000, _folder(), found)


def _folder() -> str:
    """Of the library that was just loaded: a clean environment may not find it by name."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return os.path.dirname(next(line.split()[-1] for line in maps if "/libnvidia-ml.so" in line))


def _gpu(library: Any, index: int, number: str) -> Gpu:
    handle, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
    _ask(library.nvmlDeviceGetHandleByIndex_v2, ctypes.c_uint(index), ctypes.byref(handle))
    _ask(library.nvmlDeviceGetCudaComputeCapability, handle, ctypes.byref(major), ctypes.byref(minor))
    whole = _described(library, handle, major.value * 10 + minor.value, number)
    instances = [
        _described(library, instance, whole.capability, f"{index}.{place}")
        for place, instance in _instances(library, handle)
    ]
    return replace(whole, instances=tuple(instances))


def _instances(library: Any, handle: ctypes.c_void_p) -> Iterator[tuple[int, ctypes.c_void_p]]:
    """The handles of a GPU's parts, by their place; a GPU that cannot be divided answers with an error."""
    most = ctypes.c_uint()
    if library.nvmlDeviceGetMaxMigDeviceCount(handle, ctypes.byref(most)):
        return
    for place in range(most.value):
        instance = ctypes.c_void_p()
        if not library.nvmlDeviceGetMigDeviceHandleByIndex(handle, ctypes.c_uint(place), ctypes.byref(instance)):
            yield place, instance


def _described(library: Any, handle: ctypes.c_void_p, capability: int, number: str) -> Gpu:
    uuid, name = ctypes.create_string_buffer(TEXT), ctypes.create_string_buffer(TEXT)
    _ask(library.nvmlDeviceGetUUID, handle, uuid, ctypes.c_uint(TEXT))
    _ask(library.nvmlDeviceGetName, handle, name, ctypes.c_uint(TEXT))
    memory = _Memory()
    _ask(library.nvmlDeviceGetMemoryInfo, handle, ctypes.byref(memory))
    return Gpu(uuid.value.decode(), name.value.decode(), capability, memory.total, memory.used, number)


def _ask(function: Any, *arguments: Any) -> None:
    code = function(*arguments)
    if code:
        raise NoDriver(f"{function.__name__} fails with code {code}")
