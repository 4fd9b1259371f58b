"""Accepted kernels, each with one small fault: does the judge refuse them?

    python -m benchmarks.mutants --count 1000 --seed 7 --jobs 2 --out mutants.jsonl

Counted are those that trace, compile and run. The same seed draws the same ones; those that the file has already are
not judged again. The exit code is 1 where fewer than --goal percent are refused, but for those that
benchmarks/mutants/explained.json explains.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.figures import machine
from benchmarks.mutants.draw import mutants, originals
from benchmarks.mutants.record import Record, Score, explained, table
from benchmarks.mutants.run import Run
from benchmarks.results import Appending, read
from pytest_kernelfalcon.judge.judge import Judge, Unavailable


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.jobs < 1 or options.count < 1:
        parser.error("--jobs and --count are 1 or more.")
    try:
        with Judge(options.platform) as judge:
            platform = judge.platform
        kernels = originals(options.problems)
        known = explained()
        earlier = [Record(**result) for result in read(options.out) if result["platform"] == platform]
    except (Unavailable, ValueError, TypeError) as error:
        parser.error(str(error))
    print(machine(), flush=True)
    run = Run(platform, options.jobs, {(each.problem_sha256, each.kernel_sha256): each for each in earlier})
    with Appending(options.out) as file:
        records = run.until(mutants(kernels, options.seed), options.count, file)
    score = Score.of(records, known)
    print("\n".join(table(records)))
    for survivor in score.survivors:
        print(f"\n{survivor.name}:{survivor.line} {survivor.operator}: {survivor.outcome}\n{survivor.diff}")
    print(f"\n{score} (goal: {options.goal:g} %)")
    return int(score.percent < options.goal)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, metavar="N", help="mutants that run (100)")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="mutants at a time (2)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="one JSON object for each, a line")
    parser.add_argument("--goal", type=float, default=99.0, metavar="PERCENT", help="of those that ran (99)")
    parser.add_argument("--problems", type=Path, default=Path("problems"), metavar="DIR", help="with kept kernels")
    parser.add_argument("--platform", default="cpu", help="where they run (cpu)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
