"""Collecting 270 problem files: the whole command, and what it takes more than for an empty folder.

    python benchmarks/collect.py [N]

Every file raises when it is imported, and torch must not be in the process afterwards.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import ENVIRONMENT, ROOT, machine, show

FILES = 270
RUN = """
import sys, pytest
code = pytest.main(["--kernelfalcon", "--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]])
heavy = {"torch", "triton", "numpy"}.intersection(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else int(code))
"""
NO_TESTS = 5


def write_problems(folder: Path) -> None:
    """The shipped problems, each with other sizes and an import that fails, until there are enough."""
    shipped = sorted((ROOT / "problems" / "level1").glob("*.py"))
    for number in range(FILES):
        text = shipped[number % len(shipped)].read_text()
        (folder / f"{number}_problem.py").write_text(f'raise RuntimeError("imported")\n{text}\nnumber = {number}\n')


def collect(folder: Path, expected: int) -> tuple[float, str]:
    """Seconds of the whole command, and the last line that it prints."""
    start = time.perf_counter()
    command = [sys.executable, "-c", RUN, "--rootdir", str(folder), str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if run.returncode != expected:
        sys.exit(f"collecting ended with {run.returncode}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return seconds, run.stdout.strip().splitlines()[-1]


def main(count: int) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        write_problems(Path(full))
        collect(Path(full), 0)
        base = [collect(Path(empty), NO_TESTS)[0] for _ in range(count)]
        timed = [collect(Path(full), 0) for _ in range(count)]
    print(f"{FILES} files: {timed[0][1]}")
    show("whole command", [seconds for seconds, _ in timed], "s", "at most 1.5")
    show("the same for an empty folder", base, "s", "none")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
