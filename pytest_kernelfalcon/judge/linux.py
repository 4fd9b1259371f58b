"""Linux's own calls that Python has no name for, and errors that say which one failed."""

from __future__ import annotations

import ctypes
import os
import platform
import traceback
from collections.abc import Callable

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 0x20, 0x1000, 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def call(what: str, result: int) -> None:
    """Raises OSError with the call's name where it has failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    call("unshare", libc.unshare(flags))


def prctl(option: int, value: int) -> None:
    call("prctl", libc.prctl(option, value, 0, 0, 0))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind, data)]
    call(f"mount {target}", libc.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]))


def drop_capabilities() -> None:
    """All of them, for good together with PR_SET_NO_NEW_PRIVS."""
    number = CAPSET.get(platform.machine())
    if number is None:
        raise OSError(f"capabilities cannot be dropped on {platform.machine()}")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    call("capset", libc.syscall(number, header, (ctypes.c_uint32 * 6)()))


def attempt(act: Callable[[], object]) -> str:
    """Why `act` fails in a child of this process, which ends with it; empty where it does not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, _failure(act).encode()[:4096])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return said if status == 0 else f"ended with {os.waitstatus_to_exitcode(status)}"


def _failure(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as error:
        return str(error.strerror or error)
    except BaseException:
        return traceback.format_exc(limit=-1)
    return ""
