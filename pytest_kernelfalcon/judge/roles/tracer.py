"""Role `tracer`: run a candidate's wrapper on tensors without memory. PYTEST_DONT_REWRITE

It speaks the launch plan (judge/launch_plan/) to the executor, which checks every message, and has no other way out.
The job has the candidate's "source" and the "paths" of the state. Requests: {"call": {"inputs", "state", "init",
"storages", "pick", "same"}}.
"""

from __future__ import annotations

import linecache
import socket
import sys
import types
from dataclasses import dataclass
from typing import Any

import torch

from pytest_kernelfalcon.contracts.trees import Tree, TreeError, decode, encode
from pytest_kernelfalcon.judge.roles.tracing import cuda_shims, triton_side
from pytest_kernelfalcon.judge.roles.tracing.model_new import ModelNew
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder, Refused, Telling
from pytest_kernelfalcon.judge.roles.tracing.torch_side import Device, Dispatch, on_device
from pytest_kernelfalcon.judge.wire import Channel

FILE = "kernel.py"


def serve(channel: Channel, job: dict[str, Any]) -> None:
    """Import the candidate, then answer calls until the executor hangs up."""
    channel.close()  # a candidate shall not speak to the parent
    (executor_fd,) = job["fds"]
    executor = Channel(socket.socket(fileno=executor_fd))
    recorder = Telling(executor, FILE)
    cuda_shims.install(recorder)
    triton_side.install(recorder)
    function = _import(recorder, job["source"], job["paths"])
    if function is None:
        return
    given: Given | None = None
    while True:
        request, _ = executor.receive()
        call = request["call"]
        recorder.begin()
        recorder.pick = call["pick"]
        given = given if given is not None and call["same"] else Given.of(call)
        for base in given.bases:
            recorder.own(base)
        _call(recorder, function, given, call["init"])
        recorder.emit("end")


def preload() -> None:
    """Import what the first traced operation would (800 modules, over a second), before any fork."""
    with torch.utils._python_dispatch._disable_current_modes(), Dispatch(Recorder(FILE)), torch.no_grad():
        base = torch.empty(8, device="meta")
        torch.empty_like(base.view(2, 4).t()).contiguous().reshape(-1).zero_()[0] = 1.0


def _import(recorder: Recorder, source: str, paths: dict[str, str]) -> Any:
    """The candidate's `kernel_function`, or its `ModelNew` as one; None after telling why there is neither."""
    module = types.ModuleType("kernel")
    module.__file__ = FILE
    sys.modules["kernel"] = module  # dataclasses with deferred annotations look their module up
    linecache.cache[FILE] = (len(source), None, source.splitlines(True), FILE)
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(source)  # Triton reads a kernel's text from its file
    try:
        with Device(recorder), Dispatch(recorder):
            exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
        function = module.__dict__.get("kernel_function") or ModelNew(module.__dict__["ModelNew"], paths)
    except BaseException as error:
        _raised(recorder, error, "import")
        return None
    recorder.emit("ready")
    return function


@dataclass
class Given:
    """The arguments of a call; kept, so that a later one can be given the same tensors with other values."""

    bases: list[torch.Tensor]
    inputs: list[object]
    state: dict[str, object]

    @classmethod
    def of(cls, call: dict[str, Any]) -> Given:
        return cls.over([torch.empty(size, dtype=torch.uint8, device="meta") for size in call["storages"]], call)

    @classmethod
    def over(cls, bases: list[torch.Tensor], call: dict[str, Any]) -> Given:
        """The arguments in these storages."""

        def make(spec: dict[str, Any]) -> torch.Tensor:
            base = bases[spec["storage"]]
            tensor = torch.empty(0, dtype=getattr(torch, spec["dtype"]), device=base.device)
            return tensor.set_(base.untyped_storage(), spec["offset"], spec["shape"], spec["stride"])

        inputs = [decode(tree, make) for tree in call["inputs"]]
        return cls(bases, inputs, {name: decode(tree, make) for name, tree in call["state"].items()})


def _call(recorder: Recorder, function: Any, given: Given, init: Tree | None) -> None:
    try:
        if isinstance(function, ModelNew):
            function.prepare(init, recorder)
        with Device(recorder), Dispatch(recorder), torch.no_grad():
            result = function(*given.inputs, **given.state)
        recorder.emit("result", tree=_describe(recorder, result))
    except Refused:
        return  # told already
    except BaseException as error:
        _raised(recorder, error, "call")


def _describe(recorder: Recorder, result: object) -> Tree:
    try:
        return encode(result, lambda value: recorder.spec(value) if on_device(value) else None)
    except TreeError as error:
        return {"v": f"a {error}"}


def _raised(recorder: Recorder, error: BaseException, phase: str) -> None:
    text = " ".join(str(error).split())[:300]
    recorder.emit("raise", type=type(error).__name__, text=text, line=recorder.line_of(error), phase=phase)
