"""A zygote: a warm process, torch and Triton loaded, that forks one child per job.

Started by `host.Zygote` as `python -m pytest_kernelfalcon.judge.zygote KIND FD`. PYTEST_DONT_REWRITE

It serves lines, of which the first is FD's. A line begins with {"ready", "missing", "versions"}. A request is {"role",
"job"} with two descriptors, the child's channel and a pipe, and whatever else the role wants; the answer is {"pid"}
with a pidfd. The role `line` is no child but another line, on the descriptor that comes with the request: a copy of
the zygote that serves it and ends with it, so that no line waits for another. Each child has a guard between the
zygote (or its copy) and itself: the guard owns the child's process group and pid namespace, ends it when it is told
to (SIGTERM) or when the zygote dies, and writes the child's wait status to the pipe.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from pytest_kernelfalcon.judge import sandbox
from pytest_kernelfalcon.judge.sandbox import Limits
from pytest_kernelfalcon.judge.wire import Channel, Closed, close_all

ROLES: dict[str, dict[str, Limits]] = {
    "plain": {
        "inspect": Limits(cpu=120, memory=6 << 30),
        "reference": Limits(cpu=600, memory=6 << 30, files=4 << 30),
        "tracer": Limits(cpu=60, memory=2 << 30, files=64 << 20),
        "compile": Limits(cpu=1800, memory=4 << 30, starts=True),
        "comparer": Limits(cpu=600, memory=6 << 30),
        "bake": Limits(cpu=60),
    },
    "interpreted": {
        "executor": Limits(cpu=300, memory=6 << 30, files=4 << 30),
        "conformance": Limits(cpu=120, memory=6 << 30, files=64 << 20),
    },
    "cuda": {
        "cuda.reference": Limits(cpu=600, files=4 << 30, gpu=True),
        "cuda.executor": Limits(cpu=300, files=4 << 30, gpu=True, starts=True),
        "cuda.comparer": Limits(cpu=600, gpu=True),
        "cuda.conformance": Limits(cpu=120, files=1 << 30, gpu=True, starts=True),
    },
}
"""Which zygote forks which role, and what a fork may use. A platform says which zygotes it needs."""

FOREIGN = ("tracer", "conformance", "cuda.conformance")
"""Roles that run a candidate's Python: that our own code failed there is what the candidate could say as well."""

LINE = "line"
"""The role of a copy of the zygote that serves another process."""

FAILED = 70
"""The exit code of a role in which our own code failed (sysexits.h: an internal software error)."""


@dataclass(frozen=True)
class Home:
    """What a fork must know of the zygote it came from."""

    isolated: bool
    walls: sandbox.Walls
    hello: dict[str, Any]


def main() -> NoReturn:
    kind, fd = sys.argv[1], int(sys.argv[2])
    sandbox.die_with_parent()
    wanted = os.environ["KERNELFALCON_SANDBOX"] != "off"
    missing = sandbox.isolate() if wanted else ["everything (--sandbox off)"]
    isolated = not missing
    roles = {name: importlib.import_module(f"pytest_kernelfalcon.judge.roles.{name}") for name in ROLES[kind]}
    for module in roles.values():
        getattr(module, "preload", lambda: None)()
    walls = _enclose(kind, isolated, missing) if wanted else sandbox.Walls(sandbox.mapped_bytes())
    channel = Channel(socket.socket(fileno=fd))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    import torch
    import triton

    versions = {"torch": torch.__version__, "triton": triton.__version__, "python": sys.version.split()[0]}
    hello = {"ready": kind, "missing": missing, "versions": versions}
    serve(channel, roles, Home(isolated, walls, hello))


def _enclose(kind: str, isolated: bool, missing: list[str]) -> sandbox.Walls:
    """Shut this process in, and add what cannot be had to `missing`."""
    package, more = Path(__file__).resolve().parents[1], sandbox.gpu_paths() if kind == "cuda" else ()
    visible = sandbox.visible(package, more)
    walls, lacking = sandbox.walls(visible)
    not_shut = sandbox.shut(package, more) if isolated else []
    missing += [*not_shut, *lacking]
    return walls if not_shut or not isolated else replace(walls, visible=("/",))


def serve(channel: Channel, roles: dict[str, Any], home: Home) -> NoReturn:
    """Fork for each request until the other end hangs up."""
    channel.send(home.hello)
    while True:
        try:
            request, fds = channel.receive()
        except Closed:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            channel.close()  # whoever holds it speaks for the zygote, or for those that ask it
            if request["role"] == LINE:
                sandbox.die_with_parent()
                serve(Channel(socket.socket(fileno=fds[0])), roles, home)
            guard(roles[request["role"]], request["role"], request["job"], fds, home)
        if request["role"] == LINE:
            close_all(fds)
            continue
        pidfd = os.pidfd_open(pid)
        close_all(fds)
        channel.send({"pid": pid}, [pidfd])
        os.close(pidfd)


def guard(module: Any, role: str, job: dict[str, Any], fds: list[int], home: Home) -> NoReturn:
    """Between zygote and child; ends with the child."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    scratch = "" if home.isolated else tempfile.mkdtemp(prefix="kernelfalcon-scratch-")
    if home.isolated:
        sandbox.new_pid_namespace()
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
        run(module, role, job, fds, home, scratch)
    status_fd = fds[1]
    close_all([fd for fd in fds if fd != status_fd])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _, status = os.waitpid(child, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # its number may be another process's from now on
    with contextlib.suppress(BrokenPipeError):  # nobody asks any more
        os.write(status_fd, status.to_bytes(4, "big"))
    if not home.isolated:
        shutil.rmtree(scratch, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def run(module: Any, role: str, job: dict[str, Any], fds: list[int], home: Home, scratch: str) -> NoReturn:
    """The child: confined, then the role."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        sandbox.die_with_parent()
        os.close(fds[1])
        _quiet()
        _use(sandbox.confine(_limits(role), scratch, home.walls))
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


def _limits(role: str) -> Limits:
    return next(roles[role] for roles in ROLES.values() if role in roles)


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


if __name__ == "__main__":
    main()
