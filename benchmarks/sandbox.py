"""The sandbox on this machine: what holds each attack, and what the walls cost a fork.

python -m benchmarks.sandbox [N], from the checkout's root; N: forks to time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figures import machine
from pytest_kernelfalcon.contracts.control import Control
from tests.attackers import Attackers, said
from tests.attacks import ATTACKS, Attack
from tests.denied import BUT
from tests.victims import planted

HONEST = "def attack(host):\n    return 1\n"


def main(count: int) -> int:
    """1 if an attack gets anything behind all walls."""
    print(machine())
    with ExitStack() as stack:
        plain, cuda = (stack.enter_context(_opened(kind)) for kind in ("plain", "cuda"))
        host = stack.enter_context(planted(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        for attackers in (plain, cuda):
            print(f"{attackers.kind} lacks: {'; '.join(attackers.missing) or 'nothing'}")
        alone = {wall: stack.enter_context(_opened("plain", BUT[wall])) for wall in BUT}
        print(f"\n| {'attack':47} | {'in the role':14} | {'ends in':42} | {'each of these holds it alone':45} |")
        print(f"|{'-' * 49}|{'-' * 16}|{'-' * 44}|{'-' * 47}|")
        won = [row(one, role, cuda if role.startswith("cuda") else plain, alone, host)
               for one in ATTACKS for role in one.roles]  # fmt: skip
    print(f"\n{len(won)} tried, {sum(won)} got something")
    with _opened("plain") as walled, _opened("plain", mode="off") as bare:
        cost = [forks(bare, count), forks(walled, count)]
    print(f"fork to first answer: {cost[0]:.1f} ms without walls, {cost[1]:.1f} ms with all (median of {count})")
    return 1 if any(won) else 0


def _opened(kind: str, refused: tuple[str, ...] = (), mode: str = "auto") -> Attackers:
    attackers = Attackers(kind, mode, refused)
    attackers.wait(Control())
    return attackers


def row(attack: Attack, role: str, attackers: Attackers, alone: dict[str, Attackers], host: dict[str, Any]) -> bool:
    told = attackers.tried(attack, role, host)
    holding = sorted(attack.walls - {"limits"})
    if role in ("tracer", "compile"):
        holding = [wall for wall in holding if "error" in alone[wall].tried(attack, role, host)]
    words = ", ".join([*holding, *(["limits"] if "limits" in attack.walls else [])])
    print(f"| {attack.name:47} | {role:14} | {_ending(told):42} | {words:45} |", flush=True)
    return "booty" in told


def _ending(told: dict[str, Any]) -> str:
    if "booty" in told:
        return f"GOT {told['booty']}"[:42]
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
