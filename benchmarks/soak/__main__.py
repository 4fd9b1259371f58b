"""`python -m benchmarks.soak`: as many random runs as asked for, held against the model; goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.soak.check import Result, soak
from benchmarks.soak.world import MISHAPS, drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all went as the model has it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=200, help="numbers 0 to COUNT - 1 (200)")
    parser.add_argument("--begin", type=int, default=0, metavar="N", help="the first number (0)")
    parser.add_argument("--results", type=Path, default=Path("soak.jsonl"), help="one JSON line a run (soak.jsonl)")
    parser.add_argument("--folder", type=Path, help="where trees are made; what goes wrong is left there")
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="kernelfalcon-soak-"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has pytest ignore it otherwise
    done = {result.number: result for result in _read(options.results)}
    for number in range(options.begin, options.count):
        if number not in done:
            done[number] = _one(number, folder / str(number), options.results)
    results = [done[number] for number in range(options.begin, options.count)]
    print(table(results))
    return 1 if any(result.wrong for result in results) else 0


def _one(number: int, folder: Path, results: Path) -> Result:
    start = time.monotonic()
    result = soak(drawn(number), folder)
    with results.open("a") as file:
        file.write(json.dumps(asdict(result)) + "\n")
    words = "; ".join(result.wrong) or "as it must"
    print(f"{number} {result.mishap}: exit {result.first}, {time.monotonic() - start:.1f} s: {words}", flush=True)
    return result


def _read(path: Path) -> list[Result]:
    """A last line that was cut off is run again."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [Result(**json.loads(line)) for line in lines]


def table(results: Sequence[Result]) -> str:
    """By mishap: runs, those that it struck in time, candidates judged and verdicts taken over, departures."""
    rows = [("mishap", "runs", "struck", "judged", "taken over", "wrong")]
    for mishap in (*MISHAPS, "all"):
        own = [result for result in results if mishap in (result.mishap, "all")]
        sums = (len(own), *(sum(getattr(one, name) for one in own) for name in ("struck", "judged", "saved")))
        rows.append((mishap, *map(str, sums), str(sum(bool(one.wrong) for one in own))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
