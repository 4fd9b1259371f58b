"""Judges every candidate of the calibration set, and says where the gate is wrong about one.

    python -m benchmarks.accuracy results.jsonl [--platform cuda] [--family matmul] [--jobs 2]

A candidate that the file of results holds for the same platform and text is not judged again. `--table` prints the
files that are named as the table of docs/accuracy.md, a column of figures for each. Exit code 1: the gate was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from benchmarks.accuracy.candidates import candidates, families
from benchmarks.accuracy.judging import judged
from benchmarks.accuracy.table import line, misjudged, read, table
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.judge.judge import Judge


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="a file, JSON lines")
    parser.add_argument("--platform", default="auto", help="where kernels run (auto)")
    parser.add_argument("--family", action="append", choices=families(), help="these alone")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="families at a time (2)")
    parser.add_argument("--table", action="store_true", help="print the table of the files, and judge nothing")
    options = parser.parse_args()
    if options.table:
        print("\n".join(table([read(file) for file in options.results])))
        return 0
    if len(options.results) != 1:
        parser.error("name one file of results; several go with --table")
    return run(options.results[0], options.platform, options.family or families(), options.jobs)


def run(file: Path, platform: str, chosen: Sequence[str], jobs: int) -> int:
    with Judge(platform) as judge:
        known = {(r["family"], r["name"], r["kernel_sha256"]) for r in read(file) if r["platform"] == judge.platform}
    left = {
        family: [c for c in candidates(family) if (family, c.name, sha256(c.source)) not in known] for family in chosen
    }
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool, file.open("a", encoding="utf-8") as out:
        futures = [pool.submit(judged, platform, family, wanted) for family, wanted in left.items() if wanted]
        for future in as_completed(futures):
            for result in future.result():
                out.write(json.dumps(result) + "\n")
                print(line(result), flush=True)
    wrong = [result for result in read(file) if misjudged(result)]
    print(f"{len(read(file))} judged, {len(wrong)} of them wrongly")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
