"""What every benchmark prints: the machine, and the median of each figure with its range."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROBLEM = ROOT / "tests" / "cheats" / "torch_in_wrapper" / "problem.py"
KERNEL = PROBLEM.with_name("honest.py")
"""An elementwise problem of two inputs, and a right kernel for it."""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""For commands that are timed: without bytecode files each would compile every module anew."""


def machine() -> str:
    """One line: processor, cores, system, versions."""
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "triton", "pytest"))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {system}, {versions}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def show(name: str, values: Sequence[float], unit: str, goal: str) -> None:
    """`name` and the median of `values`; goal: what it is held against, in words."""
    middle, low, high = statistics.median(values), min(values), max(values)
    print(f"{name:<44} {middle:9.3f} {unit:<3} ({low:.3f} to {high:.3f}, n={len(values)}; goal {goal})")
