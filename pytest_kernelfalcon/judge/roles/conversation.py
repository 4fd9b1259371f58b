"""The executor's half of a traced call: read the wrapper's messages, check each, act on it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Protocol

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import (
    Alloc,
    Call,
    Copy,
    Fill,
    Invalid,
    Launch,
    Read,
    Result,
    Tune,
    line_of,
    shown,
)
from pytest_kernelfalcon.judge.roles.tracer_line import Failure, Tracer

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
MAX_TEXT = 300
"""Characters of the tracer's own words that a verdict repeats."""


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
        said.heard.append(json.dumps(message))
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
    if message.get("op") not in ("refuse", "raise"):
        return
    try:
        line = line_of(message)
    except Invalid as invalid:
        raise Failure(invalid.cause, None, **invalid.facts) from None
    if message["op"] == "refuse":
        cause, facts = message.get("cause"), message.get("facts")
        if not isinstance(cause, str) or cause not in TRACER_CAUSES or not isinstance(facts, dict):
            raise Failure(Cause.PLAN_INVALID, line, detail="a refusal of no known cause")
        known = {key: shown(facts.get(key, "?"), MAX_TEXT) for key in ("detail", "kernel")}
        raise Failure(Cause.named(cause), line, **known)
    kind, text = shown(message.get("type"), 60), shown(message.get("text"), MAX_TEXT)
    if imported and kind == "ValueError" and text.startswith(UNSUPPORTED):
        raise Unsupported(text.removeprefix(UNSUPPORTED).strip(" :"))
    cause_ = Cause.WRAPPER_RAISED if imported else Cause.WRAPPER_IMPORT
    raise Failure(cause_, line, detail=f"{kind}: {text}" if text else kind)
