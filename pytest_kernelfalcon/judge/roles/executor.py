"""Role `executor` on the CPU: run a candidate's checked kernels in the hardened interpreter. PYTEST_DONT_REWRITE

It never imports the candidate: it takes the kernels from the text (judge/extractor) and the launches from the
tracer's messages, each checked. It is given inputs, never expected values. Requests:
    {"load": {"source", "seconds"}} with the tracer's channel, once
    {"call": {"inputs", "state", "init", "storages", "names", "pick", "same", "dry", "times", "read", "watch", "races",
     "order", "operations", "mutates", "told"}} with the inputs' memory file unless dry
Answers: {"end": "ready" | "result" | "fail" | "unsupported" | "unreadable" | "costly", …}; before each launch
{"running": kernel}, so that the parent can name the kernel that hangs or crashes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.judge import interpreter
from pytest_kernelfalcon.judge.extractor import Kernels, Refused, extract
from pytest_kernelfalcon.judge.launch_plan import Alloc, Bounds, Call, Copy, Fill, Launch, Read, all_tensors, shown
from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.roles.conversation import (
    Dry,
    NotReadable,
    Said,
    Unsupported,
    hold,
    ready,
)
from pytest_kernelfalcon.judge.roles.dtypes import TL_DTYPES
from pytest_kernelfalcon.judge.roles.room import NoRoom, room, torch_takes
from pytest_kernelfalcon.judge.roles.storages import Storages
from pytest_kernelfalcon.judge.roles.tracer_line import Failure, Tracer
from pytest_kernelfalcon.judge.wire import Channel

PASSED = ("inputs", "state", "init", "pick", "same")
"""What the tracer is told of a call."""


def preload() -> None:
    """Patch the interpreter, run it once, and build the allow-list, before any fork."""
    interpreter.install()
    interpreter.prewarm()
    extract("def kernel_function(): pass")


def serve(channel: Channel, job: dict[str, Any]) -> None:
    Executor.of(channel, job).serve(job["source"])


class Executor:
    """One candidate. `load` and `call` answer the parent exactly once.

    place: where inputs and outputs lie. lost: whether a fault has left nothing to go on with.
    """

    place: blobs.Place = blobs.Host()
    lost: bool = False

    def __init__(self, channel: Channel, tracer: Tracer) -> None:
        self.channel, self.tracer = channel, tracer
        self.kernels: Kernels | None = None
        self.loaded: dict[str, Any] = {}

    @classmethod
    def of(cls, channel: Channel, job: dict[str, Any]) -> Self:
        """With the tracer whose channel came with the job."""
        (tracer_fd,) = job["fds"]
        bounds = Bounds.beside(job["output_bytes"])
        return cls(channel, Tracer(socket.socket(fileno=tracer_fd), bounds, job["seconds"]))

    def serve(self, source: str) -> None:
        """Load the candidate, then answer calls until the parent hangs up or a fault ends it."""
        self.load(source)
        while not self.lost:
            request, fds = self.channel.receive()
            self.call(request["call"], fds)

    def load(self, source: str) -> None:
        """Extract the kernels, and wait for the tracer to have imported the candidate."""
        try:
            self.kernels = extract(source)
            self.loaded = self.kernels.load(Path("kernels.py").absolute())
            ready(self.tracer)
        except Refused as refused:
            refusal = refused.refusal
            facts = {"detail": refusal.detail, "kernel": refusal.kernel}
            self._fail(refusal.cause, refusal.line, facts, stage="parse")
            return
        except Failure as failure:
            self._fail(failure.cause, failure.line, failure.facts)
            return
        self.channel.send({"end": "ready", "kernels": self.kernels.names})

    def call(self, request: dict[str, Any], fds: list[int]) -> None:
        try:
            with room():
                if request["dry"]:
                    self._dry(request)
                else:
                    self._run(request, self._begun(request), fds)
        except Failure as failure:
            self._fail(failure.cause, failure.line, failure.facts)
        except interpreter.KernelFault as fault:
            facts = {"detail": fault.detail, "kernel": fault.kernel}
            self._fail(fault.cause, fault.line, facts, program=fault.program, stage="run")
        except NoRoom as error:
            self.channel.send({"end": "costly", "detail": f"one call takes more memory than there is here: {error}"})
        except interpreter.BudgetExceeded:
            self.channel.send(
                {"end": "costly", "detail": f"one call takes more than {request['operations']} operations"}
            )
        except Unsupported as unsupported:
            self.channel.send({"end": "unsupported", "detail": str(unsupported)})
        except NotReadable:
            self.channel.send({"end": "unreadable"})

    def _begun(self, request: dict[str, Any]) -> Call:
        """A call that the tracer was asked for."""
        names = {name: list(kernel.arg_names) for name, kernel in self.loaded.items()}
        refused = self.kernels.refused if self.kernels else {}
        call = Call(names, refused, TL_DTYPES, self.tracer.bounds)
        sizes = [piece["nbytes"] for piece in request["storages"]]
        call.give(sizes)
        self.tracer.begin({key: request[key] for key in PASSED} | {"storages": sizes})
        return call

    def _dry(self, request: dict[str, Any]) -> None:
        """The plan alone; asked for several times, it must be the same each time, whatever was read before."""
        said = hold(self.tracer, self._begun(request), Dry(request["read"]))
        bounds = self.tracer.bounds
        left = min(bounds.messages, bounds.all_messages - self.tracer.messages)
        for number in range(2, min(request["times"], left // (2 * len(said.heard))) + 1):
            again = hold(self.tracer, self._begun(request), Dry(request["read"]))
            if again.heard != said.heard:
                raise Failure(Cause.PLAN_CHANGES, detail=_difference(said, again), call=number)
        steps = {"steps": said.heard} if request["told"] else {}
        self.channel.send({"end": "result", **_summary(said, with_plan=True), **steps})

    def running(self, request: dict[str, Any]) -> Running:
        return Running(self, request)

    def _run(self, request: dict[str, Any], call: Call, fds: list[int]) -> None:
        blob = self.place.open(fds[0], request["storages"])
        try:
            self._on(blob, request, call)
        finally:
            self.done(blob)

    def done(self, blob: blobs.Blob) -> None:
        """The inputs are not needed any more."""
        blob.close()

    def _on(self, blob: blobs.Blob, request: dict[str, Any], call: Call) -> None:
        memory = self.running(request)
        memory.storages.give([blob.bytes_of(piece) for piece in request["storages"]], request["names"])
        said = hold(self.tracer, call, memory)
        assert said.result is not None
        results = [*said.result.tensors, *(TensorSpec.of(spec) for spec in request["mutates"])]
        fd, pieces = self.place.write("outputs", [blobs.raw(memory.storages.view(spec)) for spec in results])
        modified = memory.storages.modified()
        tensors = [
            {"shape": spec.shape, "dtype": spec.dtype, "storage": spec.storage}
            | asdict(piece)
            | {"unwritten": unwritten}
            for spec, piece, unwritten in zip(results, pieces, memory.unwritten(results), strict=True)
        ]
        answer = {
            "end": "result",
            **_summary(said, with_plan=request["watch"]),
            "steps": said.heard if request["told"] else [],
            "tree": said.result.tree,
            "tensors": tensors,
            "modified": modified,
            "launched": sorted({s for launch in said.launches for s in _touched(launch)}),
        }
        self.channel.send(answer, [fd])
        os.close(fd)

    def _fail(self, cause: Cause, line: int | None, facts: Any, program: Any = None, stage: str = "trace") -> None:
        plain = {key: value if isinstance(value, int | float) else shown(value, 600) for key, value in facts.items()}
        self.channel.send(
            {"end": "fail", "cause": cause.value, "line": line, "facts": plain, "program": program, "stage": stage}
        )


class Running:
    """Acts on checked steps with real memory and the interpreter."""

    def __init__(self, executor: Executor, request: dict[str, Any]) -> None:
        self.executor = executor
        self.storages = self.fresh(request["watch"])
        self.checks = interpreter.Checks(races=request["races"], order=request["order"])
        self.budget = interpreter.Budget(request["operations"])

    def fresh(self, watch: bool) -> Storages:
        return Storages(watch)

    def act(self, step: Alloc | Fill | Copy | Launch) -> None:
        match step:
            case Alloc():
                self.storages.allocate(step.nbytes)
            case Fill():
                with torch_takes(f"a fill of {step.tensor.dtype} with {step.value}"):
                    self.storages.fill(step.tensor, step.value)
            case Copy():
                with torch_takes("a copy"):
                    self.storages.copy(step.target, step.source)
            case Launch() if step.programs:
                self._launch(step)

    def _launch(self, step: Launch) -> None:
        kernels = self.executor.loaded
        self.executor.channel.send({"running": step.kernel})
        arguments = [self.storages.argument(value, kernels, TL_DTYPES) for value in step.arguments.values()]
        kernel = kernels[step.kernel]
        try:
            interpreter.launch(kernel, step.grid, arguments, self.storages.regions, self.checks, self.budget)
        except interpreter.WrongCall as wrong:
            raise Failure(Cause.LAUNCH_ARGUMENT, step.line, kernel=step.kernel, detail=str(wrong)) from None

    def unwritten(self, specs: Sequence[TensorSpec]) -> list[int]:
        """How many elements of each nothing wrote; -1 where nobody watched. The storages are not used after that."""
        return [self.storages.unwritten(spec) for spec in specs]

    def read(self, step: Read) -> list[Any]:
        values: list[Any] = self.storages.view(step.tensor).reshape(-1).tolist()
        return values


def _summary(said: Said, with_plan: bool) -> dict[str, Any]:
    programs = sum(launch.programs for launch in said.launches)
    figures = {"launches": len(said.launches), "programs": programs, "tuned": said.tuned, "read": said.read}
    kernels = sorted({launch.kernel for launch in said.launches})
    return figures | {"kernels": kernels, "plan": said.raw_launches if with_plan else []}


def _difference(first: Said, second: Said) -> str:
    """Which message differs: both, shortened."""
    longest = zip_longest(first.heard, second.heard, fillvalue="nothing")
    one, other = next(pair for pair in longest if pair[0] != pair[1])
    return f"{other[:160]} where it said {one[:160]}"


def _touched(launch: Launch) -> set[int]:
    return {spec.storage for spec in all_tensors(launch.arguments.values())}
