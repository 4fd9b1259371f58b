"""One run on one GPU and on all: wall time, and how many verdicts each GPU gave.

    python -m benchmarks.two_gpus [-n WORKERS] [--repeat N] [PROBLEM…]     (default: 8 workers, problems/level1)

From the checkout's root, on a host with several GPUs, or parts of one (MIG). Each run is a search from nothing by the
cookbook, in a folder of its own, so that nothing is known from the run before: neither winners nor compiled kernels.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import ENVIRONMENT, ROOT, machine, show
from pytest_kernelfalcon.judge.platforms.cuda import visible
from pytest_kernelfalcon.judge.platforms.nvml import Gpu, NoDriver, driver
from pytest_kernelfalcon.store import events

VERDICTS = ("round", "accept")
"""Events that hold one."""


def copied(paths: Sequence[str], folder: Path) -> Iterator[str]:
    """The problems alone, without what is kept of them; files of one name keep apart by their number."""
    for number, path in enumerate(paths):
        found = [Path(path)] if Path(path).is_file() else sorted(Path(path).glob("*.py"))
        for file in found:
            place = folder / str(number) / file.name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(file, place)
            yield str(place)


def run(paths: Sequence[str], workers: int, gpus: Sequence[Gpu]) -> tuple[float, Counter[str]]:
    """Seconds, and verdicts by device. Ends the program where the run fails otherwise than by a missing kernel."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-p", "pytest_kernelfalcon.plugin", "--kernelfalcon", "-q"]
        command += ["--kernelfalcon-platform=cuda", f"-n{workers}", "--dist=load", *copied(paths, folder)]
        path = os.pathsep.join([str(ROOT), ENVIRONMENT.get("PYTHONPATH", "")])
        environment = ENVIRONMENT | {
            "CUDA_VISIBLE_DEVICES": ",".join(gpu.uuid for gpu in gpus), "PYTHONPATH": path, "OMP_NUM_THREADS": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin",
        }  # fmt: skip
        start = time.perf_counter()
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if ended.returncode not in (0, 1):
            sys.exit(f"a run ended with {ended.returncode}:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}")
        (record,) = folder.glob(".fuse/2*/events.jsonl")
        verdicts = [event["verdict"] for event in events.read(record) if event["event"] in VERDICTS]
    return seconds, Counter(verdict["device"] for verdict in verdicts)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="One run on one GPU and on all.")
    parser.add_argument("-n", type=int, default=8, metavar="WORKERS", help="of pytest-xdist (default: 8)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="how often each is measured (default: 1)")
    parser.add_argument("paths", nargs="*", default=[str(ROOT / "problems" / "level1")], metavar="PROBLEM")
    given = parser.parse_args(arguments)
    try:
        gpus = visible(driver().gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    except NoDriver as error:
        sys.exit(f"no NVIDIA driver: {error}")
    if len(gpus) < 2:
        sys.exit(f"it takes two GPUs, and {len(gpus)} can be seen: {', '.join(gpu.name for gpu in gpus) or 'none'}")
    print(f"{machine()}, {given.n} workers, GPUs: {', '.join(f'{gpu.name} #{gpu.number}' for gpu in gpus)}")
    for chosen in (gpus[:1], gpus):
        runs = [run(given.paths, given.n, chosen) for _ in range(given.repeat)]
        show(f"{len(chosen)} GPU{'s' if len(chosen) > 1 else ''}", [seconds for seconds, _ in runs], "s", "none")
        for device, verdicts in sorted(sum((counted for _, counted in runs), Counter()).items()):
            print(f"    {device}: {verdicts} verdicts")


if __name__ == "__main__":
    main(sys.argv[1:])
