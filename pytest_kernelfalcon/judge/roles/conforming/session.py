"""The accepted module used for real: calls on throw-away inputs, and what they did and gave. PYTEST_DONT_REWRITE

The job has the candidate's "source", the "paths" of the state, the autotune configuration to "pick", how many
"operations" a call may take, whether the calls are "watched", and whether kernels are "idle", that is, not run. The one
request is {"calls": [{"inputs", "state", "init", "storages", "outputs", "mutates", "again"}], "repeats"}, with two
files for each call: its inputs, and where the bytes of its results go; the answer {"calls": [{"heard", "results"}],
"repeated"}. The candidate runs in this process: what it says can be forged, and only ever takes acceptance away.
"""

from __future__ import annotations

import linecache
import os
import sys
import types
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic  # the module's own becomes a clock that is wrong: see plainly.py
from typing import Any, Protocol

import torch

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.contracts.trees import TreeError, encode
from pytest_kernelfalcon.judge.extractor import extract
from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.roles.conforming.acting import FILE, Acting, unwatched
from pytest_kernelfalcon.judge.roles.conforming.plainly import Plainly
from pytest_kernelfalcon.judge.roles.conforming.shown import Shown
from pytest_kernelfalcon.judge.roles.tracer import Given
from pytest_kernelfalcon.judge.roles.tracing.model_new import ModelNew
from pytest_kernelfalcon.judge.roles.tracing.recorder import Refused
from pytest_kernelfalcon.judge.wire import Channel

HOUR = 3600.0
REPEATING_SECONDS = 4.0


class World(Protocol):
    """Where the module is used. records: whether calls that are not watched are recorded as well."""

    @property
    def place(self) -> blobs.Place: ...

    @property
    def records(self) -> bool: ...

    def begin(self, job: dict[str, Any], loaded: dict[str, Any], shown: Shown, plainly: Plainly | None) -> Acting:
        """Make ready for the candidate, before it is imported. plainly: None where it is watched."""
        ...

    def around(self, recorder: Acting, watched: bool) -> AbstractContextManager[object]:
        """In what its code runs."""
        ...

    def settle(self) -> None:
        """Until the kernels that were launched have run."""
        ...


def serve(channel: Channel, job: dict[str, Any], world: World) -> None:
    request, fds = channel.receive()
    session = Session(job, world)
    inputs, outputs = fds[::2], fds[1::2]
    contents = []
    for fd, call in zip(inputs, request["calls"], strict=True):
        blob = world.place.open(fd, call["storages"])
        contents.append([blob.bytes_of(piece).clone() for piece in call["storages"]])
        blob.close()
    session.load()
    answers = [
        session.answer(call, content, output)
        for call, content, output in zip(request["calls"], contents, outputs, strict=True)
    ]
    repeated = session.repeat(request["calls"][0], request["repeats"])
    channel.send({"calls": answers, "repeated": repeated})


