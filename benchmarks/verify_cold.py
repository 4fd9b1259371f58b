"""`verify` from a cold shell: processes started, torch and Triton loaded, problem inspected, kernel judged in full.

python benchmarks/verify_cold.py [N]
"""

from __future__ import annotations

import subprocess
import sys
import time

from figures import ENVIRONMENT, KERNEL, PROBLEM, ROOT, machine, show


def main(count: int) -> None:
    print(machine())
    seconds = []
    for _ in range(1 + count):
        start = time.perf_counter()
        command = [sys.executable, "-m", "pytest_kernelfalcon", "verify", str(PROBLEM), str(KERNEL)]
        run = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
        seconds.append(time.perf_counter() - start)
        if run.returncode != 0:
            sys.exit(f"verify ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    print(run.stdout)
    show("verify, first (the disk may be cold)", seconds[:1], "s", "none")
    show("verify", seconds[1:], "s", "at most 6")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
