"""Between a zygote and a role: the guard, which ends the role and all that it started, and the confined role itself.

The guard owns the role's pid namespace. Where there is none, orphans below it become its children, so that nothing gets
away by a double fork or a session of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from pytest_kernelfalcon.judge import linux, sandbox
from pytest_kernelfalcon.judge.limits import Limits
from pytest_kernelfalcon.judge.sandbox import Walls
from pytest_kernelfalcon.judge.wire import Channel, Closed, close_all

FOREIGN = ("tracer", "conformance", "cuda.conformance")
"""Roles that run a candidate's Python: that our own code failed there is what the candidate could say as well."""
FAILED = 70
"""The exit code of a role in which our own code failed (sysexits.h: an internal software error)."""


def guard(module: Any, role: str, limits: Limits, job: dict[str, Any], fds: list[int], walls: Walls) -> NoReturn:
    """Forks the role, ends it when told to (SIGTERM) or when the zygote dies, and tells its wait status on fds[1]."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    user = walls.user(os.getpid())
    scratch = "" if walls.isolated else _ordinary_scratch(user)
    if walls.isolated:
        sandbox.new_pid_namespace()
    else:
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    child = 0

    def end(_signal: int, _frame: object) -> None:
        if child:
            with contextlib.suppress(ProcessLookupError):  # told twice: by the parent, and as the zygote ends
                os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sandbox.die_with_parent(signal.SIGTERM)
    child = os.fork()
    if child == 0:
        run(module, role, limits, job, fds, walls, scratch, user)
    status_fd = fds[1]
    close_all([fd for fd in fds if fd != status_fd])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _, status = os.waitpid(child, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # its number may be another process's from now on
    if not walls.isolated:
        _end_orphans()
    with contextlib.suppress(BrokenPipeError):  # nobody asks any more
        os.write(status_fd, status.to_bytes(4, "big"))
    if not walls.isolated:
        _remove(scratch)
    os._exit(0)


def _ordinary_scratch(user: int | None) -> str:
    directory = tempfile.mkdtemp(prefix=f"kernelfalcon-scratch-{os.getppid()}-")
    if user is not None:
        os.chown(directory, user, user)
    return directory


def _end_orphans() -> None:
    """Until there is no process below this one: whoever's parent ends becomes a child of this one, and ends next.

    The youngest first, since a chain of processes may fork and end faster than a list of them can be gone through.
    """
    while True:
        for child in reversed(_children()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The direct ones, by what the host's /proc says now."""
    return [int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _remove(scratch: str) -> None:
    """Whatever lies in it: folders that cannot be entered, or that lie deeper than Python follows, are for `rm`."""
    try:
        shutil.rmtree(scratch)
    except (OSError, RecursionError):
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, scratch], stderr=subprocess.DEVNULL, check=False)


def run(
    module: Any,
    role: str,
    limits: Limits,
    job: dict[str, Any],
    fds: list[int],
    walls: Walls,
    scratch: str,
    user: int | None,
) -> NoReturn:
    """The role: confined, then served."""
    try:
        os.setsid()  # a signal to its own group shall not reach the guard
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        sandbox.die_with_parent()
        os.close(fds[1])
        _quiet()
        _use(sandbox.confine(limits, scratch, walls, user))
        channel = Channel(socket.socket(fileno=fds[0]))
        job["fds"] = fds[2:]
        module.serve(channel, job)
    except Closed:
        os._exit(0)
    except BaseException:
        if role not in FOREIGN:
            _report(fds[0])
        os._exit(FAILED)
    os._exit(0)


def _quiet() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def _use(scratch: str) -> None:
    tempfile.tempdir = scratch
    os.environ.update(TMPDIR=scratch, HOME=scratch, TRITON_CACHE_DIR=f"{scratch}/triton", TRITON_HOME=scratch)


def _report(fd: int) -> None:
    """Our own code failed in a role: the parent makes a `JudgeError` of it."""
    text = traceback.format_exc(limit=-12)[-6000:]
    Channel(socket.socket(fileno=os.dup(fd))).send({"failed": text})
