"""The parent's side of the zygotes: start them, fork roles, talk to them, end them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed
from pytest_kernelfalcon.judge.zygote import ROLES

START_SECONDS = 120.0
SLICE_SECONDS = 0.05
"""How long to wait before asking again whether the work was cancelled."""


class Ended(Exception):
    """A role's process ended before it answered. `how`: in words (exit code or signal)."""

    def __init__(self, how: str, code: int | None) -> None:
        super().__init__(how)
        self.how, self.code = how, code


class Overdue(Exception):
    """A role did not answer in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds:.1f} s")
        self.seconds = seconds


def clean_environment(kind: str, sandbox: str, own: Mapping[str, str]) -> dict[str, str]:
    """What a zygote sees of this process's environment: no key, no home, no configuration of the user's.

    own: what its platform adds.
    """
    package = Path(__file__).resolve().parents[2]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONPATH": str(package),
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TRITON_DEFAULT_FP_FUSION": "1",
        "KERNELFALCON_SANDBOX": sandbox,
    }
    return environment | ({"TRITON_INTERPRET": "1"} if kind == "interpreted" else {}) | dict(own)


class Child:
    """A forked role. Use as a context manager: leaving it ends the process and all that it started."""

    def __init__(self, role: str, channel: Channel, status: int, pidfd: int) -> None:
        self.role, self.channel = role, channel
        self._status, self._pidfd = status, pidfd

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether it was ended, or has ended by itself."""
        return self._pidfd < 0 or bool(select.select([self._pidfd], [], [], 0)[0])

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Raises `Ended` when the role is gone."""
        try:
            self.channel.send(message, fds)
        except Closed:
            raise self._ended() from None

    def receive(self, control: Control, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """The role's next message. Raises `Ended`, `Overdue`, `Malformed`, `Cancelled`, or `JudgeError` if it failed.

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
        if "failed" in message:
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
        select.select([self._status], [], [], 2.0)
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


class Zygote:
    """A warm process of one kind. Starting is asynchronous: the first `fork` waits for it."""

    def __init__(self, kind: str, sandbox: str, own: Mapping[str, str]) -> None:
        self.kind = kind
        self.missing: list[str] = []
        self.versions: dict[str, str] = {}
        self._ready = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self.channel, theirs = Channel.pair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest_kernelfalcon.judge.zygote", kind, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=clean_environment(kind, sandbox, own),
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            cwd="/",
        )
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, control: Control) -> None:
        """Until it is warm. Raises `JudgeError` with its last words if it cannot start."""
        if self._ready:
            return
        hello = self._answer(control)
        self.missing, self.versions, self._ready = hello["missing"], hello["versions"], True

    def fork(self, role: str, job: dict[str, Any], control: Control, fds: Sequence[int] = ()) -> Child:
        """A child in that role. `fds` reach it as `job["fds"]`."""
        self.wait(control)
        ours, theirs = Channel.pair()
        status, status_end = os.pipe()
        try:
            self.channel.send({"role": role, "job": job}, [theirs.fileno(), status_end, *fds])
        except Closed:
            raise self._died() from None
        finally:
            theirs.close()
            os.close(status_end)
        _, (pidfd,) = self._receive(Control())
        return Child(role, ours, status, pidfd)

    def _answer(self, control: Control) -> dict[str, Any]:
        return self._receive(control)[0]

    def _receive(self, control: Control) -> tuple[dict[str, Any], list[int]]:
        start = Control().within(START_SECONDS)

        def wait() -> float:
            control.check()
            if start.remaining(START_SECONDS) <= 0:
                raise JudgeError(f"the {self.kind} zygote did not answer within {START_SECONDS:.0f} s")
            return SLICE_SECONDS

        try:
            return self.channel.receive(wait)
        except (Closed, Malformed):
            raise self._died() from None

    def _died(self) -> JudgeError:
        self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace")[-3000:].strip()
        return JudgeError(f"the {self.kind} zygote ended with code {self._process.returncode}: {words}")

    def close(self) -> None:
        self.channel.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


class Zygotes:
    """The zygotes of one judge: started together, restarted when one has died.

    kinds: those that its platform needs, each with what it adds to the environment.
    """

    def __init__(self, sandbox: str, kinds: Mapping[str, Mapping[str, str]]) -> None:
        self._sandbox, self._kinds = sandbox, kinds
        self._all: dict[str, Zygote] = {}

    def start(self) -> None:
        for kind, own in self._kinds.items():
            if kind not in self._all or not self._all[kind].alive:
                self._all[kind] = Zygote(kind, self._sandbox, own)

    def fork(self, role: str, job: dict[str, Any], control: Control, fds: Sequence[int] = ()) -> Child:
        """A child in that role, from the zygote that serves it."""
        self.start()
        kind = next(kind for kind, roles in ROLES.items() if role in roles)
        return self._all[kind].fork(role, job, control, fds)

    def any(self, control: Control) -> Zygote:
        """A warm zygote, for what all of them know (versions)."""
        self.start()
        zygote = self._all["plain"]
        zygote.wait(control)
        return zygote

    def missing(self, control: Control) -> list[str]:
        """What any of them lacks of the sandbox."""
        self.start()
        for zygote in self._all.values():
            zygote.wait(control)
        return list(dict.fromkeys(lack for zygote in self._all.values() for lack in zygote.missing))

    def close(self) -> None:
        for zygote in self._all.values():
            zygote.close()
        self._all.clear()
