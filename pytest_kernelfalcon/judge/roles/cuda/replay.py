"""Run a launch plan once, in a process that compute-sanitizer watches. PYTEST_DONT_REWRITE

No role: judge/sanitizer.py starts it. The folder has `inputs`, the bytes of the inputs' storages, and `plan.json`:
{"source": the candidate's text, "messages": what its wrapper said in one call, "storages": where each input's storage
lies in `inputs`, "output_bytes", "device"}. The candidate is not imported: its kernels are extracted, and every message
is checked again. Each storage is an allocation of its own, so that memcheck sees its end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import triton

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge.extractor import extract
from pytest_kernelfalcon.judge.launch_plan import Alloc, Bounds, Call, Copy, Fill, Launch
from pytest_kernelfalcon.judge.roles.dtypes import TL_DTYPES
from pytest_kernelfalcon.judge.roles.storages import Storages

KERNELS, DONE = "kernels.py", "replayed"
"""Files in the tool's folder: the kernels' text, and what is there once the plan has run to its end. A kernel can
print, but make no file.
"""


class Allocations(Storages):
    """One allocation of the device a storage, and fresh memory left as it is: initcheck knows what was written."""

    def __init__(self, device: str) -> None:
        super().__init__(watch=False)
        self._device = device

    def allocate(self, nbytes: int) -> None:
        self._buffers.append(torch.empty(nbytes, dtype=torch.uint8, device=self._device))

    def _add(self, buffer: torch.Tensor, name: str) -> None:
        self._buffers.append(buffer.to(self._device))

    def _written_view(self, spec: TensorSpec) -> None:
        """Nobody watches here but the tool."""

    def view(self, spec: TensorSpec) -> torch.Tensor:
        tensor = torch.empty(0, dtype=getattr(torch, spec.dtype), device=self._device)
        return tensor.set_(self._buffers[spec.storage].untyped_storage(), spec.offset, spec.shape, spec.stride)


def main(folder: str, tool: str) -> None:
    """tool: the one that watches, which names a folder."""
    plan = json.loads((Path(folder) / "plan.json").read_text(encoding="utf-8"))
    place = Path(folder) / tool
    place.mkdir()
    kernels = extract(plan["source"])
    loaded = kernels.load(place / KERNELS)
    if plan["device"] == "cuda":
        triton.set_allocator(lambda size, _alignment, _stream: torch.empty(size, dtype=torch.int8, device="cuda"))
    data = (Path(folder) / "inputs").read_bytes()
    storages = Allocations(plan["device"])
    pieces = [_piece(data, piece) for piece in plan["storages"]]
    storages.give(pieces, ["" for _ in pieces])
    names = {name: list(kernel.arg_names) for name, kernel in loaded.items()}
    call = Call(names, kernels.refused, TL_DTYPES, Bounds.beside(plan["output_bytes"]))
    call.give([piece["nbytes"] for piece in plan["storages"]])
    for message in plan["messages"]:
        _act(call.step(message), storages, loaded)
    if plan["device"] == "cuda":
        torch.cuda.synchronize()
    (place / DONE).touch()


def _piece(data: bytes, piece: dict[str, int]) -> torch.Tensor:
    start, count = piece["offset"], piece["nbytes"]
    if not count:
        return torch.empty(0, dtype=torch.uint8)
    return torch.frombuffer(bytearray(data[start : start + count]), dtype=torch.uint8)


def _act(step: Any, storages: Allocations, loaded: dict[str, Any]) -> None:
    match step:
        case Alloc():
            storages.allocate(step.nbytes)
        case Fill():
            storages.fill(step.tensor, step.value)
        case Copy():
            storages.copy(step.target, step.source)
        case Launch() if step.programs:
            kernel = loaded[step.kernel]
            arguments = [storages.argument(step.arguments[name], loaded, TL_DTYPES) for name in kernel.arg_names]
            kernel[tuple(step.grid)](*arguments, **step.options)
