"""The sandbox on this machine: what holds each attack, and what the walls cost a fork.

python -m benchmarks.sandbox [N], from the checkout's root; N: forks to time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figures import machine
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.zygote import ROLES
from tests.attackers import Attackers, said
from tests.attacks import ATTACKS, OUTLIVING, Attack
from tests.denied import BUT
from tests.processes import all_end, begun, below
from tests.victims import planted

GOT = "GOT"
HONEST = "def attack(host):\n    return 1\n"


def main(count: int) -> int:
    """1 if an attack gets anything behind all walls."""
    print(machine())
    with ExitStack() as stack:
        opened = {kind: stack.enter_context(_opened(kind)) for kind in ROLES}
        attackers = {role.partition(".")[0]: opened[kind] for kind in opened for role in ROLES[kind]}
        alone = {wall: stack.enter_context(_opened("plain", BUT[wall])) for wall in BUT}
        host = stack.enter_context(planted(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        for kind, one in opened.items():
            print(f"{kind} lacks: {'; '.join(one.missing) or 'nothing'}")
        won = table([*attacks(attackers, alone, host), *lives(attackers)])
    with _opened("plain") as walled, _opened("plain", mode="off") as bare:
        cost = [forks(bare, count), forks(walled, count)]
    print(f"fork to first answer: {cost[0]:.1f} ms without walls, {cost[1]:.1f} ms with all (median of {count})")
    return 1 if won else 0


def table(rows: list[tuple[str, ...]]) -> int:
    """Prints it; returns how many got something."""
    header = ("attack", "in the role", "ends in", "each of these holds it alone")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, tuple("-" * width for width in widths), *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    won = sum(row[2].startswith(GOT) for row in rows)
    print(f"\n{len(rows)} rows, {won} got something")
    return won


def _opened(kind: str, refused: tuple[str, ...] = (), mode: str = "auto") -> Attackers:
    attackers = Attackers(kind, mode, refused)
    attackers.wait(Control())
    return attackers


def attacks(
    attackers: dict[str, Attackers], alone: dict[str, Attackers], host: dict[str, Any]
) -> Iterator[tuple[str, ...]]:
    """Attack, roles, how it ended in them, and which walls hold it by themselves: tried, one after the other."""
    for one in ATTACKS:
        endings: dict[str, list[str]] = {}
        for role in one.roles:
            told = attackers[role.partition(".")[0]].tried(one, role, host)
            endings.setdefault(_ending(told), []).append(role)
        holding = sorted(one.walls & {"always"}) + _alone(one, alone, host)
        for ending, roles in endings.items():
            yield one.name, ", ".join(roles), ending, ", ".join(holding)


def _alone(attack: Attack, alone: dict[str, Attackers], host: dict[str, Any]) -> list[str]:
    role = attack.roles[0]
    asked = [wall for wall in alone if wall in attack.walls and not role.startswith("cuda")]
    return [wall for wall in asked if "error" in alone[wall].tried(attack, role, host)]


def lives(attackers: dict[str, Attackers]) -> Iterator[tuple[str, ...]]:
    """What tries to live on, and how long that takes until there is none of its processes."""
    for name, (code, roles) in OUTLIVING.items():
        for role in roles:
            zygote = attackers[role.partition(".")[0]]
            before = set(below(zygote.process.pid))
            with zygote.attacker(role) as child:
                said(child, code, {})
                time.sleep(0.1)
                started = [begun(process) for process in set(below(zygote.process.pid)) - before]
                start = time.monotonic()
            ended = all_end(started)
            seconds = f"all ended in {time.monotonic() - start:.2f} s"
            yield name, role, seconds if ended else f"{GOT}: it lives", "always"


def _ending(told: dict[str, Any]) -> str:
    if "booty" in told:
        return f"{GOT} {told['booty']}"[:42]
    number = f" (errno {told['errno']})" if told["errno"] else f": {told['text']}" if told["text"] else ""
    return f"{told['error']}{number}"[:42]


def forks(attackers: Attackers, count: int) -> float:
    """Median milliseconds from asking for a role to its first answer."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        with attackers.attacker("tracer") as child:
            said(child, HONEST, {})
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
