"""What an ordinary run pays for the plugin that is merely installed: the same command with it and with `-p
no:kernelfalcon`, by turns.

    python benchmarks/startup.py [N]

Where the package is not installed, an entry point as an installation makes it is put on the path. Seconds are those of
the wall's clock and of the processor (user and system), since on a busy machine the first say little.
"""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from figures import ENVIRONMENT, ROOT, machine

PLAIN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""A plugin beside ours that loads more than pytest itself would hide what ours takes."""
WITHOUT = ("-p", "no:kernelfalcon")
TEST = "def test_nothing():\n    pass\n"
COMMANDS = {
    "pytest --version": ("--version",),
    "pytest --collect-only, one test": ("--collect-only", "-q"),
    "pytest, one test": ("-q",),
}
GOAL = 1.1
HEAVY = """
import sys, pytest
code = pytest.main(sys.argv[1:])
heavy = {"torch", "triton", "numpy", "jinja2", "openai", "anthropic"}.intersection(sys.modules)
sys.exit(f"imported: {sorted(heavy)}" if heavy else int(code))
"""


def installed(folder: Path) -> dict[str, str]:
    """The environment in which pytest finds the plugin by an entry point."""
    found = [point.value for point in importlib.metadata.entry_points(group="pytest11")]
    if "pytest_kernelfalcon.plugin" in found:
        return ENVIRONMENT
    place = folder / "pytest_kernelfalcon-0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-kernelfalcon\nVersion: 0\n")
    (place / "entry_points.txt").write_text("[pytest11]\nkernelfalcon = pytest_kernelfalcon.plugin\n")
    return ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}


def timed(command: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the wall's clock and of the processor."""
    words = [sys.executable, "-c", HEAVY, *PLAIN, *command]
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, words, environment, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} in {folder} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def ratios(name: str, command: Sequence[str], folder: Path, environment: dict[str, str], count: int) -> None:
    """One row: medians without and with the plugin, and their ratio by the least and by the median, of each clock."""
    for words in (command, (*command, *WITHOUT)):
        timed(words, folder, environment)  # the disk may be cold
    pairs = [
        (timed((*command, *WITHOUT), folder, environment), timed(command, folder, environment)) for _ in range(count)
    ]
    for clock, index in (("wall", 0), ("processor", 1)):
        bare, full = [one[index] for one, _ in pairs], [other[index] for _, other in pairs]
        middle, least = statistics.median(full) / statistics.median(bare), min(full) / min(bare)
        print(
            f"{name:<34} {clock:<10} {statistics.median(bare):7.3f} s {statistics.median(full):7.3f} s "
            f"{least:7.3f} {middle:7.3f}"
        )


def main(count: int) -> None:
    print(machine())
    print(f"{count} runs of each, by turns; goal: a ratio of at most {GOAL}")
    print(f"{'':<34} {'clock':<10} {'without':>9} {'with':>9} {'least':>7} {'median':>7}")
    with tempfile.TemporaryDirectory() as tests, tempfile.TemporaryDirectory() as path:
        (Path(tests) / "test_nothing.py").write_text(TEST)
        os.chdir(tests)
        environment = installed(Path(path))
        for name, command in COMMANDS.items():
            ratios(name, command, Path(tests), environment, count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
