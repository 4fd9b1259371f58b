"""Role `compile`: compile a plan's launches for real GPUs, without one. PYTEST_DONT_REWRITE

Job {"source"}; requests {"launches", "targets"}; answers {"rows"}, one a distinct kernel, signature and target:
{"kernel", "target", "status": "ok" | "error" | "too_large" | "not_there", "registers", "spills", "shared", "detail",
"line"}.
Triton reaches machine code with the tools that its wheel bundles. Spills are 4-byte words, shared memory is bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler.errors import CompilationError
from triton.runtime.cache import triton_key
from triton.runtime.driver import driver
from triton.tools.tensor_descriptor import TensorDescriptor

from pytest_kernelfalcon.judge.extractor import extract
from pytest_kernelfalcon.judge.roles.dtypes import TL_DTYPES
from pytest_kernelfalcon.judge.roles.targets import SHARED_BYTES, shared_bytes
from pytest_kernelfalcon.judge.wire import Channel

CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
USAGE = re.compile(r"REG:(\d+) STACK:(\d+)")
LACKING = "requires .target"
"""ptxas of an instruction that the target has not, such as conversions to float8 before sm_89: later ones have."""


_WARM_TENSOR = {"dtype": "int32", "shape": [1], "stride": [1], "offset": 0, "storage": 0}
WARM = """
import triton
import triton.language as tl
@triton.jit
def warm(x_ptr, n):
    tl.store(x_ptr, n)
def kernel_function():
    pass
"""


def preload() -> None:
    """Before any fork: hash Triton's own files (0.4 s; every compilation's key holds that), and compile one kernel,
    which imports 50 modules.
    """
    triton_key()
    launch = {"kernel": "warm", "grid": [1], "arguments": {"x_ptr": {"tensor": _WARM_TENSOR}, "n": 1}, "options": {}}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["TRITON_CACHE_DIR"] = folder
        compile_all(extract(WARM).load(Path("kernels.py").absolute()), [launch], max(SHARED_BYTES))
        del os.environ["TRITON_CACHE_DIR"]


def serve(channel: Channel, job: dict[str, Any]) -> None:
    kernels = extract(job["source"]).load(Path("kernels.py").absolute())
    while True:
        request, _ = channel.receive()
        rows = [row for target in request["targets"] for row in compile_all(kernels, request["launches"], target)]
        channel.send({"rows": rows})


def compile_all(kernels: dict[str, Any], launches: list[dict[str, Any]], target: int) -> list[dict[str, Any]]:
    """A row for each distinct launch; the first that does not compile ends the list."""
    driver.set_active(Driver(target))
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for launch in launches:
        signature = repr((launch["kernel"], launch["options"], _signature(launch["arguments"])))
        if signature in seen:
            continue
        seen.add(signature)
        rows.append({"kernel": launch["kernel"], "target": f"sm_{target}"} | _compile(kernels, launch, target))
        if rows[-1]["status"] != "ok":
            break
    return rows


def _signature(value: Any) -> Any:
    """What a compilation depends on: of tensors the dtype and the alignment only."""
    if isinstance(value, dict) and "storage" in value:
        return Pointer(value).signature
    if isinstance(value, dict):
        return [(key, _signature(item)) for key, item in sorted(value.items())]
    return [_signature(item) for item in value] if isinstance(value, list | tuple) else value


def _compile(kernels: dict[str, Any], launch: dict[str, Any], target: int) -> dict[str, Any]:
    kernel = kernels[launch["kernel"]]
    arguments = [_argument(launch["arguments"][name], kernels) for name in kernel.arg_names]
    try:
        compiled = kernel.run(*arguments, grid=tuple(launch["grid"]), warmup=True, **launch["options"])
        compiled = compiled.result() if hasattr(compiled, "result") else compiled
    except CompilationError as error:
        return _error(error, kernels)
    except Exception as error:  # the compiler's other failures (ptxas, MLIR passes) share no base class
        status = "not_there" if LACKING in str(error) else "error"
        return {"status": status, "detail": _short(f"{type(error).__name__}: {error}"), "line": _first_line(kernel)}
    shared = compiled.metadata.shared
    figures = {"shared": shared} | _usage(compiled.asm["cubin"])
    if shared > shared_bytes(target):
        detail = f"{shared} bytes of shared memory, {shared_bytes(target)} are there"
        return figures | {"status": "too_large", "detail": detail, "line": _first_line(kernel)}
    return figures | {"status": "ok", "detail": "", "line": None}


def _argument(value: Any, kernels: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    if "as" in value:
        return triton.reinterpret(Pointer(value["tensor"]), TL_DTYPES[value["as"]])
    if "tensor" in value:
        return Pointer(value["tensor"])
    if "dtype" in value:
        return TL_DTYPES[value["dtype"]]
    if "kernel" in value:
        return kernels[value["kernel"]]
    if "tuple" in value:
        return tuple(_argument(item, kernels) for item in value["tuple"])
    options = {} if value["padding"] == "zero" else {"padding": value["padding"]}
    base = Pointer(value["descriptor"])
    return TensorDescriptor(base, list(value["shape"]), list(value["strides"]), list(value["block"]), **options)


class Pointer:
    """A tensor without memory: dtype and alignment are all that specialisation looks at."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.dtype: torch.dtype = getattr(torch, spec["dtype"])
        self.shape, self._strides = tuple(spec["shape"]), tuple(spec["stride"])
        self._address: int = (1 << 40) + spec["offset"] * self.dtype.itemsize

    @property
    def signature(self) -> tuple[str, bool]:
        return str(self.dtype), self._address % 16 == 0

    def data_ptr(self) -> int:
        return self._address

    def stride(self, dim: int | None = None) -> Any:
        return self._strides if dim is None else self._strides[dim]

    def element_size(self) -> int:
        return self.dtype.itemsize

    def ptr_range(self) -> int:
        return 0


