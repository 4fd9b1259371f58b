"""What of the file tree a role may read and write, whatever its namespaces show: the kernel's Landlock.

Second line behind the read-only tree, and the first where that cannot be had. Also no TCP, and no signals or abstract
sockets to processes outside, as far as the kernel knows of them. https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

CREATE, ADD, RESTRICT = 444, 445, 446
VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
FILES_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""The rights on files that each version brought: those of the first, REFER, TRUNCATE, IOCTL_DEV."""
TCP, OUTSIDE = 3, 3
"""Binding and connecting (version 4); abstract sockets and signals (version 6)."""
READ = EXECUTE | READ_FILE | READ_DIR
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Of the kernel's Landlock; 0 where there is none."""
    return max(int(_libc.syscall(CREATE, None, ctypes.c_size_t(0), VERSION)), 0)


def lacking() -> list[str]:
    """What of it this machine has not got."""
    found = version()
    if found == 0:
        return ["Landlock"]
    return [] if found >= 6 else [f"Landlock's scopes (its version is {found}, 6 has them)"]


def restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Paths with all that is beneath them; nothing else can be opened. Needs PR_SET_NO_NEW_PRIVS. Raises OSError."""
    found = version()
    files = sum(rights for since, rights in FILES_SINCE.items() if since <= found)
    ruleset = _Ruleset(files, TCP if found >= 4 else 0, OUTSIDE if found >= 6 else 0)
    size = 24 if found >= 6 else 16 if found >= 4 else 8
    fd = _call(_libc.syscall(CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), 0))
    try:
        for path in readable:
            _allow(fd, path, READ & files)
        for path in writable:
            _allow(fd, path, files)
        _call(_libc.syscall(RESTRICT, fd, 0))
    finally:
        os.close(fd)


def _allow(fd: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights &= ~0 if os.path.isdir(path) else FILE_ONLY
        _call(_libc.syscall(ADD, fd, PATH_BENEATH, ctypes.byref(_Beneath(rights, parent)), 0))
    finally:
        os.close(parent)


def _call(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
