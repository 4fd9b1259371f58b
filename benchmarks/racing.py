"""A race to look at: six problems, whose first candidates are really wrong and whose rounds take unequal time.

    python -m benchmarks.racing FOLDER

makes FOLDER with `problems/` and `script/`, and prints the command that runs the race. The candidates are mutants of
kept kernels, and at last the kernel itself; the last problem's script has mutants alone until

    python -m benchmarks.racing FOLDER --mend

adds the kernel, so that `--lf` has something to find.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.mutants.draw import Original, mutants, originals

PROBLEMS = (
    "level1/1_swiglu",
    "level1/16_softmax_temperature",
    "level1/18_label_smoothing_cross_entropy",
    "level1/22_int8_quantise",
    "level2/1_residual_rms_norm",
    "level1/27_ema_update",
)
"""The last one is not solved at first."""
SEEDS, ROUNDS = 4, 4
WAITS = (0.5, 4.0)
"""Seconds that the author takes for a candidate, from and to."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.racing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--mend", action="store_true", help="let the last problem be solved")
    parser.add_argument("--seed", type=int, default=6, help="which mutants, and how long they take (6)")
    given = parser.parse_args()
    kernels = {kernel.name: kernel for kernel in originals(Path("problems"))}
    if given.mend:
        _write_seed(given.folder, kernels[PROBLEMS[-1]], SEEDS - 1, random.Random(given.seed), wrong=1, right=True)
        return 0
    if given.folder.exists():
        parser.error(f"{str(given.folder)!r} is there already. Fix: name a folder to be made")
    _make(given.folder, kernels, given.seed)
    print(f"cd {given.folder} && pytest --kernelfalcon --kernelfalcon-author=scripted/script -n 4 problems")
    return 0


def _make(folder: Path, kernels: dict[str, Original], seed: int) -> None:
    (folder / "problems").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    draw = random.Random(seed)
    for name in PROBLEMS:
        shutil.copy(kernels[name].problem.path, folder / "problems")
        for number in range(SEEDS):
            wrong, right = draw.randint(1, ROUNDS - 1), name != PROBLEMS[-1]
            _write_seed(folder, kernels[name], number, draw, wrong, right)


def _write_seed(folder: Path, kernel: Original, seed: int, draw: random.Random, wrong: int, right: bool) -> None:
    """`wrong` rounds with mutants, and, if `right`, one with the kernel."""
    place = folder / "script" / Path(kernel.problem.path).stem / f"seed{seed}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for number, text in enumerate(_candidates(kernel, draw.random(), wrong, right)):
        waits = f"# waits {draw.uniform(*WAITS):.1f} s\n"
        (place / f"round{number}.py").write_text(f"{text.rstrip()}\n\n{waits}", encoding="utf-8")


def _candidates(kernel: Original, seed: float, wrong: int, right: bool) -> Iterator[str]:
    for mutant in islice(mutants([kernel], int(seed * 1e6)), wrong):
        yield mutant.source
    if right:
        yield kernel.source


if __name__ == "__main__":
    sys.exit(main())