class Session:
    """One candidate, imported once."""

    def __init__(self, job: dict[str, Any], world: World) -> None:
        self._source, self._paths = job["source"], job["paths"]
        self._world, self._watched = world, job["watched"]
        kernels = extract(self._source)
        loaded = kernels.load(Path("kernels.py").absolute())
        self._plainly = None if self._watched else Plainly()
        self.recorder = world.begin(job, loaded, Shown(kernels, loaded), self._plainly)
        self.recorder.pick, self.recorder.idle = job["pick"], job["idle"]
        self._bases: list[torch.Tensor] = []
        self._function: Any = None
        self._broken: list[str] = []

    def load(self) -> None:
        """Import it, as the tracer does."""
        module = types.ModuleType("kernel")
        module.__file__ = FILE
        sys.modules["kernel"] = module
        linecache.cache[FILE] = (len(self._source), None, self._source.splitlines(True), FILE)
        Path(FILE).write_text(self._source, encoding="utf-8")
        if self._plainly is not None:
            self._plainly.begin()
        try:
            self._run(exec, compile(self._source, FILE, "exec", dont_inherit=True), module.__dict__)
            names = module.__dict__
            self._function = names.get("kernel_function") or ModelNew(names["ModelNew"], self._paths)
        except BaseException as error:
            self._raised(error, "import")
            self._broken = self.recorder.heard

    def answer(self, call: dict[str, Any], content: list[torch.Tensor], output: int) -> dict[str, Any]:
        """One call; the bytes of its results go to the file."""
        tensors = self._call(call, content)
        given = self._mutated(call["mutates"])
        heard = self.recorder.heard if self._watched or self._world.records or not tensors else None
        with unwatched():
            for tensor, piece in zip([*tensors, *given], call["outputs"], strict=False):
                _put(output, piece, tensor)
        os.close(output)
        results = [[list(tensor.shape), str(tensor.dtype).removeprefix("torch.")] for tensor in tensors]
        return {"heard": heard, "results": results}

    def repeat(self, call: dict[str, Any], times: int) -> dict[str, Any] | None:
        """More calls, of which only what they do is looked at, some of them on new tensors; the first that differs."""
        content = [base.clone() for base in self._bases]
        first: list[str] | None = None
        self.recorder.idle = True
        start = monotonic()
        for number in range(times):
            self._world.settle()
            if monotonic() - start > REPEATING_SECONDS:
                break
            self._call(call | {"again": number % 2 == 0}, content)
            first = first or self.recorder.heard
            if self.recorder.heard != first:
                return {"number": number, "heard": self.recorder.heard, "first": first}
        return None

    def _call(self, call: dict[str, Any], content: list[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors of the result; none where it raises. again: in the memory of the call before."""
        if self._broken:
            self.recorder.heard = self._broken
            return []
        if call["again"]:
            for base, new in zip(self._bases, content, strict=True):
                base.copy_(new)
        else:
            self._bases = [torch.empty_like(new) for new in content]  # the old ones are there until then
            for base, new in zip(self._bases, content, strict=True):
                base.copy_(new)
        if self._plainly is not None:
            self._plainly.wait(HOUR)
        given = Given.over(self._bases, call)
        self.recorder.begin()
        for base in self._bases:
            self.recorder.own(base)
        try:
            if isinstance(self._function, ModelNew):
                self._within(nullcontext(), self._function.prepare, call["init"], self.recorder)  # untraced
                return self._flat(self._run(self._function.holding(given.state), *given.inputs))
            return self._flat(self._run(self._function, *given.inputs, **given.state))
        except Refused:
            return []  # heard already
        except BaseException as error:
            self._raised(error, "call")
            return []

    def _run(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        return self._within(self._world.around(self.recorder, self._watched), function, *arguments, **named)

    def _within(
        self, around: AbstractContextManager[object], function: Callable[..., Any], /, *arguments: Any, **named: Any
    ) -> Any:
        if self._plainly is not None:
            return self._plainly.call(around, function, *arguments, **named)
        with around:
            return function(*arguments, **named)

    def _flat(self, result: object) -> list[torch.Tensor]:
        """Its tensors. Where that is recorded, it is told as the tracer tells it."""
        tensors: list[torch.Tensor] = []

        def take(value: object) -> dict[str, Any] | None:
            if not isinstance(value, torch.Tensor):
                return None
            tensors.append(value)
            return self.recorder.spec(value) if self._watched else {}

        try:
            tree = encode(result, take)
        except TreeError as error:
            tree = {"v": f"a {error}"}
        if self._watched:
            self.recorder.emit("result", tree=tree)
        return tensors

    def _mutated(self, specs: list[dict[str, Any]]) -> list[torch.Tensor]:
        if not specs or self._broken:
            return []
        tensors = [TensorSpec.of(spec) for spec in specs]
        return [
            torch.empty(0, dtype=getattr(torch, spec.dtype), device=self._bases[spec.storage].device).set_(
                self._bases[spec.storage].untyped_storage(), spec.offset, spec.shape, spec.stride
            )
            for spec in tensors
        ]

    def _raised(self, error: BaseException, phase: str) -> None:
        text = " ".join(str(error).split())[:300]
        line = self.recorder.line_of(error)
        self.recorder.emit("raise", type=type(error).__name__, text=text, line=line, phase=phase)


def _put(fd: int, piece: dict[str, int], tensor: torch.Tensor) -> None:
    """Its bytes, as far as the piece goes."""
    view = memoryview(blobs.raw(tensor).cpu().numpy().data)[: piece["nbytes"]]
    done = 0
    while done < len(view):
        done += os.pwrite(fd, view[done:], piece["offset"] + done)
