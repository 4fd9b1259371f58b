"""The parent's side of one forked role: talk to it, learn how it ended, end it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence
from typing import Any

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.guard import FOREIGN
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed

SLICE_SECONDS = 0.05
"""How long to wait before asking again whether the work was cancelled."""


class Ended(Exception):
    """A role's process ended before it answered. `how`: in words (exit code or signal)."""

    def __init__(self, how: str, code: int | None) -> None:
        super().__init__(how)
        self.how, self.code = how, code

    @property
    def killed(self) -> bool:
        """Whether somebody else may have ended it: a user, or the system where memory was short."""
        return self.code in (None, -signal.SIGKILL)


class Overdue(Exception):
    """A role did not answer in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds:.1f} s")
        self.seconds = seconds


class Child:
    """A forked role. Use as a context manager: leaving it ends the process and all that it started.

    orphaned: whether the zygote that it came from is gone, which ends a child that did nothing wrong.
    """

    def __init__(self, role: str, channel: Channel, status: int, pidfd: int, orphaned: Callable[[], bool]) -> None:
        self.role, self.channel = role, channel
        self._status, self._pidfd, self._orphaned = status, pidfd, orphaned

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether it was ended, or has ended by itself."""
        return self._pidfd < 0 or bool(select.select([self._pidfd], [], [], 0)[0])

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Raises `Ended` when the role is gone, `JudgeError` when its zygote is."""
        try:
            self.channel.send(message, fds)
        except Closed:
            raise self._ended() from None

    def receive(self, control: Control, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """The role's next message. Raises `Ended`, also for one that sends no message but something else; `Overdue`,
        `Cancelled`, or `JudgeError` if it failed.

        After any of these the child is closed: whatever it says later is the answer to another question.
        """
        try:
            return self._receive(control, seconds)
        except BaseException:
            self.close()
            raise

    def _receive(self, control: Control, seconds: float) -> tuple[dict[str, Any], list[int]]:
        bounded = control.within(seconds)

        def wait() -> float:
            control.check()
            left = bounded.remaining(seconds)
            if left <= 0:
                raise Overdue(seconds)
            return min(left, SLICE_SECONDS)

        try:
            message, fds = self.channel.receive(wait)
        except Closed:
            raise self._ended() from None
        except Malformed as error:
            raise Ended(f"it sends what is no message: {error}", None) from None
        if "failed" in message and self.role not in FOREIGN:
            raise JudgeError(f"the {self.role} process failed:\n{message['failed']}")
        return message, fds

    def ask(self, message: dict[str, Any], control: Control, seconds: float, fds: Sequence[int] = ()) -> dict[str, Any]:
        """`send` and `receive`, for answers without descriptors."""
        self.send(message, fds)
        answer, new = self.receive(control, seconds)
        for fd in new:
            os.close(fd)
        return answer

    def _ended(self) -> Ended:
        """How it ended; raises `JudgeError` where that was no doing of its own."""
        select.select([self._status], [], [], 2.0)
        if self._orphaned():
            raise JudgeError(f"the {self.role} process ended because its zygote did")
        os.set_blocking(self._status, False)
        try:
            data = os.read(self._status, 4)
        except BlockingIOError:
            data = b""
        if len(data) < 4:
            return Ended("killed", None)
        status = int.from_bytes(data, "big")
        if os.WIFSIGNALED(status):
            return Ended(_signal_name(os.WTERMSIG(status)), -os.WTERMSIG(status))
        code = os.waitstatus_to_exitcode(status)
        return Ended(f"exit code {code}", code)

    def close(self) -> None:
        if self._pidfd < 0:
            return
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        os.close(self._status)
        os.close(self._pidfd)
        self._pidfd = -1


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
