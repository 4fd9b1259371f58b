"""Role `cuda.executor`: run a candidate's checked kernels on a GPU. PYTEST_DONT_REWRITE

As the executor on the CPU (judge/roles/executor.py), whose messages it speaks; it ends after a fault of the device,
which leaves no CUDA context to go on with. The zygote never touches CUDA: a context does not survive a fork.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.experimental.gluon.nvidia.hopper  # a first launch would load it
from triton.backends.nvidia.driver import CudaDriver
from triton.compiler.errors import CompilationError
from triton.runtime.cache import triton_key
from triton.runtime.driver import driver
from triton.runtime.errors import OutOfResources, PTXASError

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge.extractor import extract
from pytest_kernelfalcon.judge.interpreter import KernelFault
from pytest_kernelfalcon.judge.launch_plan import Alloc, Call, Copy, Fill, Launch
from pytest_kernelfalcon.judge.roles.blobs import Blob
from pytest_kernelfalcon.judge.roles.cuda.blobs import Device
from pytest_kernelfalcon.judge.roles.cuda.memory import OutOfMemory
from pytest_kernelfalcon.judge.roles.cuda.storages import DeviceStorages
from pytest_kernelfalcon.judge.roles.dtypes import TL_DTYPES
from pytest_kernelfalcon.judge.roles.executor import Executor, Running
from pytest_kernelfalcon.judge.roles.tracer_line import Failure
from pytest_kernelfalcon.judge.wire import Channel

OTHER_POISON = 0x7E
"""Of a second run that tells memory that nothing wrote from values that look like poison."""
ADDRESS_FAULTS = ("illegal memory access", "misaligned address", "invalid address space", "illegal address")


def preload() -> None:
    """Before any fork: hash Triton's own files, build its driver module (gcc, half a second) and the allow-list.

    CUDA is not started by that.
    """
    triton_key()
    folder = tempfile.mkdtemp()
    os.environ["TRITON_CACHE_DIR"] = folder
    driver.set_active(CudaDriver())
    shutil.rmtree(folder)
    extract("def kernel_function(): pass")


def serve(channel: Channel, job: dict[str, Any]) -> None:
    executor = DeviceExecutor.of(channel, job)
    torch.zeros(1, device="cuda")  # starts CUDA
    triton.set_allocator(lambda size, _alignment, _stream: torch.empty(size, dtype=torch.int8, device="cuda"))
    executor.serve(job["source"])


class DeviceExecutor(Executor):
    """lost: a fault has ended the CUDA context."""

    place = Device()

    def running(self, request: dict[str, Any]) -> DeviceRunning:
        return DeviceRunning(self, request)

    def done(self, blob: Blob) -> None:
        if not self.lost:
            blob.close()

    def _on(self, blob: Blob, request: dict[str, Any], call: Call) -> None:
        self.memory: list[DeviceStorages] = []
        try:
            super()._on(blob, request, call)
        except (OutOfMemory, torch.OutOfMemoryError) as error:
            raise Failure(Cause.DEVICE_MEMORY, detail=_short(error)) from None
        finally:
            if not self.lost:
                for storages in self.memory:
                    storages.free()
                self.place.rest()


class DeviceRunning(Running):
    """Acts on checked steps with the GPU; remembers them, to run them again on other poison."""

    executor: DeviceExecutor
    storages: DeviceStorages

    def __init__(self, executor: DeviceExecutor, request: dict[str, Any]) -> None:
        super().__init__(executor, request)
        self._watch: bool = request["watch"]
        self._steps: list[Fill | Copy | Launch] = []

    def fresh(self, watch: bool) -> DeviceStorages:
        self.executor.memory.append(DeviceStorages())
        return self.executor.memory[-1]

    def act(self, step: Alloc | Fill | Copy | Launch) -> None:
        if not isinstance(step, Alloc):
            self._steps.append(step)
        super().act(step)

    def _launch(self, step: Launch) -> None:
        self.executor.channel.send({"running": step.kernel})
        kernel = self.executor.loaded[step.kernel]
        arguments = [
            self.storages.argument(step.arguments[name], self.executor.loaded, TL_DTYPES) for name in kernel.arg_names
        ]
        try:
            kernel[tuple(step.grid)](*arguments, **step.options)
            torch.cuda.synchronize()
        except (CompilationError, OutOfResources, PTXASError) as error:
            raise self._fault(Cause.KERNEL_RAISED, step, _short(error)) from error
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # torch's and Triton's for what CUDA reports
            self.executor.lost = True
            cause = Cause.OUT_OF_BOUNDS if _is_address(error) else Cause.KERNEL_CRASHED
            raise self._fault(cause, step, _short(error)) from error
        except Exception as error:  # of Triton's launcher, about arguments that no compile has seen before
            text = f"{type(error).__name__}: {_short(error)}"
            raise self._fault(Cause.KERNEL_RAISED, step, text) from error
        strayed = self.storages.strayed()
        if strayed is not None:
            raise self._fault(Cause.OUT_OF_BOUNDS, step, f"a store outside {strayed}, just beside it")

    def _fault(self, cause: Cause, step: Launch, detail: str) -> KernelFault:
        return KernelFault(cause, detail, line=step.line, program=None, kernel=step.kernel)

    def unwritten(self, specs: Sequence[TensorSpec]) -> list[int]:
        """Elements that are poison, and are the other poison when all is done again on it."""
        if not self._watch:
            return [-1] * len(specs)
        suspects = [self.storages.poisoned(spec) for spec in specs]
        if not any(bool(suspect.any()) for suspect in suspects):
            return [0] * len(specs)
        self.storages.restart(OTHER_POISON)
        for step in list(self._steps):
            super().act(step)
        pairs = zip(suspects, specs, strict=True)
        return [int((suspect & self.storages.poisoned(spec)).count_nonzero()) for suspect, spec in pairs]


def _is_address(error: RuntimeError) -> bool:
    return any(words in str(error) for words in ADDRESS_FAULTS)


def _short(error: Exception) -> str:
    return " ".join(str(error).split("\nSearch for")[0].split())[:400]
