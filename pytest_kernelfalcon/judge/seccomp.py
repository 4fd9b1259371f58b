"""System calls that a role may not make: a filter in the kernel's small language, for a process and its children.

Second line behind the namespaces, and the first where these cannot be had. Refused calls fail with EPERM; `clone3`,
whose arguments a filter cannot see, with ENOSYS, upon which the C library uses `clone`.
https://docs.kernel.org/userspace-api/seccomp_filter.html; the calls: syscalls.py.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_kernelfalcon.judge import syscalls
from pytest_kernelfalcon.judge.limits import Limits

PR_SET_SECCOMP, MODE_FILTER = 22, 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
CLONE_THREAD = 0x10000
CLONE_NEW = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""


class Machine(NamedTuple):
    """architecture: AUDIT_ARCH_*. column: of the tables in syscalls.py. x32: where the numbers of another way to call
    begin.
    """

    architecture: int
    column: int
    x32: int


MACHINES = {"x86_64": Machine(0xC000003E, 0, 0x40000000), "aarch64": Machine(0xC00000B7, 1, 0x40000000)}


class Step(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Step)))


def restrict(limits: Limits) -> None:
    """For good, for this process and all that it starts. Needs PR_SET_NO_NEW_PRIVS. Raises OSError."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(f"unknown machine {platform.machine()}")
    install(list(program(machine, limits, os.getpid())))


def install(steps: Sequence[Step]) -> None:
    """A filter on top of those that this process has; raises OSError."""
    array = (Step * len(steps))(*steps)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(_Program(len(steps), array)), 0, 0):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def program(machine: Machine, limits: Limits, process: int) -> Iterator[Step]:
    """The filter's steps. A jump says how many steps to pass over if so, and if not. process: its own number."""
    column = machine.column
    yield Step(LOAD, 0, 0, ARCHITECTURE)
    yield Step(EQUAL, 1, 0, machine.architecture)
    yield Step(RETURN, 0, 0, KILL)
    yield Step(LOAD, 0, 0, NUMBER)
    yield from _unless(AT_LEAST, machine.x32, errno.ENOSYS)
    yield from _unless(EQUAL, syscalls.CLONE3[column], errno.ENOSYS)
    denied = syscalls.FORBIDDEN | ({} if limits.starts else syscalls.STARTS)
    denied |= {} if limits.starts or limits.gpu else syscalls.ALONE
    denied |= {"clone": syscalls.CLONE} if limits.tasks == 1 else {}
    denied |= {} if limits.hands else syscalls.HANDS
    for numbers in denied.values():
        if numbers[column] >= 0:
            yield from _unless(EQUAL, numbers[column], errno.EPERM)
    for numbers in syscalls.ONESELF.values():
        yield from _only(numbers[column], FIRST_ARGUMENT, process)
    yield from _only(syscalls.LIMITS[column], FIRST_ARGUMENT, 0, process)
    yield from _only(syscalls.SOCKET[column], FIRST_ARGUMENT, socket.AF_UNIX)
    for numbers, commands in syscalls.COMMANDS.values():
        yield from _but(numbers[column], SECOND_ARGUMENT, EQUAL, *commands)
    if limits.tasks > 1:
        yield from _but(syscalls.CLONE[column], FIRST_ARGUMENT, ANY_BIT, CLONE_NEW)
        if not limits.starts:
            yield from _threads_only(syscalls.CLONE[column])
    yield Step(RETURN, 0, 0, ALLOW)


def _unless(test: int, value: int, error: int = errno.EPERM) -> Iterator[Step]:
    """Fails with that error if the test holds."""
    yield Step(test, 0, 1, value)
    yield Step(RETURN, 0, 0, ERRNO | error)


def _only(number: int, argument: int, *values: int) -> Iterator[Step]:
    """That call is for these values of an argument only."""
    yield Step(EQUAL, 0, 3 + len(values), number)
    yield Step(LOAD, 0, 0, argument)
    for place, value in enumerate(values):
        yield Step(EQUAL, len(values) - place, 0, value)
    yield Step(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield Step(RETURN, 0, 0, ALLOW)


def _but(number: int, argument: int, test: int, *values: int) -> Iterator[Step]:
    """That call is not for arguments of which a test holds."""
    yield Step(EQUAL, 0, 2 + 2 * len(values), number)
    yield Step(LOAD, 0, 0, argument)
    for value in values:
        yield from _unless(test, value)
    yield Step(LOAD, 0, 0, NUMBER)


def _threads_only(clone: int) -> Iterator[Step]:
    yield Step(EQUAL, 0, 4, clone)
    yield Step(LOAD, 0, 0, FIRST_ARGUMENT)
    yield Step(ANY_BIT, 1, 0, CLONE_THREAD)
    yield Step(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield Step(LOAD, 0, 0, NUMBER)
