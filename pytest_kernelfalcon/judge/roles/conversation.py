"""The executor's half of a traced call: read the wrapper's messages, check each, act on it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Protocol

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import (
    Alloc,
    Bounds,
    Call,
    Copy,
    Fill,
    Invalid,
    Launch,
    Read,
    Result,
    Tune,
)
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed

UNSUPPORTED = "kernelfalcon: unsupported"
"""A `ValueError` whose text begins so says that the candidate does not serve these sizes."""
TRACER_CAUSES = frozenset(
    (
        Cause.TORCH_OPERATION,
        Cause.HOST_DATA,
        Cause.DTYPE_CAST,
        Cause.VALUE_READ,
        Cause.LAUNCH_ARGUMENT,
        Cause.KEPT_TENSOR,
        Cause.SIDE_STREAM,
    )
)


class Failure(Exception):
    """The call fails for the candidate's own doing."""

    def __init__(self, cause: Cause, line: int | None = None, **facts: object) -> None:
        super().__init__(cause)
        self.cause, self.line, self.facts = cause, line, facts


class Unsupported(Exception):
    """The candidate says that it does not serve these sizes."""


class NotReadable(Exception):
    """A scalar that only a run would give is asked for in a dry call."""


class Memory(Protocol):
    """What acts on checked steps: real memory, or nothing (a dry call)."""

    def act(self, step: Alloc | Fill | Copy | Launch) -> None: ...
    def read(self, step: Read) -> list[Any] | None: ...


class Dry:
    """No memory: the plan alone. known: what a run has read back, element by element, to be read again."""

    def __init__(self, known: Sequence[Any] = ()) -> None:
        self._known = cycle(known) if known else None

    def act(self, step: Alloc | Fill | Copy | Launch) -> None:
        """Nothing is kept."""

    def read(self, step: Read) -> list[Any] | None:
        """None where no run has shown the values."""
        return None if self._known is None else list(islice(self._known, step.tensor.numel))


@dataclass
class Said:
    """What one call said, checked. heard: every message, as one text. read: every element read back."""

    heard: list[str] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    raw_launches: list[dict[str, Any]] = field(default_factory=list)
    tuned: int = 1
    read: list[Any] = field(default_factory=list)
    result: Result | None = None


@dataclass
class Tracer:
    """The channel to the tracer, with bounds that hold over all calls. seconds: how long one message may take."""

    channel: Channel
    bounds: Bounds
    seconds: float
    messages: int = 0
    under_way: bool = False

    def begin(self, call: dict[str, Any]) -> None:
        """Ask for a call, once the tracer has told that the one before is over: a wrapper whose kernel failed may
        wait for what that would have computed.
        """
        while self.under_way:
            message = self.receive()
            if message.get("op") == "read":
                self.send({"values": None})
            self.under_way = message != {"op": "end"}
        self.send({"call": call})
        self.under_way = True

    def receive(self) -> dict[str, Any]:
        """The next message; raises `Failure` for a tracer that floods, stalls, dies or speaks no JSON."""
        self.messages += 1
        if self.messages > self.bounds.messages:
            raise Failure(Cause.PLAN_FLOOD, detail=f"it sends more than {self.bounds.messages} messages")
        until = time.monotonic() + self.seconds

        def wait() -> float:
            left = until - time.monotonic()
            if left <= 0:
                raise Failure(Cause.WRAPPER_TIMEOUT, seconds=self.seconds)
            return left

        try:
            message, fds = self.channel.receive(wait)
        except Closed:
            raise Failure(Cause.WRAPPER_DIED, detail="without a result") from None
        except Malformed as error:
            raise Failure(Cause.PLAN_INVALID, detail=str(error)) from None
        if fds:
            raise Failure(Cause.PLAN_INVALID, detail="it sends file descriptors")
        return message

    def send(self, message: dict[str, Any]) -> None:
        try:
            self.channel.send(message)
        except Closed:
            raise Failure(Cause.WRAPPER_DIED, detail="without a result") from None


def ready(tracer: Tracer) -> None:
    """Until the candidate is imported; raises `Failure` where it cannot be."""
    message = tracer.receive()
    if message == {"op": "ready"}:
        return
    _own_words(message, imported=False)
    raise Failure(Cause.PLAN_INVALID, detail="it launches or allocates at import")


def hold(tracer: Tracer, call: Call, memory: Memory) -> Said:
    """One call of `kernel_function`, acted on as it is told; raises `Failure`, `Unsupported` or `NotReadable`."""
    said = Said()
    while said.result is None:
        message = tracer.receive()
        said.heard.append(json.dumps(message, sort_keys=True))
        _own_words(message, imported=True)
        try:
            step = call.step(message)
        except Invalid as invalid:
            raise Failure(invalid.cause, invalid.line, **invalid.facts) from None
        match step:
            case Alloc() | Fill() | Copy():
                memory.act(step)
            case Launch():
                said.launches.append(step)
                said.raw_launches.append(message)
                memory.act(step)
            case Read():
                values = memory.read(step)
                tracer.send({"values": values})
                if values is None:
                    raise NotReadable
                said.read += values
            case Tune():
                said.tuned = max(said.tuned, step.count)
            case Result():
                said.result = step
    return said


def _own_words(message: dict[str, Any], imported: bool) -> None:
    """`refuse` and `raise`: the tracer's own account, which can only be to the candidate's disadvantage."""
    line = message.get("line") if type(message.get("line")) is int else None
    if message.get("op") == "refuse":
        cause, facts = message.get("cause"), message.get("facts")
        if cause not in TRACER_CAUSES or not isinstance(facts, dict):
            raise Failure(Cause.PLAN_INVALID, line, detail="a refusal of no known cause")
        known = {key: str(facts.get(key, "?"))[:300] for key in ("detail", "kernel")}
        raise Failure(Cause.named(cause), line, **known)
    if message.get("op") == "raise":
        kind, text = str(message.get("type"))[:60], str(message.get("text"))[:300]
        if imported and kind == "ValueError" and text.startswith(UNSUPPORTED):
            raise Unsupported(text.removeprefix(UNSUPPORTED).strip(" :"))
        cause_ = Cause.WRAPPER_RAISED if imported else Cause.WRAPPER_IMPORT
        raise Failure(cause_, line, detail=f"{kind}: {text}" if text else kind)
