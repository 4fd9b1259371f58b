"""How many kept kernels can be baked, and do the same then: `python -m benchmarks.baking [--judge] [PROBLEM…]`.

Each is baked and held against its kernel: every message of its plan, and, where the problem's own sizes can be run
here, every bit of its outputs. --judge: also judged again at the gate *accept*.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.baking import NotBakeable
from pytest_kernelfalcon.judge.judge import Judge

PROBLEMS = Path(__file__).parent.parent / "problems"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baking")
    parser.add_argument("problems", nargs="*", type=Path, metavar="PROBLEM")
    parser.add_argument("--judge", action="store_true", help="judge each module again")
    parser.add_argument("--platform", choices=("auto", "cpu", "cuda"), default="auto")
    given = parser.parse_args()
    kernels = sorted(PROBLEMS.glob("*/__kernels__/*.py"))
    problems = given.problems or [kernel.parent.parent / kernel.name for kernel in kernels]
    alike = 0
    with Judge(given.platform) as judge:
        for problem in problems:
            start = time.perf_counter()
            said = _one(judge, problem, given.judge)
            alike += not said.startswith("NOT")
            print(f"{problem.stem:40} {said}  {time.perf_counter() - start:.1f} s", flush=True)
    print(f"{alike} of {len(problems)}")
    return 0 if alike == len(problems) else 1


def _one(judge: Judge, path: Path, again: bool) -> str:
    """In words how it went; begins with NOT where it is not the kernel."""
    control = Control()
    contract = judge.inspect(Problem.load(path), control)
    source = (path.parent / "__kernels__" / path.name).read_text()
    try:
        text = judge.bake(contract, source, "Baked.", control)
    except NotBakeable as error:
        return f"NOT baked: {error}"
    if detail := judge.difference(contract, source, text, control):
        return f"NOT alike: {detail}"
    if not again:
        return "alike"
    verdict = judge.judge(contract, text, "accept", control)
    return f"alike, {verdict.outcome} {verdict.cause or ''}"


if __name__ == "__main__":
    sys.exit(main())
