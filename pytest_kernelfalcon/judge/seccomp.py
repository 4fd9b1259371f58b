"""System calls that a role may not make: a filter in the kernel's small language, for a process and its children.

Second line behind the namespaces, and the first where these cannot be had. Refused calls fail with EPERM; `clone3`,
whose arguments a filter cannot see, with ENOSYS, upon which the C library uses `clone`.
https://docs.kernel.org/userspace-api/seccomp_filter.html; numbers: the kernel's unistd_64.h and asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
from collections.abc import Iterator
from typing import NamedTuple

PR_SET_SECCOMP, PR_GET_SECCOMP, MODE_FILTER = 22, 21, 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x10000
CLONE_NEW = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""


class Machine(NamedTuple):
    """architecture: AUDIT_ARCH_*. column: of `CALLS`. x32: where numbers begin that belong to another way to call."""

    architecture: int
    column: int
    x32: int


MACHINES = {"x86_64": Machine(0xC000003E, 0, 0x40000000), "aarch64": Machine(0xC00000B7, 1, 0x40000000)}

CALLS: dict[str, tuple[int, int]] = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171), "bpf": (321, 280), "chroot": (161, 51),
    "clock_adjtime": (305, 266), "clock_settime": (227, 112), "delete_module": (176, 106), "finit_module": (313, 273),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioperm": (173, -1), "iopl": (172, -1), "kcmp": (312, 272),
    "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241), "personality": (135, 92),
    "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60), "reboot": (169, 142),
    "request_key": (249, 218), "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268),
    "settimeofday": (164, 170), "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116),
    "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282), "vhangup": (153, 58),
}  # fmt: skip
"""Refused to every role: other processes' memory, mounts and namespaces, keys, clocks, the kernel itself."""
SOCKET, CLONE, CLONE3 = (41, 198), (56, 220), (435, 435)
STARTS = {"fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281)}
"""Refused to a role that starts no process."""


class _Step(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def lacking() -> list[str]:
    """What of it this machine has not got."""
    if platform.machine() not in MACHINES:
        return [f"filter of system calls (unknown machine {platform.machine()})"]
    if ctypes.CDLL(None).prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return ["filter of system calls (a kernel without seccomp)"]
    return []


def restrict(starts_processes: bool) -> None:
    """For good, for this process and all that it starts. Needs PR_SET_NO_NEW_PRIVS. Raises OSError."""
    steps = list(program(MACHINES[platform.machine()], starts_processes))
    array = (_Step * len(steps))(*steps)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(_Program(len(steps), array)), 0, 0):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def program(machine: Machine, starts_processes: bool) -> Iterator[_Step]:
    """The filter's steps. A jump says how many steps to pass over if so, and if not."""
    denied = [*CALLS.values(), *([] if starts_processes else STARTS.values())]
    yield _Step(LOAD, 0, 0, ARCHITECTURE)
    yield _Step(EQUAL, 1, 0, machine.architecture)
    yield _Step(RETURN, 0, 0, KILL)
    yield _Step(LOAD, 0, 0, NUMBER)
    yield from _unless(AT_LEAST, machine.x32, errno.ENOSYS)
    yield from _unless(EQUAL, CLONE3[machine.column], errno.ENOSYS)
    for numbers in denied:
        if numbers[machine.column] >= 0:
            yield from _unless(EQUAL, numbers[machine.column], errno.EPERM)
    # of a socket, only the family AF_UNIX
    yield _Step(EQUAL, 0, 4, SOCKET[machine.column])
    yield _Step(LOAD, 0, 0, FIRST_ARGUMENT)
    yield _Step(EQUAL, 1, 0, socket.AF_UNIX)
    yield _Step(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield _Step(RETURN, 0, 0, ALLOW)
    # of clone, no new namespace; where no process may be started, threads only
    yield _Step(EQUAL, 0, 4 if starts_processes else 6, CLONE[machine.column])
    yield _Step(LOAD, 0, 0, FIRST_ARGUMENT)
    yield from _unless(ANY_BIT, CLONE_NEW, errno.EPERM)
    if not starts_processes:
        yield _Step(ANY_BIT, 1, 0, CLONE_THREAD)
        yield _Step(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield _Step(RETURN, 0, 0, ALLOW)
    yield _Step(RETURN, 0, 0, ALLOW)


def _unless(test: int, value: int, error: int) -> Iterator[_Step]:
    """Fails with that error if the test holds."""
    yield _Step(test, 0, 1, value)
    yield _Step(RETURN, 0, 0, ERRNO | error)
