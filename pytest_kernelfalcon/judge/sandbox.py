"""Namespaces, a file tree of one's own, another user, limits, Landlock and seccomp around every role.

A zygote asks what this machine grants (`granted`), calls `isolate` before it imports anything and `enclose` after; each
of its forks calls `confine`. What is not granted is named in `Walls.missing`, never passed over in silence: it was
tried in a throw-away process, with the calls that the zygote and its forks make.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_kernelfalcon.judge import identity, landlock, limits, linux, seccomp, tree
from pytest_kernelfalcon.judge.limits import Limits, Mapped

__all__ = ["Limits", "Walls", "confine", "die_with_parent", "enclose", "granted", "new_pid_namespace"]

PACKAGE = Path(__file__).resolve().parents[1]
OPEN = ["everything (--sandbox off)"]
NODE = re.compile("/dev/nvidia(ctl|[0-9]+|-uvm)")
"""What CUDA opens."""
OF_THE_MACHINE = ("acpi", "bus", "driver", "fs", "irq", "scsi", "sys", "sysrq-trigger")
"""In /proc, beside the processes: what can be written to."""
OOM_SCORE = Path("/proc/self/oom_score_adj")


@dataclass(frozen=True)
class Walls:
    """What holds the forks of one process.

    missing: what this machine does not grant, and why. visible: the paths that forks may read. isolated: whether there
    are namespaces and the file tree. proc: whether a fork can have a /proc of its own. counted: whether a role's
    processes can be counted, and so bounded; another: whether it has to become another user for that.
    """

    mapped: Mapped
    missing: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    wanted: bool = True
    isolated: bool = False
    proc: bool = False
    counted: bool = False
    another: bool = False
    landlock: bool = False
    seccomp: bool = False

    def user(self, guard: int) -> int | None:
        """Whom a role becomes, given its guard's process number; None where it stays who it is."""
        if not self.another:
            return None
        return identity.INSIDE if self.isolated else identity.alone(guard)


def unconfined() -> Walls:
    """What `--sandbox off` asks for: limits on resources, and no wall."""
    return Walls(Mapped.now(), tuple(OPEN), wanted=False)


def granted(gpu: bool) -> Walls:
    """What this machine grants, found by trying each wall in a process that ends at once."""
    shown = tree.visible(PACKAGE, tree.gpu_nodes() if gpu else ())
    why: dict[str, str] = {"namespaces and file tree": linux.attempt(lambda: _try_tree(shown))}
    isolated = not why["namespaces and file tree"]
    if gpu and isolated:
        why["own /proc"] = linux.attempt(_try_proc)
    as_is = linux.attempt(lambda: _try_bound(shown, isolated, another=False, gpu=gpu))
    why["bound on processes"] = as_is and linux.attempt(lambda: _try_bound(shown, isolated, another=True, gpu=gpu))
    why["Landlock"] = linux.attempt(lambda: _try_landlock(shown))
    why["filter of system calls"] = linux.attempt(_try_seccomp)
    missing = [f"{what} ({reason})" for what, reason in why.items() if reason]
    return Walls(
        Mapped.now(),
        (*missing, *([] if why["Landlock"] else landlock.lacking())),
        isolated=isolated,
        proc=gpu and isolated and not why["own /proc"],
        counted=not why["bound on processes"],
        another=bool(as_is) and not why["bound on processes"],
        landlock=not why["Landlock"],
        seccomp=not why["filter of system calls"],
    )


def _try_tree(shown: Sequence[str]) -> None:
    identity.isolate()
    tree.shut(PACKAGE, shown)
    tree.scratch(1 << 20, 0)
    _in_pid_namespace(lambda: None)


def _try_proc() -> None:
    identity.isolate()
    _in_pid_namespace(_own_proc)


def _try_bound(shown: Sequence[str], isolated: bool, another: bool, gpu: bool) -> None:
    """Have the processes of a user counted that nobody else is, and go beyond the bound."""
    if not isolated and not (another and os.getuid() == 0):
        raise OSError("it takes namespaces, or root")
    if isolated:
        identity.isolate()
        tree.shut(PACKAGE, shown)
    if another:
        identity.become(identity.INSIDE if isolated else identity.alone(os.getpid()))
        identity.check_reads([*(path for path in shown if not path.startswith("/dev/nvidia")), *_needed()])
        if gpu:
            _check_nodes()
    if isolated:
        identity.count_apart()
    linux.drop_capabilities()
    limits.check_bound()


def _needed() -> list[str]:
    """Files of the packages that roles load: where these can be read, so can the others."""
    found = [importlib.util.find_spec(name) for name in ("json", "numpy", "torch", "triton")]
    return [spec.origin for spec in found if spec and spec.origin]


