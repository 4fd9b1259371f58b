"""A command on a terminal, as text: what its screen showed, every few seconds and at the end.

    python -m benchmarks.recording [--kill-worker SECONDS] -- COMMAND…

`--kill-worker` kills (SIGKILL) the first worker of pytest-xdist so long after the first picture that shows it at work.
Needs pyte (`pip install pyte`), which is the terminal.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte

from tests.processes import children

XDIST = b"exec(eval(sys.stdin.readline()))"
"""In the command line of a worker of pytest-xdist."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recording", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, default=118)
    parser.add_argument("--lines", type=int, default=36)
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two pictures (5)")
    parser.add_argument("--kill-worker", type=float, metavar="SECONDS", help="after the start")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    terminal = Terminal(given.command, given.columns, given.lines)
    killed = given.kill_worker is None
    print(f"$ {' '.join(given.command)}")
    for seconds in terminal.pictures(given.every):
        print(f"\n--- after {seconds:.0f} s ---\n{terminal.text()}", flush=True)
        if not killed and seconds >= given.kill_worker:
            killed = _kill_a_worker(terminal.process.pid)
    print(f"\n--- at the end: exit code {terminal.process.wait()} ---\n{terminal.text()}")
    return 0


class Terminal:
    """A command with a terminal of its own."""

    def __init__(self, command: Sequence[str], columns: int, lines: int) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self._from = ours
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    def pictures(self, every: float) -> Iterator[float]:
        """Seconds since the start, whenever a picture may be taken; ends with the command."""
        begun = last = time.monotonic()
        while self._read():
            if time.monotonic() - last >= every:
                last = time.monotonic()
                yield last - begun

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).strip("\n")

    def _read(self) -> bool:
        """What there is within a moment; False once the command has closed its terminal."""
        if not select.select([self._from], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self._from, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self._stream.feed(data)
        return bool(data)


def _kill_a_worker(pid: int) -> bool:
    workers = [child for child in children(pid) if XDIST in Path(f"/proc/{child}/cmdline").read_bytes()]
    if workers:
        print(f"\n$ kill -9 {workers[0]}    # a worker")
        os.kill(workers[0], signal.SIGKILL)
    return bool(workers)


if __name__ == "__main__":
    sys.exit(main())
