"""The executor's line to the tracer: each bound holds, whatever is sent, and honest talk is within it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import Bounds
from pytest_kernelfalcon.judge.roles import tracer_line
from pytest_kernelfalcon.judge.roles.tracer_line import Failure, Tracer
from pytest_kernelfalcon.judge.wire import Channel


@contextmanager
def line(seconds: float = 20.0, **bounds: int) -> Iterator[tuple[Tracer, Channel]]:
    """The executor's end, and the one where the candidate sits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        yield Tracer(ours, Bounds(**bounds), seconds), Channel(theirs)
    finally:
        ours.close()
        theirs.close()


def failing(tracer: Tracer, times: int = 1) -> Failure:
    with pytest.raises(Failure) as raised:
        for _ in range(times):
            tracer.receive()
    return raised.value


def test_messages_of_one_call_are_counted():
    with line(messages=3) as (tracer, candidate):
        for _ in range(5):
            candidate.send({"op": "ready"})
        failure = failing(tracer, 4)
    assert (failure.cause, failure.facts["detail"]) == (Cause.PLAN_FLOOD, "it sends more than 3 messages in one call")


def test_each_call_has_its_messages_and_all_have_theirs():
    with line(messages=3, all_messages=5) as (tracer, candidate):
        for _ in range(2):
            tracer.begin({})
            candidate.send({"op": "tune"})
            candidate.send({"op": "end"})
            assert tracer.receive() == {"op": "tune"}
        tracer.begin({})
        candidate.send({"op": "tune"})
        assert tracer.receive() == {"op": "tune"}
        failure = failing(tracer)
    assert (failure.cause, failure.facts["detail"]) == (Cause.PLAN_FLOOD, "it sends more than 5 messages")


def test_the_bytes_of_one_call_are_counted():
    with line(text=1000) as (tracer, candidate):
        for _ in range(12):
            candidate.send({"op": "x" * 100})
        failure = failing(tracer, 12)
    assert failure.cause == Cause.PLAN_FLOOD and "1000 bytes of messages" in failure.facts["detail"]


@pytest.mark.parametrize(
    ("message", "says"),
    [({"op": "x" * 2000}, "a message of"), ({"op": [[[[1]]]]}, "more than 3 deep")],
)
def test_one_message_is_bounded_in_size_and_nesting(message: dict[str, Any], says: str):
    with line(message_bytes=1000, depth=3) as (tracer, candidate):
        candidate.send({"op": [1]})
        assert tracer.receive() == {"op": [1]}
        candidate.send(message)
        failure = failing(tracer)
    assert failure.cause == Cause.PLAN_INVALID and says in failure.facts["detail"]


def test_the_time_is_that_of_the_call_not_of_a_message():
    with line(seconds=0.6) as (tracer, candidate):

        def drip() -> None:
            for _ in range(8):
                time.sleep(0.2)
                candidate.send({"op": "ready"})

        sender = threading.Thread(target=drip)
        sender.start()
        failure = failing(tracer, 8)
        sender.join()
    assert failure.cause == Cause.WRAPPER_TIMEOUT


def test_time_that_we_take_ourselves_is_not_the_candidates(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr(tracer_line, "time", SimpleNamespace(monotonic=lambda: now))
    with line(seconds=1.0) as (tracer, candidate):
        for _ in range(4):
            candidate.send({"op": "ready"})
            assert tracer.receive() == {"op": "ready"}
            now += 100.0


def test_one_that_does_not_read_is_left():
    with line(seconds=0.3) as (tracer, _), pytest.raises(Failure) as raised:
        for _ in range(100):
            tracer.send({"values": [0.0] * 10_000})
    assert raised.value.cause == Cause.WRAPPER_TIMEOUT


def test_descriptors_do_not_stay_here():
    with line() as (tracer, candidate), socket.socket() as sent:
        candidate.send({"op": "ready"}, [sent.fileno()])
        before = _open()
        assert failing(tracer).facts["detail"] == "it sends file descriptors"
        assert _open() == before


def _open() -> int:
    return len(os.listdir("/proc/self/fd"))
