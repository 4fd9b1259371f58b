"""Generated problems: written to a folder, or held against the cookbook and the judge.

    python -m benchmarks.generated --kind row --seed 7 --count 50 --out DIR
    python -m benchmarks.generated --kind row --seed 7 --count 50 --judge row.jsonl

A draw that torch refuses, or whose output is constant or not finite, is thrown away. Seeds below 1000 are for
developing recipes; measure with others. A problem that the file of results has already is not judged again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.figures import machine
from benchmarks.generated import matmul, pointwise, row
from benchmarks.generated.draft import admissible_ones
from benchmarks.measure import add_options, measure
from pytest_kernelfalcon.contracts.problem import Problem

KINDS = {"pointwise": pointwise.write, "row": row.write, "matmul": matmul.write}


def texts(kind: str, seed: int, count: int) -> dict[str, str]:
    """The problems by file name."""
    drawn = admissible_ones(KINDS[kind], seed)
    return {f"{number}_{kind}_{seed}.py": next(drawn) for number in range(count)}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generated",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kind", choices=KINDS, default="pointwise")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the problems here")
    parser.add_argument("--judge", type=Path, metavar="RESULTS", help="search and judge kernels; a file of results")
    parser.add_argument("--accepted", type=Path, metavar="DIR", help="with --judge: write accepted kernels here")
    add_options(parser)
    options = parser.parse_args()
    if options.out is None and options.judge is None:
        parser.error("nothing to do. Fix: give --out DIR, --judge RESULTS, or both.")
    drawn = texts(options.kind, options.seed, options.count)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, text in drawn.items():
            (options.out / name).write_text(text, encoding="utf-8")
    if options.judge is None:
        return 0
    print(machine())
    problems = {Path(name).stem: Problem(name, text) for name, text in drawn.items()}
    return measure(parser, options, problems, options.judge, options.accepted)


if __name__ == "__main__":
    sys.exit(main())
