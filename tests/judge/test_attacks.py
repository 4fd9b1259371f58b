"""Attacks on the walls around roles, by every role that could run foreign code, with all walls and with each alone.

The roles here are attackers behind the walls of real ones (tests/attackers.py); test_sandbox.py attacks from candidates
and problems.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge import sandbox
from pytest_kernelfalcon.judge.zygote import kind_of
from tests.attackers import TEMPORARY, Attackers, said
from tests.attacks import ATTACKS, KEY, OUTLIVING, Attack
from tests.denied import BUT
from tests.processes import all_end, begun, below, wait_until
from tests.victims import planted

Open = Callable[..., Attackers]


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    """A zygote of attackers for each way that it is asked for, kept for all tests."""
    known: dict[tuple[Any, ...], Attackers] = {}
    with ExitStack() as stack:

        def look(kind: str, mode: str = "auto", refused: tuple[str, ...] = ()) -> Attackers:
            key = (kind, mode, refused)
            if key not in known:
                known[key] = Attackers(kind, mode, refused)
                stack.callback(known[key].close)
            known[key].wait(Control())
            return known[key]

        yield look


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with planted(tmp_path_factory.mktemp("host")) as facts:
        yield facts


def every(attacks: list[Attack]) -> list[Any]:
    return [pytest.param(one, role, id=f"{one.name}, {role}") for one in attacks for role in one.roles]


@pytest.mark.parametrize(("attack", "role"), every(ATTACKS))
def test_no_attack_gets_anything(opened: Open, host: dict[str, Any], attack: Attack, role: str) -> None:
    attackers = opened(kind_of(role))
    unheld = {"namespaces": "namespaces", "landlock": "Landlock", "seccomp": "filter", "always": "nothing"}
    if all(any(unheld[wall] in lack for lack in attackers.missing) for wall in attack.walls):
        pytest.skip(f"this machine lacks {', '.join(attackers.missing)}")
    assert "error" in (told := attackers.tried(attack, role, host)), told
    assert attackers.tried(replace(HONEST, alone=attack.alone), role, {}) == {"booty": "6"}


HONEST = Attack("none", "return sum((1, 2, 3))", frozenset())


@pytest.mark.parametrize(("attack", "role"), every([one for one in ATTACKS if one.open]))
def test_where_there_is_no_wall_it_does(opened: Open, host: dict[str, Any], attack: Attack, role: str) -> None:
    told = opened(kind_of(role), "off").tried(attack, role, host)
    assert "booty" in told, told


@pytest.mark.parametrize("wall", ["namespaces", "landlock", "seccomp"])
def test_each_wall_alone_holds_what_it_is_said_to_hold(opened: Open, host: dict[str, Any], wall: str) -> None:
    failed = []
    for one in ATTACKS:
        for role in one.roles if wall in one.walls else ():
            attackers = opened(kind_of(role), "auto", BUT[wall])
            if len(attackers.missing) > 3 - (wall == "namespaces"):
                pytest.skip(f"this machine lacks {', '.join(attackers.missing)}")
            if "error" not in attackers.tried(one, role, host):
                failed.append((one.name, role))
    assert failed == []


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (("namespaces",), "namespaces and file tree (unshare: Operation not permitted)"),
        (("tree",), "namespaces and file tree (mount /: Operation not permitted)"),
        (("landlock",), "Landlock (Landlock: Function not implemented)"),
        (("seccomp",), "filter of system calls (seccomp: Invalid argument)"),
    ],
)
def test_what_is_missing_is_named_with_its_reason_and_the_rest_is_there(
    opened: Open, host: dict[str, Any], refused: tuple[str, ...], says: str
) -> None:
    attackers = opened("plain", "auto", refused)
    assert says in attackers.missing
    complete = opened("plain").missing
    bound = [lack for lack in attackers.missing if "bound on processes" in lack]  # the tree lets others read ours
    assert set(attackers.missing) == {says, *complete, *bound}
    for one in ATTACKS:
        if one.walls - {"landlock", "seccomp", "namespaces"} or len(one.walls) > 1:
            for role in set(one.roles) & {"tracer", "compile"}:
                assert "error" in (told := attackers.tried(one, role, host)), (one.name, told)


LISTENS = """
import socket
held = []
def attack(host):
    held.append(socket.socket(socket.AF_UNIX))
    held[0].bind(host["address"])
    held[0].listen()
    return "listens"
"""
REACHES = """
import os, socket
def attack(host):
    told = []
    for process in set(host["processes"]) - {os.getpid()}:
        try:
            os.kill(process, 0)
            told.append("signalled")
        except OSError:
            pass
    try:
        socket.socket(socket.AF_UNIX).connect(host["address"])
        told.append("connected")
    except OSError:
        pass
    return told
