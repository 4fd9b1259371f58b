"""How much of the machine a role may use."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

TASKS = 512
"""Processes and threads of a role that starts any: LLVM and CUDA take some for each core."""


@dataclass(frozen=True)
class Limits:
    """cpu: seconds. memory: bytes of address space on top of what the zygote has mapped; where a GPU is used, of
    private memory that can be written, for CUDA reserves addresses for all memory of host and device. files: bytes of
    scratch in all, what is handed on to other roles included.

    gpu: the fork uses a GPU. starts: it may start processes: compilers. threads: of a role that does neither.
    hands: it may hand descriptors on. Those on their way count for all roles of a user together, so that one role
    could keep others from it.
    """

    cpu: int = 60
    memory: int = 4 << 30
    files: int = 256 << 20
    gpu: bool = False
    starts: bool = False
    threads: int = 1
    hands: bool = True

    @property
    def tasks(self) -> int:
        """How many processes and threads it may be."""
        return TASKS if self.starts or self.gpu else self.threads


@dataclass(frozen=True)
class Mapped:
    """Bytes that a zygote has mapped, in all and privately to write: torch alone maps gigabytes that it never uses."""

    all: int
    data: int

    @classmethod
    def now(cls) -> Mapped:
        """Cannot be read in a fork, which sees no /proc."""
        pages = Path("/proc/self/statm").read_text().split()
        return cls(int(pages[0]) * resource.getpagesize(), int(pages[5]) * resource.getpagesize())


def impose(limits: Limits, mapped: Mapped, counted: bool) -> None:
    """For good. counted: whether the user's processes are this role's alone."""
    size = resource.RLIMIT_DATA if limits.gpu else resource.RLIMIT_AS
    bounds = {
        resource.RLIMIT_CPU: limits.cpu,
        size: limits.memory + (mapped.data if limits.gpu else mapped.all),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.files,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 1024,
    }
    if counted:
        bounds[resource.RLIMIT_NPROC] = limits.tasks
    for what, value in bounds.items():
        hard = resource.getrlimit(what)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (bound, bound))


def check_bound() -> None:
    """Raises OSError where no number of processes binds this user, as it does not bind root."""
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    try:
        child = os.fork()
    except BlockingIOError:
        return
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    raise OSError("no bound holds for root")
