"""Seed-gate verdicts on an elementwise candidate, warm: with and without the compile check, and the check alone.

    python benchmarks/verdict.py [N]

Every verdict is on a new text (a comment is added), so that no compile result is found in a cache.
"""

from __future__ import annotations

import sys
import time

from figures import KERNEL, PROBLEM, machine, show

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

WARM_UP = 3


def main(count: int) -> None:
    print(machine())
    with Judge("cpu") as judge:
        contract = judge.inspect(Problem.load(PROBLEM), Control())
        whole, verdicts = [], []
        for number in range(WARM_UP + count):
            source = f"{KERNEL.read_text()}\n# {number}\n"
            start = time.perf_counter()
            verdicts.append(judge.judge(contract, source, "seed", Control()))
            whole.append(time.perf_counter() - start)
    report(whole[WARM_UP:], verdicts[WARM_UP:])


def report(whole: list[float], verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.outcome != "accepted":
            sys.exit(f"the candidate should be accepted: {verdict}")
    compiling = [verdict.seconds["compile"] for verdict in verdicts]
    print(f"cases a verdict: {min(verdict.cases for verdict in verdicts)}; targets: {', '.join(verdicts[0].targets)}")
    rest = [total - part for total, part in zip(whole, compiling, strict=True)]
    show("verdict without the compile check", rest, "s", "at most 0.15")
    show("compile check, one target, not cached", compiling, "s", "at most 0.3")
    show("verdict with both", whole, "s", "at most 2")
    for stage in verdicts[0].seconds:
        show(f"  stage {stage}", [verdict.seconds[stage] for verdict in verdicts], "s", "none")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
