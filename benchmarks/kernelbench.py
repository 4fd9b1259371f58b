"""How many problems of a folder of KernelBench's get a kernel from the cookbook.

    python -m benchmarks.kernelbench KernelBench/level1 level1.jsonl --out kernels
    python -m benchmarks.kernelbench KernelBench/level1 cuda.jsonl --kernels kernels --platform cuda

The second judges the kernels that the first wrote. A problem that the file of results has already is not judged again.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.figures import machine
from benchmarks.measure import add_options, measure
from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem, read


def numbers(text: str) -> set[int]:
    """`1-20` or `3,7-9` as numbers. Raises argparse's error for anything else."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not match:
            raise argparse.ArgumentTypeError(f"{text!r} names no problems. Fix: write 1-20, or 3,7-9.")
        first = int(match[1])
        found |= set(range(first, int(match[2] or first) + 1))
    return found


def problems(folder: Path, only: set[int] | None) -> dict[str, Problem]:
    """The problem files of a folder by name, in the order of the numbers that their names begin with.

    only: the numbers wanted. Raises ProblemError for a file that is no text.
    """
    numbered = {file: _number(file) for file in folder.glob("*.py")}
    wanted = sorted(
        (file for file in numbered if only is None or numbered[file] in only), key=lambda f: (numbered[f], f)
    )
    return {file.stem: Problem(str(file), read(file, str(file))) for file in wanted}


def _number(file: Path) -> int:
    match = re.match(r"\d+", file.name)
    return int(match[0]) if match else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernelbench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("problems", type=Path, metavar="PROBLEMS", help="a folder of problem files")
    parser.add_argument("results", type=Path, metavar="RESULTS", help="the file of results; it is gone on with")
    parser.add_argument("--only", type=numbers, metavar="NUMBERS", help="problems whose names begin so: 1-20, or 3,7-9")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write accepted kernels here")
    add_options(parser)
    options = parser.parse_args()
    try:
        chosen = problems(options.problems, options.only)
    except ProblemError as error:
        parser.error(str(error))
    if not chosen:
        parser.error(f"no such problem in {str(options.problems)!r}. Fix: name a folder of them, and numbers there.")
    print(machine())
    return measure(parser, options, chosen, options.results, options.out)


if __name__ == "__main__":
    sys.exit(main())
