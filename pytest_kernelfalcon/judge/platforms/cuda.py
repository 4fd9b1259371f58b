"""The platform `cuda`: kernels, eager and truth run on an NVIDIA GPU, at a problem's own sizes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import DECLARED_FAKE, TRIVIAL_WHEN_SHRUNK, Contract
from pytest_kernelfalcon.judge.platforms import Form, Unavailable
from pytest_kernelfalcon.judge.platforms.nvml import Driver, Gpu, NoDriver, driver

MAX_BYTES = 16 << 30
"""Of inputs and state at a problem's own sizes."""
SHARE_OF_MEMORY = 8
"""Inputs twice (the kernel has its own), its outputs, eager's, and truth in fp64 twice, while it is written."""
VARIED_BYTES = 64 << 20
"""Of inputs and state: what is larger is run once, and smaller sizes are varied."""


class Cuda:
    """One GPU."""

    name = "cuda"
    reference, executor, comparer = "cuda.reference", "cuda.executor", "cuda.comparer"
    conformance = "cuda.conformance"
    zygotes = ("plain", "interpreted", "cuda")
    interpreted = True

    def __init__(self, gpu: Gpu, libraries: str) -> None:
        self._gpu = gpu
        self.target = gpu.capability
        self.environment: Mapping[str, str] = {
            "CUDA_VISIBLE_DEVICES": gpu.uuid,
            "LD_LIBRARY_PATH": libraries,
            "TRITON_LIBCUDA_PATH": libraries,
        }

    @property
    def device(self) -> str:
        return f"{self._gpu.name} #{self._gpu.number}" if self._gpu.number else self._gpu.name

    def forms(self, contract: Contract, programs: int) -> list[Form]:
        declared = Form(contract.declared, contract.admitted, declared=True)
        if contract.shrunk is None:
            return [declared]
        if TRIVIAL_WHEN_SHRUNK in contract.flags:
            return [] if DECLARED_FAKE in contract.flags else [declared]
        shrunk = Form(contract.shrunk, contract.admitted_shrunk, declared=False)
        if contract.input_bytes <= VARIED_BYTES:
            return [declared]
        fits = contract.input_bytes <= min(MAX_BYTES, self._gpu.memory // SHARE_OF_MEMORY)
        return [declared, shrunk] if fits else [shrunk]


def find(place: int = 0) -> Cuda:
    """A GPU that this process may use; place: see `platforms.choose`. Raises `Unavailable` with what is missing."""
    try:
        found = driver()
    except NoDriver as error:
        raise Unavailable(f"platform cuda needs an NVIDIA driver: {error}. Use --kernelfalcon-platform=cpu") from None
    gpus = visible(found.gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if not gpus:
        raise Unavailable("platform cuda finds no GPU: see `nvidia-smi -L` and CUDA_VISIBLE_DEVICES")
    _check_torch(found)
    if not any(shutil.which(name, path="/usr/local/bin:/usr/bin:/bin") for name in ("gcc", "clang")):
        raise Unavailable("platform cuda needs gcc or clang in /usr/bin: Triton builds its launchers with it")
    return Cuda(gpus[place % len(gpus)], found.folder)


def visible(gpus: Sequence[Gpu], wanted: str | None) -> list[Gpu]:
    """The GPUs that `CUDA_VISIBLE_DEVICES` names, in its order: by index in the driver's order, or by (the start of) a
    UUID, of a GPU (`GPU-…`) or of a part of one (`MIG-…`). As CUDA does, it stops at the first name that is none. A GPU
    that is divided stands for its parts; named by its index or UUID, for the first of them.
    """
    if wanted is None:
        return [part for gpu in gpus for part in gpu.instances or (gpu,)]
    found: list[Gpu] = []
    for name in wanted.split(","):
        gpu = _named(gpus, name.strip())
        if gpu is None:
            break
        found.append(gpu)
    return list(dict.fromkeys(found))


def _named(gpus: Sequence[Gpu], name: str) -> Gpu | None:
    if name.isdecimal():
        gpu = gpus[int(name)] if int(name) < len(gpus) else None
    else:
        every = [*gpus, *(part for gpu in gpus for part in gpu.instances)]
        gpu = next((gpu for gpu in every if name and gpu.uuid.startswith(name)), None)
    return gpu.instances[0] if gpu and gpu.instances else gpu


def _check_torch(found: Driver) -> None:
    spec = importlib.util.find_spec("torch")
    folders = spec.submodule_search_locations if spec else None
    if not folders or not (Path(folders[0]) / "lib" / "libtorch_cuda.so").exists():
        raise Unavailable("platform cuda needs a torch that is built for CUDA: see https://pytorch.org/get-started")
    built = re.search(r"^cuda[^=\n]*= '(\d+)", (Path(folders[0]) / "version.py").read_text(), re.MULTILINE)
    if built and int(built[1]) > found.cuda:
        raise Unavailable(f"torch is built for CUDA {built[1]}, the driver serves CUDA {found.cuda}: update the driver")
