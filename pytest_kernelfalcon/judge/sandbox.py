"""Namespaces, a minimal read-only file tree, and limits, through Linux's own calls.

A zygote calls `isolate` before it imports anything and `shut` after; each of its forks calls `confine`. What the
kernel does not grant is named in the result, never passed over in silence.
"""

from __future__ import annotations

import ctypes
import glob
import os
import platform
import resource
import signal
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.judge import landlock, seccomp

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 0x20, 0x1000, 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
MOUNT_SETATTR = 442
CAPABILITY_VERSION_3 = 0x20080522

MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt", "/run", "/var/tmp")
SCRATCH = "/scratch"
SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/alternatives",
)
WRITABLE = ("/dev/null", "/dev/zero", "/dev/full")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """cpu: seconds. memory: bytes of address space on top of what the zygote has mapped. files: bytes of scratch.

    gpu: the fork uses a GPU. It gets a /proc of its own, and `memory` does not bind it: CUDA reserves addresses for all
    memory of host and device. starts: it may start processes: compilers.
    """

    cpu: int = 60
    memory: int = 4 << 30
    files: int = 256 << 20
    gpu: bool = False
    starts: bool = False


@dataclass(frozen=True)
class Walls:
    """What holds the forks of one process. mapped: see `mapped_bytes`; it cannot be read in a fork.

    visible: the paths that they may read. landlock, seccomp: whether there are these.
    """

    mapped: int
    visible: tuple[str, ...] = ()
    landlock: bool = False
    seccomp: bool = False


def _call(what: str, result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind, data)]
    _call(f"mount {target}", _libc.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]))


def isolate() -> list[str]:
    """Give this single-threaded process namespaces of its own; returns what could not be had."""
    uid, gid = os.getuid(), os.getgid()
    try:
        _call("unshare", _libc.unshare(NEWUSER | NEWNS | NEWNET | NEWIPC | NEWUTS))
    except OSError as error:
        return [f"namespaces ({error.strerror})"]
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    return []


def shut(hidden: Path, more: Sequence[str] = ()) -> list[str]:
    """Leave the host's file tree for one that holds Python, its packages and the system's libraries, read-only.

    hidden: a directory (ours) that stays out of sight. more: paths to show as well. Needs `isolate`; returns what could
    not be had.
    """
    machine = platform.machine()
    if machine not in PIVOT_ROOT:
        return [f"read-only file tree (unknown machine {machine})"]
    shown = visible(hidden, more)
    try:
        root = _mount_point(shown)
        _mount("none", root, "tmpfs", MS_NOSUID, "size=1m,mode=755")
        for path in shown:
            _expose(path, root)
        _cover(root + str(hidden))
        for name in (SCRATCH, "/tmp", "/old"):
            os.makedirs(root + name, exist_ok=True)
        _call("pivot_root", _libc.syscall(PIVOT_ROOT[machine], root.encode(), (root + "/old").encode()))
        os.chdir("/")
        _call("umount", _libc.umount2(b"/old", MNT_DETACH))
        _mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)
    except OSError as error:
        return [f"read-only file tree ({error.strerror or error})"]
    return []


def gpu_paths() -> list[str]:
    """What CUDA needs beside its libraries: the driver's nodes, and a /proc.

    That /proc is the host's, for a user namespace may mount one only where it sees another: `confine` covers it.
    """
    nodes = [*glob.glob("/dev/nvidia*"), *glob.glob("/dev/nvidia-caps/*")]
    return [*(node for node in nodes if not os.path.isdir(node)), "/proc"]


def visible(hidden: Path, more: Sequence[str]) -> list[str]:
    """What the tree shows: the interpreter, its packages, the system; no folder inside another one twice."""
    wanted = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path, *SYSTEM, *DEVICES, *more]
    paths = {os.path.abspath(p) for p in wanted if p and os.path.lexists(p)}
    paths |= {os.path.realpath(p) for p in paths if not os.path.islink(p)}
    paths -= {str(hidden.parent)} if not str(hidden.parent).endswith("-packages") else set()
    return sorted(
        p for p in paths if p != "/" and not any(p.startswith(other + "/") for other in paths if other != "/")
    )


