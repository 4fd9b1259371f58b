"""A machine that refuses part of the sandbox: `python -m tests.denied WALLS COMMAND…` runs the command on it.

WALLS are names of `WALLS` below, with commas. What is refused is refused by the kernel, with a filter of system calls
that the command cannot take off. `root` runs it as a user without privileges.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from pytest_kernelfalcon.judge import linux, seccomp
from pytest_kernelfalcon.judge.seccomp import EQUAL, ERRNO, FIRST_ARGUMENT, LOAD, NUMBER, RETURN, Step

EPERM, EINVAL, ENOSYS = 1, 22, 38
SETRESUID, PRCTL, SECCOMP, MOUNT, UNSHARE = (117, 147), (157, 167), (317, 277), (165, 40), (272, 97)
WALLS = {
    "namespaces": [(UNSHARE, EPERM)],
    "tree": [(MOUNT, EPERM)],
    "landlock": [((444, 444), ENOSYS)],
    "seccomp": [(SECCOMP, ENOSYS)],
    "user": [(SETRESUID, EPERM)],
}

BUT = {
    "namespaces": ("landlock", "seccomp"),
    "landlock": ("namespaces", "seccomp", "user"),
    "seccomp": ("namespaces", "landlock", "user"),
}
"""What to refuse to leave one wall alone. Another user is one that namespaces bring along, or root has without."""


def main() -> None:
    walls, command = sys.argv[1].split(","), sys.argv[2:]
    if "root" in walls:
        _be_nobody_in_particular()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(list(_steps(walls)))
    os.execv(command[0], command)


def _be_nobody_in_particular() -> None:
    """A user without privileges, who may read what this one reads."""
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(linux.NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")


def _steps(walls: list[str]) -> Iterator[Step]:
    column = seccomp.MACHINES[platform.machine()].column
    yield Step(LOAD, 0, 0, NUMBER)
    for numbers, error in (pair for wall in walls for pair in WALLS.get(wall, [])):
        yield Step(EQUAL, 0, 1, numbers[column])
        yield Step(RETURN, 0, 0, ERRNO | error)
    if "seccomp" in walls:
        yield Step(EQUAL, 0, 3, PRCTL[column])
        yield Step(LOAD, 0, 0, FIRST_ARGUMENT)
        yield Step(EQUAL, 0, 1, seccomp.PR_SET_SECCOMP)
        yield Step(RETURN, 0, 0, ERRNO | EINVAL)
    yield Step(RETURN, 0, 0, seccomp.ALLOW)


if __name__ == "__main__":
    main()
