"""What /proc says of the processes below one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path


def children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def below(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *below(child))]


def is_zygote(pid: int) -> bool:
    """A zygote, or what was forked from one."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return b"pytest_kernelfalcon.judge.zygote" in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    return False


def zygotes(pid: int) -> list[int]:
    """The zygotes that the process has started itself."""
    return [child for child in children(pid) if is_zygote(child)]


def begun(pid: int) -> tuple[int, str] | None:
    """What names a living process for good, since numbers are used again; None for one that is gone."""
    try:
        facts = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if facts[0] in "ZX" else (pid, facts[19])


def alive(process: tuple[int, str] | None) -> bool:
    return process is not None and begun(process[0]) == process


def wait_until(there: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (now := there()) and time.monotonic() < end:
        time.sleep(0.05)
    return now


def all_end(processes: Iterable[tuple[int, str] | None], seconds: float = 20) -> bool:
    wanted = list(processes)
    return wait_until(lambda: not any(map(alive, wanted)), seconds)