class Driver:
    """Triton's active driver for one target: it compiles, and never launches."""

    def __init__(self, target: int) -> None:
        self._target = target

        class utils:  # noqa: N801 (Triton's name)
            @staticmethod
            def get_device_properties(_device: int = 0) -> dict[str, int]:
                properties = {"multiprocessor_count": 132, "max_num_regs": 65536, "warpSize": 32}
                return properties | {"max_shared_mem": shared_bytes(target)}

        self.utils = utils

    def get_current_device(self) -> int:
        return self._target  # Triton keeps compiled kernels by device: so one cache a target

    def get_current_stream(self, device: int = 0) -> int:
        return 0

    def get_current_target(self) -> Any:
        return GPUTarget("cuda", self._target, 32)


def _usage(cubin: bytes) -> dict[str, int]:
    Path("kernel.cubin").write_bytes(cubin)
    command = [str(CUOBJDUMP), "-res-usage", "kernel.cubin"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = USAGE.search(output)
    if found is None:
        raise RuntimeError(f"cuobjdump tells no resource usage: {output[:300]!r}")
    return {"registers": int(found[1]), "spills": int(found[2]) // 4}


def _error(error: CompilationError, kernels: dict[str, Any]) -> dict[str, Any]:
    """The innermost compilation error, at its line of the candidate."""
    inner: BaseException = error
    while inner.__cause__ is not None and isinstance(inner.__cause__, CompilationError):
        inner = inner.__cause__
    assert isinstance(inner, CompilationError)
    reason = inner.error_message or (str(inner.__cause__) if inner.__cause__ else "")
    line = None
    for kernel in kernels.values():
        if kernel.src == inner.src and inner.node is not None:
            line = _first_line(kernel) + inner.node.lineno - 1
    return {"status": "error", "detail": _short(reason or type(inner).__name__), "line": line}


def _first_line(kernel: Any) -> int:
    """The line of the kernel's `def`: Triton counts from there."""
    before = next(i for i, text in enumerate(kernel.raw_src) if text.lstrip().startswith("def "))
    return int(kernel.starting_line_number) + before


def _short(text: str) -> str:
    return " ".join(text.split("Repro command:")[0].split())[:400]  # ptxas's names files of this machine
