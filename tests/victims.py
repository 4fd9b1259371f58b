"""What there is to be had on a machine: a key in all places where people keep them, sockets, and a sibling."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest_kernelfalcon
from pytest_kernelfalcon.judge.linux import libc
from tests.attacks import KEY

IPC_RMID = 0


@contextmanager
def planted(folder: Path) -> Iterator[dict[str, Any]]:
    """The facts that `attacks.py` asks for. folder: an empty one, which stands for home and working directory."""
    with ExitStack() as stack:
        os.environ["KERNELFALCON_TEST_API_KEY"] = KEY
        stack.callback(os.environ.pop, "KERNELFALCON_TEST_API_KEY")
        for name in ("home", "cwd", "target"):
            (folder / name).write_text(KEY)
        memory = ctypes.create_string_buffer(KEY.encode())
        sockets = {name: stack.enter_context(socket.socket(*kind)) for name, kind in _KINDS.items()}
        sockets["tcp"].bind(("127.0.0.1", 0))
        sockets["udp"].bind(("127.0.0.1", 0))
        sockets["unix"].bind(str(folder / "socket"))
        sockets["abstract"].bind(f"\0kernelfalcon-attack-{os.getpid()}")
        for name in ("tcp", "unix", "abstract"):
            sockets[name].listen(64)
        segment = _segment(memory)
        stack.callback(libc.shmctl, segment, IPC_RMID, None)
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        sibling = stack.enter_context(subprocess.Popen(command, env=os.environ | {"KEY": KEY}))
        stack.callback(sibling.kill)
        yield {
            "home": str(folder / "home"),
            "cwd": str(folder / "cwd"),
            "target": str(folder / "target"),
            "ours": str(Path(pytest_kernelfalcon.__file__).resolve()),
            "parent": os.getpid(),
            "sibling": sibling.pid,
            "address": ctypes.addressof(memory),
            "length": len(KEY),
            "tcp": sockets["tcp"].getsockname()[1],
            "udp": sockets["udp"].getsockname()[1],
            "unix": str(folder / "socket"),
            "abstract": f"kernelfalcon-attack-{os.getpid()}",
            "shm": segment,
        }


def _segment(memory: ctypes.Array[ctypes.c_char]) -> int:
    """Shared memory with a copy of that."""
    number = int(libc.shmget(0, ctypes.c_size_t(len(memory)), 0o600))
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(number, None, 0)
    ctypes.memmove(address, memory, len(memory))
    libc.shmdt(ctypes.c_void_p(address))
    return number


_KINDS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
    "abstract": (socket.AF_UNIX, socket.SOCK_STREAM),
}
