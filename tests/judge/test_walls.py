"""Landlock and seccomp by themselves: what holds where the machine grants no namespaces."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.judge import landlock, seccomp
from pytest_kernelfalcon.judge.limits import Limits
from pytest_kernelfalcon.judge.tree import SYSTEM

NO_NEW_PRIVS = 38
NEW_USER, CHILD_SIGNAL = 0x10000000, 17
needs_landlock = pytest.mark.skipif(bool(landlock.lacking()), reason="; ".join(landlock.lacking()))
needs_seccomp = pytest.mark.skipif(platform.machine() not in seccomp.MACHINES, reason="its system calls are unknown")
STARTS, GPU, ALONE = Limits(starts=True), Limits(gpu=True), Limits()


def inside(wall: Callable[[], None], act: Callable[[], Any]) -> Any:
    """What `act` returns, or the name of its error, in a child process behind that wall."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ctypes.CDLL(None).prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
            wall()
            told = act()
        except OSError as error:
            told = type(error).__name__
        os.write(writer, json.dumps(told).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        told = json.loads(stream.read())
    os.waitpid(pid, 0)
    return told


def _call(name: str, *arguments: int) -> bool:
    """Whether one of the C library's functions succeeds."""
    return getattr(ctypes.CDLL(None), name)(*arguments) >= 0


def _thread() -> str:
    thread = threading.Thread(target=lambda: None)
    try:
        thread.start()
    except RuntimeError:
        return "refused"
    thread.join()
    return "ran"


@needs_landlock
def test_landlock_opens_what_it_is_told_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "key").write_text("sk")

    def wall() -> None:
        landlock.restrict([path for path in SYSTEM if os.path.exists(path)], [str(tmp_path / "in"), "/dev/null"])

    assert inside(wall, lambda: (tmp_path / "in" / "mine").write_text("x")) == 1
    assert inside(wall, lambda: Path("/dev/null").write_text("x")) == 1
    assert inside(wall, lambda: len(os.listdir("/usr")) > 0) is True
    for act in (
        lambda: (tmp_path / "out" / "key").read_text(),
        lambda: (tmp_path / "out" / "mine").write_text("x"),
        lambda: os.listdir(tmp_path),
        lambda: Path("/usr/mine").write_text("x"),
        lambda: os.kill(os.getppid(), 0),
    ):
        assert inside(wall, act) == "PermissionError"


@needs_landlock
def test_behind_landlock_no_abstract_socket_of_others_is_reached() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(b"\0kernelfalcon-test-walls")
        server.listen()
        assert inside(lambda: None, lambda: socket.socket(socket.AF_UNIX).connect(server.getsockname())) is None
        act = lambda: socket.socket(socket.AF_UNIX).connect(server.getsockname())  # noqa: E731
        assert inside(lambda: landlock.restrict(["/"], []), act) == "PermissionError"


@needs_seccomp
@pytest.mark.parametrize("limits", [STARTS, GPU, ALONE])
def test_seccomp_leaves_no_way_to_other_processes_namespaces_or_networks(limits: Limits) -> None:
    def told(act: Callable[[], Any]) -> Any:
        return inside(lambda: seccomp.restrict(limits), act)

    assert told(_thread) == ("refused" if limits is ALONE else "ran")
    local = "PermissionError" if limits is ALONE else True
    assert told(lambda: len(socket.socketpair()) == 2) == local
    assert told(lambda: socket.socket(socket.AF_UNIX).fileno() > 0) == local
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            assert told(lambda family=family, kind=kind: socket.socket(family, kind).fileno()) == "PermissionError"
    assert told(lambda: _call("unshare", NEW_USER)) is False
    assert told(lambda: _call("ptrace", 0, 0, 0, 0)) is False
    assert told(lambda: _call("mount", 0, 0, 0, 0, 0)) is False


@needs_seccomp
def test_a_role_that_starts_no_process_cannot() -> None:
    run = lambda: subprocess.run(["/bin/true"], check=True).returncode  # noqa: E731
    assert inside(lambda: seccomp.restrict(STARTS), run) == 0
    for limits in (ALONE, GPU):
        assert inside(lambda limits=limits: seccomp.restrict(limits), run) == "PermissionError"
        assert inside(lambda limits=limits: seccomp.restrict(limits), os.fork) == "PermissionError"


@needs_seccomp
def test_what_a_role_has_to_do_by_itself_it_still_can(tmp_path: Path) -> None:
    def told(act: Callable[[], Any]) -> Any:
        return inside(lambda: seccomp.restrict(ALONE), act)

    assert told(lambda: os.kill(os.getpid(), 0)) is None
    assert told(lambda: signal.raise_signal(signal.SIGCONT)) is None
    assert told(lambda: list(resource.prlimit(0, resource.RLIMIT_CORE, (0, 0)))) is not None
    assert told(lambda: fcntl.fcntl(0, fcntl.F_GETFL)) >= 0
    assert told(lambda: (tmp_path / "file").write_text("x")) == 1


@needs_seccomp
def test_the_filter_is_for_a_machine_and_refuses_calls_of_another() -> None:
    steps = {name: list(seccomp.program(machine, ALONE, 1)) for name, machine in seccomp.MACHINES.items()}
    for name, machine in seccomp.MACHINES.items():
        assert steps[name][1].value == machine.architecture
        assert steps[name][2].value == seccomp.KILL