def _mount_point(visible: list[str]) -> str:
    """A directory of the host to build the tree on: one that shows nothing which the tree needs."""
    for name in MOUNT_POINTS:
        if os.path.isdir(name) and not any(path == name or path.startswith(name + "/") for path in visible):
            return os.path.realpath(name)
    raise OSError(f"none of {', '.join(MOUNT_POINTS)} is free to mount on")


def _expose(path: str, root: str) -> None:
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(path, target, None, MS_BIND | MS_REC)
    if not stat.S_ISCHR(mode):
        _read_only(target)


def _read_only(target: str) -> None:
    """Recursively; `mount_setattr` only adds flags, so that a mount's locked flags do not matter."""
    attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    result = _libc.syscall(MOUNT_SETATTR, AT_FDCWD, target.encode(), AT_RECURSIVE, attributes, 32)
    _call(f"mount_setattr {target}", result)


def _cover(target: str) -> None:
    if os.path.isdir(target):
        _mount("none", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k")


def new_pid_namespace() -> list[str]:
    """The next fork becomes the first process of its own pid namespace: with it, all that it started ends."""
    try:
        _call("unshare", _libc.unshare(NEWPID))
    except OSError as error:
        return [f"pid namespace ({error.strerror})"]
    return []


def die_with_parent(number: int = signal.SIGKILL) -> None:
    _call("prctl", _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0))


def confine(limits: Limits, scratch: str, walls: Walls) -> str:
    """In a fork: a scratch directory as the working directory, no privileges, limits. Returns the directory.

    scratch: an ordinary temporary directory where namespaces are missing, else empty: a private one is mounted.
    """
    directory = scratch or _own_scratch(limits)
    if limits.gpu and not scratch:
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(directory)
    _call("prctl", _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if not scratch:
        _drop_capabilities()
    _limit(limits, walls.mapped)
    if walls.landlock:
        landlock.restrict(walls.visible, [directory, *WRITABLE, *(gpu_paths() if limits.gpu else ())])
    if walls.seccomp:
        seccomp.restrict(limits.starts)
    return directory


def walls(visible: Sequence[str]) -> tuple[Walls, list[str]]:
    """For forks of this process that may read those paths; and what cannot be had here."""
    lacking = landlock.lacking(), seccomp.lacking()
    return Walls(mapped_bytes(), tuple(visible), landlock.version() > 0, not lacking[1]), [*lacking[0], *lacking[1]]


def _own_scratch(limits: Limits) -> str:
    _call("unshare", _libc.unshare(NEWNS))
    directory = SCRATCH if os.path.isdir(SCRATCH) else "/tmp"
    _mount("none", directory, "tmpfs", MS_NOSUID | MS_NODEV, f"size={limits.files},mode=700")
    return directory


def _drop_capabilities() -> None:
    number = CAPSET.get(platform.machine())
    if number is None:
        raise OSError(f"capabilities cannot be dropped on {platform.machine()}")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _call("capset", _libc.syscall(number, header, (ctypes.c_uint32 * 6)()))


def mapped_bytes() -> int:
    """This process's address space: torch alone maps gigabytes that it never uses."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _limit(limits: Limits, mapped: int) -> None:
    for what, value in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, resource.RLIM_INFINITY if limits.gpu else limits.memory + mapped),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.files),
        (resource.RLIMIT_NOFILE, 256),
    ):
        hard = resource.getrlimit(what)[1]
        bound = (
            value if hard == resource.RLIM_INFINITY else hard if value == resource.RLIM_INFINITY else min(value, hard)
        )
        resource.setrlimit(what, (bound, bound))
