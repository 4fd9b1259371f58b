"""The parent's side of the zygotes: start them, have them fork roles, end them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge import platforms
from pytest_kernelfalcon.judge.child import SLICE_SECONDS, Child, Ended, Overdue
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed
from pytest_kernelfalcon.judge.zygote import LINE, kind_of

__all__ = ["Child", "Ended", "Line", "Overdue", "Zygote", "Zygotes"]

START_SECONDS = 120.0


def clean_environment(kind: str, sandbox: str, place: int = 0) -> dict[str, str]:
    """What a zygote sees of this process's environment: no key, no home, no configuration of the user's.

    Raises `Unavailable` where what runs in that kind cannot be had here.
    """
    package = Path(__file__).resolve().parents[2]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",  # whatever a problem asks torch for: most roles may start no thread
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONPATH": str(package),
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TRITON_DEFAULT_FP_FUSION": "1",
        "KERNELFALCON_SANDBOX": sandbox,
    }
    return environment | platforms.environment(kind, place)


def lacking(kinds: Sequence[str]) -> list[str]:
    """What this machine does not grant of the sandbox of those zygotes. Raises `JudgeError`.

    A process of its own tries, which loads no torch: a tenth of a second, where a zygote takes one or more to start.
    """
    command = [sys.executable, "-P", "-m", "pytest_kernelfalcon.judge.sandbox", *kinds]
    environment = clean_environment("plain", "auto")
    run = subprocess.run(
        command, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise JudgeError(f"what this machine grants of the sandbox could not be found out: {run.stderr.strip()}")
    return run.stdout.splitlines()


class Line(ABC):
    """A conversation with one zygote, which forks for it. The first `fork` waits until the zygote is warm."""

    def __init__(self, kind: str, channel: Channel) -> None:
        self.kind, self.channel = kind, channel
        self.missing: list[str] = []
        self.versions: dict[str, str] = {}
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether there is still somebody at the other end."""
        poll = select.poll()
        poll.register(self.channel, select.POLLRDHUP)
        return not poll.poll(0)

    def wait(self, control: Control) -> None:
        """Until it is warm. Raises `JudgeError` with its last words if it cannot start."""
        if self._ready:
            return
        hello, _ = self._receive(control)
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
        return Child(role, ours, status, pidfd, lambda: self.closed or not self.alive)

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
        return JudgeError(f"the {self.kind} zygote ended: {self.last_words()}")

    @abstractmethod
    def last_words(self) -> str:
        """What is known of why it ended."""

    @property
    def closed(self) -> bool:
        return self.channel.fileno() < 0

    def close(self) -> None:
        self.channel.close()


class Zygote(Line):
    """A warm process of one kind, and the line to it of the process that starts it. Starting is asynchronous.

    place: see `platforms.choose`.
    """

    program: ClassVar[Sequence[str]] = ("-m", "pytest_kernelfalcon.judge.zygote")

    def __init__(self, kind: str, sandbox: str, place: int = 0) -> None:
        ours, theirs = Channel.pair()
        super().__init__(kind, ours)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-P", *self.program, kind, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=clean_environment(kind, sandbox, place),
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            cwd="/",
            process_group=0,  # an interrupt at the terminal is for pytest, which ends its zygotes itself
        )
        theirs.close()

    def lend(self, place: int = 0) -> Channel:
        """The end of another line to it, for another process; raises `Closed` when it is gone.

        place: of that process. What is forked on its line is told of its device, and not of this one's.
        """
        lent, theirs = Channel.pair()
        try:
            self.channel.send({"role": LINE, "environment": platforms.environment(self.kind, place)}, [theirs.fileno()])
        except Closed:
            lent.close()
            raise
        finally:
            theirs.close()
        return lent

    def last_words(self) -> str:
        try:
            code = f"with code {self._process.wait(timeout=1)}"
        except subprocess.TimeoutExpired:
            return "it still runs, but has closed the line"
        self._errors.seek(0)
        return f"{code}: {self._errors.read().decode(errors='replace')[-3000:].strip()}"

    def close(self) -> None:
        super().close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


class Zygotes:
    """One line to a zygote of each of these kinds: opened together, and opened anew when one has died.

    opened: a new line to a zygote of that kind, which it starts if need be. Raises `JudgeError`.
    """

    def __init__(self, kinds: Sequence[str], opened: Callable[[str], Line]) -> None:
        self._kinds, self._open = kinds, opened
        self._all: dict[str, Line] = {}

    def start(self) -> None:
        for kind in self._kinds:
            if kind not in self._all or not self._all[kind].alive:
                if kind in self._all:
                    self._all.pop(kind).close()
                self._all[kind] = self._open(kind)

    def fork(self, role: str, job: dict[str, Any], control: Control, fds: Sequence[int] = ()) -> Child:
        """A child in that role, from the zygote that serves it."""
        self.start()
        return self._all[kind_of(role)].fork(role, job, control, fds)

    def any(self, control: Control) -> Line:
        """A line to a warm zygote, for what all of them know (versions)."""
        self.start()
        line = self._all["plain"]
        line.wait(control)
        return line

    def missing(self, control: Control) -> list[str]:
        """What any of them lacks of the sandbox."""
        self.start()
        for line in self._all.values():
            line.wait(control)
        return list(dict.fromkeys(lack for line in self._all.values() for lack in line.missing))

    def close(self) -> None:
        for line in self._all.values():
            line.close()
        self._all.clear()
