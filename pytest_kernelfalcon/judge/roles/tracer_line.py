"""The executor's line to the tracer, where a candidate's Python sits: every wait and every count is bounded.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import socket
import time
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import Bounds
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed, close_all


class Failure(Exception):
    """The call fails for the candidate's own doing."""

    def __init__(self, cause: Cause, line: int | None = None, **facts: object) -> None:
        super().__init__(cause)
        self.cause, self.line, self.facts = cause, line, facts


class Tracer:
    """seconds: how long the tracer may keep us waiting in one call (or before the first: its import), whatever it
    sends in between. messages: of all calls until now. Every method raises `Failure` for a tracer that floods,
    stalls, dies or sends what is no message.
    """

    def __init__(self, sock: socket.socket, bounds: Bounds, seconds: float) -> None:
        sock.settimeout(seconds)  # of sending to one that does not read
        self._channel = Channel(sock, bounds.message_bytes, bounds.depth)
        self.bounds, self._seconds = bounds, seconds
        self.messages = 0
        self._under_way = False
        self._begin_counting()

    def _begin_counting(self) -> None:
        self._waited, self._messages_before, self._text_before = 0.0, self.messages, self._channel.received

    def begin(self, call: dict[str, Any]) -> None:
        """Ask for a call, once the tracer has told that the one before is over: a wrapper whose kernel failed may
        wait for what that would have computed.
        """
        while self._under_way:
            message = self.receive()
            if message.get("op") == "read":
                self.send({"values": None})
            self._under_way = message != {"op": "end"}
        self._begin_counting()
        self.send({"call": call})
        self._under_way = True

    def receive(self) -> dict[str, Any]:
        """The next message."""
        self._count()
        start = time.monotonic()

        def wait() -> float:
            left = self._seconds - self._waited - (time.monotonic() - start)
            if left <= 0:
                raise Failure(Cause.WRAPPER_TIMEOUT, seconds=self._seconds)
            return left

        try:
            message, fds = self._channel.receive(wait)
        except Closed:
            raise self._died() from None
        except Malformed as error:
            raise Failure(Cause.PLAN_INVALID, detail=str(error)) from None
        finally:
            self._waited += time.monotonic() - start
        if fds:
            close_all(fds)
            raise Failure(Cause.PLAN_INVALID, detail="it sends file descriptors")
        return message

    def _count(self) -> None:
        self.messages += 1
        for what, number, most in (
            ("messages in one call", self.messages - self._messages_before, self.bounds.messages),
            ("messages", self.messages, self.bounds.all_messages),
            ("bytes of messages in one call", self._channel.received - self._text_before, self.bounds.text),
        ):
            if number > most:
                raise Failure(Cause.PLAN_FLOOD, detail=f"it sends more than {most} {what}")

    def send(self, message: dict[str, Any]) -> None:
        try:
            self._channel.send(message)
        except Closed:
            raise self._died() from None
        except TimeoutError:
            raise Failure(Cause.WRAPPER_TIMEOUT, seconds=self._seconds) from None

    @staticmethod
    def _died() -> Failure:
        return Failure(Cause.WRAPPER_DIED, detail="without a result")