"""


def test_siblings_do_not_reach_each_other(opened: Open) -> None:
    for refused, reached in (((), "[]"), (("landlock",), "['connected']"), (("namespaces", "user"), "[]")):
        attackers = opened("plain", "auto", refused)
        host = {"address": "\0kernelfalcon-sibling", "processes": []}
        with attackers.attacker("compile") as first, attackers.attacker("compile") as second:
            assert said(first, LISTENS, host) == {"booty": "listens"}
            assert wait_until(lambda zygote=attackers.process.pid: len(below(zygote)) >= 4, 10)
            host["processes"] = below(attackers.process.pid)
            assert said(second, REACHES, host) == {"booty": reached}


@pytest.mark.parametrize("refused", [(), ("namespaces", "user")], ids=["with namespaces", "without"])
def test_a_role_with_a_gpu_finds_in_proc_what_cuda_asks_for(opened: Open, refused: tuple[str, ...]) -> None:
    names = ("self/maps", "self/status", "self/task", "cpuinfo", "meminfo", "devices", "sys/vm/mmap_min_addr")
    look = "os.listdir(path) if os.path.isdir(path) else open(path).read()"
    code = f"import os\ndef attack(host):\n    return [bool({look}) for path in host['paths']]\n"
    told = opened("cuda", "auto", refused).ask("cuda.reference", code, {"paths": [f"/proc/{name}" for name in names]})
    assert told == {"booty": str([True] * len(names))}


def test_no_memory_of_a_zygote_holds_what_its_parent_knows(opened: Open, host: dict[str, Any]) -> None:
    held, seen = [], 0
    for process in (opened("plain").process.pid, opened("cuda").process.pid):
        try:
            for piece in _memory(process):
                seen += len(piece)
                held += [process] if KEY.encode() in piece else []
        except PermissionError as error:
            pytest.skip(f"its memory cannot be read here: {error}")
    assert seen > 10 << 20
    assert held == []


def _memory(process: int) -> Iterator[bytes]:
    folder = Path("/proc") / str(process)
    with open(folder / "mem", "rb", buffering=0) as memory:
        for line in (folder / "maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if "r" in rights and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                first, last = (int(part, 16) for part in span.split("-"))
                memory.seek(first)
                yield memory.read(last - first)


WITHOUT = ("namespaces", "user")


@pytest.mark.parametrize("refused", [(), WITHOUT], ids=["with namespaces", "without"])
@pytest.mark.parametrize(("name", "role"), [(name, role) for name, (_, roles) in OUTLIVING.items() for role in roles])
def test_nothing_outlives_its_end(opened: Open, name: str, role: str, refused: tuple[str, ...]) -> None:
    code, _ = OUTLIVING[name]
    attackers = opened(kind_of(role), "auto", refused)
    before, scratches = set(below(attackers.process.pid)), _scratches(attackers)
    with attackers.attacker(role) as child:
        assert "booty" in (told := said(child, code, {})), told
        time.sleep(0.05)  # for what happens after the answer
        started = [begun(process) for process in set(below(attackers.process.pid)) - before]
        assert len(started) >= 2
    assert all_end(started)
    assert wait_until(lambda: set(below(attackers.process.pid)) <= before, 20)
    assert wait_until(lambda: _scratches(attackers) <= scratches, 10)
    assert attackers.ask(role, HONEST.code, {}) == {"booty": "6"}


def _scratches(attackers: Attackers) -> set[Path]:
    """Scratch directories that are left of that zygote's roles: each is named after its guard's parent."""
    return set(Path(TEMPORARY).glob(f"kernelfalcon-scratch-{attackers.process.pid}-*"))


@pytest.mark.parametrize("refused", [(), WITHOUT], ids=["with namespaces", "without"])
def test_nothing_outlives_a_zygote_that_is_killed(refused: tuple[str, ...]) -> None:
    with_orphans, roles = OUTLIVING["a double fork, in a session of its own"]
    attackers = Attackers("plain", "auto", refused)
    try:
        child = attackers.attacker(roles[0])
        assert "booty" in said(child, with_orphans, {})
        started = [begun(process) for process in below(attackers.process.pid)]
        assert len(started) >= 3
        os.kill(attackers.process.pid, signal.SIGKILL)
        assert all_end(started)
        assert wait_until(lambda: not _scratches(attackers), 10)
        child.close()
    finally:
        attackers.close()


def test_a_machine_that_grants_everything_is_not_said_to_lack_anything() -> None:
    walls = sandbox.granted(gpu=False)
    if walls.missing:
        pytest.skip(f"this machine lacks {', '.join(walls.missing)}")
    assert walls.isolated
    assert walls.counted
    assert walls.landlock
    assert walls.seccomp