def _check_nodes() -> None:
    for node in tree.gpu_nodes():
        if NODE.fullmatch(node) and not os.access(node, os.R_OK | os.W_OK):
            raise OSError(f"{node} is for root only")


def _try_landlock(shown: Sequence[str]) -> None:
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(shown, [path for path in tree.WRITABLE if os.path.exists(path)])


def _try_seccomp() -> None:
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.restrict(Limits())


def _in_pid_namespace(act: Callable[[], object]) -> None:
    linux.unshare(linux.NEWPID)
    if reason := linux.attempt(act):
        raise OSError(reason)


def isolate(walls: Walls) -> None:
    """Namespaces for this single-threaded process, if it can have them; and the first to end where memory runs out."""
    if os.access(OOM_SCORE, os.W_OK):
        OOM_SCORE.write_text("1000")
    if walls.isolated:
        identity.isolate()


def enclose(walls: Walls, gpu: bool) -> Walls:
    """Shut this process in, with all loaded that its forks need of ours; returns what holds these from now on."""
    if not walls.wanted:
        return replace(walls, mapped=Mapped.now())
    host_proc = ["/proc"] if gpu and walls.isolated else []  # for `confine` to cover: see `_own_proc`
    shown = tree.visible(PACKAGE, [*(tree.gpu_nodes() if gpu else ()), *host_proc])
    if walls.isolated:
        mapped = Mapped.now()
        tree.shut(PACKAGE, shown)
        whole = walls.proc or not gpu
        return replace(walls, mapped=mapped, visible=("/",) if whole else tuple(set(shown) - {"/proc"}))
    return replace(walls, mapped=Mapped.now(), visible=tuple(shown))


def new_pid_namespace() -> None:
    """The next fork becomes the first process of its own pid namespace: with it, all that it started ends."""
    linux.unshare(linux.NEWPID)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, int(number))


def confine(limit: Limits, scratch: str, walls: Walls, user: int | None) -> str:
    """In a fork: a scratch directory as the working directory, no privileges, limits. Returns the directory.

    scratch: an ordinary temporary directory where there is no file tree of our own, else empty. user: see `Walls.user`.
    """
    directory = scratch or _own_scratch(limit, user or 0)
    if limit.gpu and walls.proc:
        _own_proc()
    os.chdir(directory)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    if user is not None:
        identity.become(user)
    if walls.counted and walls.isolated:
        identity.count_apart()
    if walls.wanted:
        linux.drop_capabilities()
    die_with_parent()  # who changes its user loses that, and may not look at itself in /proc, as CUDA does
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    limits.impose(limit, walls.mapped, walls.counted)
    if walls.landlock:
        landlock.restrict([*walls.visible, *_readable_proc(limit, walls)], _writable(limit, walls, directory))
    if walls.seccomp:
        seccomp.restrict(limit)
    return directory


def _own_scratch(limit: Limits, owner: int) -> str:
    linux.unshare(linux.NEWNS)
    return tree.scratch(limit.files, owner)


def _own_proc() -> None:
    """In place of the host's, which the tree had to show: a user namespace may mount one only where it sees another.

    Read-only where it is about more than processes: there lie switches of the whole machine that ask for no more than
    root's number. Of itself a process may say something, as CUDA does: the names of its threads.
    """
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    for name in OF_THE_MACHINE:
        if os.path.exists(path := f"/proc/{name}"):
            linux.mount(path, path, None, linux.MS_BIND | linux.MS_REC)
            tree.read_only(path)


def _readable_proc(limit: Limits, walls: Walls) -> list[str]:
    """CUDA asks it about this process, the driver and the machine; of the host's, other processes stay out of reach."""
    if not limit.gpu:
        return []
    if walls.proc:
        return ["/proc"]
    names = ("self", "driver", "devices", "cpuinfo", "meminfo", "modules", "stat", "version", "filesystems", "sys")
    return [path for path in (f"/proc/{name}" for name in names) if os.path.exists(path)]


def _writable(limit: Limits, walls: Walls, directory: str) -> list[str]:
    nodes = tree.gpu_nodes() if limit.gpu else []
    itself = ["/proc/self"] if limit.gpu and walls.proc else []
    return [directory, *(path for path in (*tree.WRITABLE, *nodes, *itself) if os.path.exists(path))]


def main() -> None:
    """Print what this machine does not grant, a line each. PYTEST_DONT_REWRITE"""
    for lack in granted(gpu="cuda" in sys.argv[1:]).missing:
        print(lack)


if __name__ == "__main__":
    main()
