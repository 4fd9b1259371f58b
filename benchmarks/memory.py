"""Memory of a run: the largest sum of PSS over pytest and all processes below it, and where torch is loaded.

    python benchmarks/memory.py [-n WORKERS] [--kept] [PROBLEM…]     (default: problems/level1, searched afresh)

PSS counts a page that n processes share as 1/n in each, so the sum is what the run takes of the machine. A process
is pytest's own unless it is a zygote or comes from one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from figures import ENVIRONMENT, ROOT, machine, show

INTERVAL_S = 0.1


@dataclass(frozen=True)
class Process:
    """pss: MB. judging: a zygote, or below one. torch: its library is mapped."""

    pss: float
    judging: bool
    torch: bool


def below(pid: int, judging: bool = False) -> list[Process]:
    """The process and all its descendants; those that end meanwhile are left out."""
    folder = Path("/proc") / str(pid)
    try:
        judging = judging or b"pytest_kernelfalcon.judge.zygote" in (folder / "cmdline").read_bytes()
        found = [Process(_pss(folder), judging, "libtorch" in (folder / "maps").read_text())]
        tasks = list((folder / "task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [process for child in children for process in below(int(child), judging)]


def _pss(folder: Path) -> float:
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a run.")
    parser.add_argument("-n", type=int, default=0, metavar="WORKERS", help="of pytest-xdist (default: none)")
    parser.add_argument("--kept", action="store_true", help="judge kept kernels instead of searching")
    parser.add_argument("paths", nargs="*", default=["problems/level1"], metavar="PROBLEM")
    given = parser.parse_args()
    print(machine())
    mode = "--kernelfalcon-frozen" if given.kept else "--kernelfalcon-fresh"
    command = [sys.executable, "-m", "pytest", "--kernelfalcon", mode, "-q", f"-n{given.n}", *given.paths]
    begun = time.monotonic()
    run = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT)
    samples: list[list[Process]] = []
    while run.poll() is None:
        samples.append(below(run.pid))
        time.sleep(INTERVAL_S)
    report(samples, 2500 if given.n else 1500)
    show("the run", [time.monotonic() - begun], "s", "none")
    sys.exit(run.returncode)


def report(samples: list[list[Process]], goal: int) -> None:
    """goal: MB at the peak."""
    peak = max(samples, key=lambda sample: sum(process.pss for process in sample))
    pytest_s = [process for sample in samples for process in sample if not process.judging]
    show("all processes, at the peak", [sum(process.pss for process in peak)], "MB", f"at most {goal}")
    show("  pytest's own", [sum(process.pss for process in peak if not process.judging)], "MB", "none")
    show("  zygotes and roles", [sum(process.pss for process in peak if process.judging)], "MB", "none")
    print(f"processes at the peak: {len(peak)}; samples: {len(samples)}")
    print(f"torch in a pytest process: {'YES' if any(process.torch for process in pytest_s) else 'never'}")


if __name__ == "__main__":
    main()
