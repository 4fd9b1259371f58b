"""Which user a role is. Where root judges, roles are somebody else: root is bound by no number of processes, and may
read and signal what other users may not.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_kernelfalcon.judge.linux import (
    MS_PRIVATE,
    MS_REC,
    NEWIPC,
    NEWNET,
    NEWNS,
    NEWUSER,
    NEWUTS,
    mount,
    unshare,
)

NOBODY = 65534
INSIDE = 1
"""The number that `NOBODY` has in the namespaces that root makes."""
ALONE = 0x4B460000
"""From here on are the users that roles become where root has no namespaces, one each."""
ALONE_COUNT = 1 << 16


def isolate() -> None:
    """Give this single-threaded process namespaces of its own (user, mount, net, ipc, uts); raises OSError.

    It is root in them, and where it was root before there is one user more, to become.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 and _maps(NOBODY):
        with _mapped_from_outside(f"0 0 1\n{INSIDE} {NOBODY} 1"):
            _leave()
    else:
        _leave()
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def _maps(user: int) -> bool:
    """Whether there is such a user here: a container's own namespace may hold root alone."""
    ranges = (map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(first <= user < first + count for first, _, count in ranges)


def _leave() -> None:
    unshare(NEWUSER | NEWNS | NEWNET | NEWIPC | NEWUTS)


@contextmanager
def _mapped_from_outside(users: str) -> Iterator[None]:
    """Only who stayed outside may give a namespace more than one user: a helper, which waits for it to be made."""
    waiting, made = os.pipe()
    process = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(made)
        os._exit(_map(process, users) if os.read(waiting, 1) else 0)
    os.close(waiting)
    try:
        yield
        os.write(made, b"1")
    finally:
        os.close(made)
        _, status = os.waitpid(helper, 0)
    if status:
        error = os.waitstatus_to_exitcode(status)
        raise OSError(error, f"uid_map: {os.strerror(error)}")


def _map(process: int, users: str) -> int:
    """0, or the number of the error."""
    try:
        for name in ("uid_map", "gid_map"):
            (Path("/proc") / str(process) / name).write_text(users)
    except OSError as error:
        return error.errno or errno.EPERM
    return 0


def alone(number: int) -> int:
    """A user whom nobody else on the machine is, for the role with that process number."""
    return ALONE + number % ALONE_COUNT


def become(user: int) -> None:
    """That user and that group, for good; raises OSError. The signal at the parent's death has to be set anew."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def check_reads(paths: Iterable[str]) -> None:
    """Raises OSError for the first of these that this user may not read."""
    for path in paths:
        if not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0)):
            raise OSError(f"{path} is for root only")


def count_apart() -> None:
    """Have this process's user counted anew from here on: RLIMIT_NPROC then is about this role alone.

    The new user namespace maps nobody: in it this process has no name, and owns what it owned before.
    """
    unshare(NEWUSER)
