"""A zygote: a warm process, torch and Triton loaded, that forks one child per job.

Started by `host.Zygote` as `python -m pytest_kernelfalcon.judge.zygote KIND FD`. PYTEST_DONT_REWRITE

It serves lines, of which the first is FD's. A line begins with {"ready", "missing", "versions"}. A request is {"role",
"job"} with two descriptors, the child's channel and a pipe, and whatever else the role wants; the answer is {"pid"}
with a pidfd. The role `line` is no child but another line, on the descriptor that comes with the request: a copy of
the zygote that serves it and ends with it, so that no line waits for another. The copy's environment has what the
request's says, such as the device of the one it serves: CUDA looks there when a fork begins to use it. Between the
zygote (or its copy) and each child is a guard (guard.py), which ends it when it is told to (SIGTERM) or when the zygote
dies, and writes the child's wait status to the pipe.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_kernelfalcon.judge import sandbox
from pytest_kernelfalcon.judge.guard import guard
from pytest_kernelfalcon.judge.limits import Limits
from pytest_kernelfalcon.judge.wire import Channel, Closed, close_all

ROLES: dict[str, dict[str, Limits]] = {
    "plain": {
        "inspect": Limits(cpu=120, memory=6 << 30),
        "reference": Limits(cpu=600, memory=6 << 30, files=6 << 30),
        "tracer": Limits(cpu=60, memory=2 << 30, files=64 << 20, hands=False),
        "compile": Limits(cpu=1800, memory=4 << 30, starts=True),
        "comparer": Limits(cpu=600, memory=6 << 30),
        "bake": Limits(cpu=60),
    },
    "interpreted": {
        "executor": Limits(cpu=300, memory=6 << 30, files=4 << 30),
        "conformance": Limits(cpu=120, memory=6 << 30, files=64 << 20, threads=64, hands=False),
    },
    "cuda": {
        "cuda.reference": Limits(cpu=600, memory=48 << 30, files=4 << 30, gpu=True),
        "cuda.executor": Limits(cpu=300, memory=24 << 30, files=4 << 30, gpu=True, starts=True),
        "cuda.comparer": Limits(cpu=600, memory=24 << 30, gpu=True),
        "cuda.conformance": Limits(cpu=120, memory=24 << 30, files=1 << 30, gpu=True, starts=True, hands=False),
    },
}
"""Which zygote forks which role, and what a fork may use. A platform says which zygotes it needs."""


def kind_of(role: str) -> str:
    """Which zygote forks that role."""
    return next(kind for kind, roles in ROLES.items() if role in roles)


LINE = "line"
"""The role of a copy of the zygote that serves another process."""


@dataclass(frozen=True)
class Home:
    """What a fork must know of the zygote it came from."""

    walls: sandbox.Walls
    hello: dict[str, Any]


def main() -> NoReturn:
    kind, fd = sys.argv[1], int(sys.argv[2])
    sandbox.die_with_parent()
    gpu = any(limits.gpu for limits in ROLES[kind].values())
    walls = sandbox.unconfined() if os.environ["KERNELFALCON_SANDBOX"] == "off" else sandbox.granted(gpu)
    sandbox.isolate(walls)
    roles = {name: importlib.import_module(f"pytest_kernelfalcon.judge.roles.{name}") for name in ROLES[kind]}
    for module in roles.values():
        getattr(module, "preload", lambda: None)()
    walls = sandbox.enclose(walls, gpu)
    channel = Channel(socket.socket(fileno=fd))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    import torch
    import triton

    versions = {"torch": torch.__version__, "triton": triton.__version__, "python": sys.version.split()[0]}
    hello = {"ready": kind, "missing": list(walls.missing), "versions": versions}
    serve(channel, roles, Home(walls, hello))


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
                os.environ.update(request["environment"])
                serve(Channel(socket.socket(fileno=fds[0])), roles, home)
            role = request["role"]
            guard(roles[role], role, ROLES[kind_of(role)][role], request["job"], fds, home.walls)
        if request["role"] == LINE:
            close_all(fds)
            continue
        pidfd = os.pidfd_open(pid)
        close_all(fds)
        channel.send({"pid": pid}, [pidfd])
        os.close(pidfd)


if __name__ == "__main__":
    main()
