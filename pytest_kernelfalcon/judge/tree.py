"""The file tree that roles see: Python, its packages and the system's libraries, read-only, and nothing else."""

from __future__ import annotations

import ctypes
import glob
import os
import platform
import stat
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_kernelfalcon.judge.linux import (
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    call,
    libc,
    mount,
)

MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR = 442

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
DEVICES = (*WRITABLE, "/dev/random", "/dev/urandom")
PACKAGES = ("site-packages", "dist-packages")
INODES = 1 << 16
"""Files that a scratch directory may hold: each takes about a kilobyte of the kernel's memory, however small it is."""


def shut(hidden: Path, shown: Sequence[str]) -> None:
    """Leave the host's file tree for one of these paths. hidden: a directory (ours) that stays out of sight.

    Needs a mount namespace of one's own; raises OSError.
    """
    machine = platform.machine()
    if machine not in PIVOT_ROOT:
        raise OSError(f"unknown machine {machine}")
    root = _mount_point(shown)
    mount("none", root, "tmpfs", MS_NOSUID, "size=1m,mode=755")
    for path in shown:
        _expose(path, root)
    _cover(root + str(hidden))
    for name in (SCRATCH, "/tmp", "/old"):
        os.makedirs(root + name, exist_ok=True)
    call("pivot_root", libc.syscall(PIVOT_ROOT[machine], root.encode(), (root + "/old").encode()))
    os.chdir("/")
    call("umount", libc.umount2(b"/old", MNT_DETACH))
    mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)


def scratch(size: int, owner: int) -> str:
    """A directory of one's own with room for so many bytes in all, for that user. Needs a mount namespace."""
    directory = SCRATCH if os.path.isdir(SCRATCH) else "/tmp"
    options = f"size={size},nr_inodes={INODES},mode=700,uid={owner},gid={owner}"
    mount("none", directory, "tmpfs", MS_NOSUID | MS_NODEV, options)
    return directory


def gpu_nodes() -> list[str]:
    """The driver's device nodes."""
    nodes = [*glob.glob("/dev/nvidia*"), *glob.glob("/dev/nvidia-caps/*")]
    return [node for node in nodes if not os.path.isdir(node)]


def visible(hidden: Path, more: Sequence[str]) -> list[str]:
    """What the tree shows: the interpreter, its packages, the system; no folder inside another one twice.

    hidden: our package. more: further paths.
    """
    wanted = [sys.prefix, sys.base_prefix, sys.exec_prefix, *_packages(), *SYSTEM, *DEVICES, *more]
    paths = {os.path.abspath(p) for p in wanted if p and os.path.lexists(p)}
    paths |= {os.path.realpath(p) for p in paths if not os.path.islink(p)}
    paths -= {str(hidden), str(hidden.parent)} if hidden.parent.name not in PACKAGES else {str(hidden)}
    return sorted(
        p for p in paths if p != "/" and not any(p.startswith(other + "/") for other in paths if other != "/")
    )


def _packages() -> Iterator[str]:
    """Where imports come from. Of a folder that is neither Python's nor for packages (an editable installation: it may
    be somebody's project, with all that lies in it) only the modules that are loaded already.
    """
    own = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    for entry in filter(os.path.isdir, sys.path):
        if os.path.basename(entry) in PACKAGES or any(Path(entry).is_relative_to(folder) for folder in own):
            yield entry
        else:
            yield from _loaded(Path(entry))


def _loaded(folder: Path) -> Iterator[str]:
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if "." not in name and file and Path(file).is_relative_to(folder):
            yield str(folder / Path(file).relative_to(folder).parts[0])


def _mount_point(shown: Sequence[str]) -> str:
    """A directory of the host to build the tree on: one that shows nothing which the tree needs."""
    for name in MOUNT_POINTS:
        if os.path.isdir(name) and not any(path == name or path.startswith(name + "/") for path in shown):
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
    mount(path, target, None, MS_BIND | MS_REC)
    if not stat.S_ISCHR(mode):
        read_only(target)


def read_only(target: str) -> None:
    """Recursively; `mount_setattr` only adds flags, so that a mount's locked flags do not matter."""
    attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    result = libc.syscall(MOUNT_SETATTR, AT_FDCWD, target.encode(), AT_RECURSIVE, attributes, 32)
    call(f"mount_setattr {target}", result)


def _cover(target: str) -> None:
    if os.path.isdir(target):
        mount("none", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k")
