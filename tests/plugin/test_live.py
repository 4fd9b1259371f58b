"""What is seen while a run goes on: on a terminal, that a terminal emulator plays here, and elsewhere."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.screen import fit
from tests.conftest import KERNEL, LOADER, PROBLEM, ROOT, Example
from tests.plugin.conftest import BAD, GOOD, candidate
from tests.plugin.test_stopping import FAKE, spawn
from tests.processes import children

pyte = pytest.importorskip("pyte", reason="pyte plays the terminal: pip install -e '.[dev]'")

TOTAL = "kernelfalcon  1/2 problems · 1 accepted · 2 rounds · "
OFTEN = "import pytest_kernelfalcon.live\npytest_kernelfalcon.live.HEARTBEAT_S = 0.01\n"


class Terminal:
    """A terminal of that size with pytest running in it."""

    def __init__(
        self, example: Example, *arguments: str, columns: int = 110, rows: int = 12, **environment: str
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self.stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        self._size(columns, rows)
        example.write("kernelfalcon_loader.py", LOADER)
        example.write("fake.py", FAKE)
        path = os.pathsep.join([str(ROOT), str(example.path), os.environ.get("PYTHONPATH", "")])
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "kernelfalcon_loader",
            "-p",
            "no:hypothesispytest",
            "-p",
            "fake",
        ]
        script = f"--kernelfalcon-author=scripted/{example.path / 'script'}"
        self.process = subprocess.Popen(
            [*command, "--kernelfalcon", script, *arguments],
            cwd=example.path,
            env={**os.environ, "TERM": "xterm", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._size(columns, rows)

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display]

    def everything(self) -> list[str]:
        """What is on the screen and what was scrolled out of it."""
        old = ["".join(row[column].data for column in range(self.screen.columns)) for row in self.screen.history.top]
        return [line.rstrip() for line in old] + self.lines()

    def until(self, seen: Callable[[], object]) -> None:
        """Plays what pytest writes until that is seen."""
        deadline = time.monotonic() + 100
        while not seen():
            assert time.monotonic() < deadline, "\n".join(self.everything())
            if not select.select([self.master], [], [], 1)[0]:
                assert self.process.poll() is None, "\n".join(self.everything())
                continue
            try:
                self.stream.feed(os.read(self.master, 65536))
            except OSError:  # nobody has the other end any more
                raise AssertionError("\n".join(self.everything())) from None

    def end(self) -> int:
        """Plays the rest; the exit code."""
        try:
            while data := os.read(self.master, 65536):
                self.stream.feed(data)
        except OSError:
            pass
        return self.process.wait(timeout=60)

    def drawn(self) -> list[str]:
        """The live lines on the screen."""
        lines = self.lines()
        (start,) = [number for number, line in enumerate(lines) if line.startswith("kernelfalcon  ")] or (len(lines),)
        return lines[start : start + 2]


@pytest.fixture
def terminals(example: Example) -> Iterator[list[Terminal]]:
    """Those that a test opened: they are closed at its end."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()
        os.close(terminal.master)


@pytest.fixture
def slow(example: Example) -> None:
    """A problem with two rounds, and one that waits for the file `finished-now`."""
    example.problem("add.py")
    example.problem("slow.py", PROBLEM + "# inspect=waits\n")
    example.script(BAD, GOOD)


MODES = ["", "-q -s", "-v --color=no", "-v -n2 --dist=loadfile"]


@pytest.mark.parametrize("mode", MODES)
def test_of_two_lines_below_the_reporters_nothing_stays(
    example: Example, slow: None, terminals: list[Terminal], mode: str
) -> None:
    terminal = Terminal(example, "add.py", "slow.py", "--kernelfalcon-seeds=1", *mode.split())
    terminals.append(terminal)
    terminal.until(lambda: any(TOTAL in line for line in terminal.lines()))
    total, workers = terminal.drawn()
    assert re.fullmatch(re.escape(TOTAL) + r"\d+s", total)
    assert "slow " in workers
    assert terminal.lines()[terminal.screen.cursor.y + 1] == total, "the cursor stays on the reporter's line"
    example.write("finished-now", "")
    assert terminal.end() == 0
    everything = terminal.everything()
    assert not [line for line in everything if "problems ·" in line]
    assert not [line for line in everything if "seed[0]" in line and "judging" in line]
    assert any("4 passed, 2 won" in line for line in everything)


def test_a_narrower_terminal_cuts_the_lines(example: Example, slow: None, terminals: list[Terminal]) -> None:
    terminal = Terminal(example, "add.py", "slow.py", "--kernelfalcon-seeds=1")
    terminals.append(terminal)
    terminal.until(lambda: len(terminal.drawn()) == 2)
    terminal.resize(30, 12)
    terminal.until(lambda: terminal.drawn()[0].endswith("…"))
    assert all(len(line) < 30 for line in terminal.drawn())
    example.write("finished-now", "")
    assert terminal.end() == 0
    assert not [line for line in terminal.everything() if "problems ·" in line]


def test_an_interrupt_leaves_the_terminal_clean(example: Example, terminals: list[Terminal]) -> None:
    example.problem()
    example.script(BAD, candidate("hang"))
    terminal = Terminal(example, "add.py", "--kernelfalcon-seeds=1", columns=80)
    terminals.append(terminal)
    terminal.until(lambda: terminal.drawn()[1:] == ["  add seed[0] round 1"])
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == pytest.ExitCode.INTERRUPTED
    everything = terminal.everything()
    assert not [line for line in everything if "problems ·" in line]
    assert any("KeyboardInterrupt" in line for line in everything)


def test_what_tests_print_without_capture_is_not_mixed_up(
    example: Example, slow: None, terminals: list[Terminal]
) -> None:
    printing = "import time\n\n\ndef test_prints():\n    for number in range(30):\n        print(f'printed {number}')\n"
    example.write("test_prints.py", printing + "        time.sleep(0.03)\n")
    terminal = Terminal(example, "add.py", "test_prints.py", "-s", "--kernelfalcon-seeds=1")
    terminals.append(terminal)
    assert terminal.end() == 0
    printed = [line for line in terminal.everything() if "printed" in line]
    assert [line.removeprefix("test_prints.py ") for line in printed] == [f"printed {number}" for number in range(30)]


@pytest.mark.parametrize("mode", ["-p no:terminal", "TERM=dumb", "three rows", "ordinary"])
def test_no_lines_are_drawn_where_they_cannot_be_or_nothing_runs(
    example: Example, terminals: list[Terminal], mode: str
) -> None:
    example.problem()
    example.script(GOOD)
    example.write("test_other.py", "import time\n\n\ndef test_other():\n    time.sleep(0.6)\n")
    files = ["test_other.py"] if mode == "ordinary" else ["add.py", "test_other.py"]
    environment = {"TERM": "dumb"} if mode == "TERM=dumb" else {}
    rows = 3 if mode == "three rows" else 12
    terminal = Terminal(example, *files, *(mode.split() if mode[0] == "-" else []), rows=rows, **environment)
    terminals.append(terminal)
    raw = bytearray()
    feed, terminal.stream.feed = terminal.stream.feed, raw.extend  # type: ignore[method-assign]
    assert terminal.end() == 0
    feed(bytes(raw))
    assert b"\x1bD" not in raw
    assert "problems ·" not in "\n".join(terminal.everything())


def test_elsewhere_there_is_a_line_now_and_then(example: Example, slow: None) -> None:
    example.write("often.py", OFTEN)
    process = spawn(example, "-p", "often", "add.py", "slow.py", "--kernelfalcon-seeds=1")
    assert process.stdout is not None
    silent = threading.Timer(100, process.kill)
    silent.start()
    lines = iter(process.stdout.readline, "")
    heard = next((line for line in lines if line.startswith(TOTAL)), "")
    silent.cancel()
    assert re.fullmatch(re.escape(TOTAL) + r"\d+s \| slow seed\[0\] inspecting\n", heard)
    example.write("finished-now", "")
    rest = process.communicate()[0]
    assert process.returncode == 0, rest
    assert "\x1b" not in rest


def test_the_judge_tells_its_stages(real: Judge) -> None:
    told: list[object] = []
    control = Control(begun=lambda **facts: told.append(facts["stage"]))
    contract = real.inspect(Problem("add.py", PROBLEM), Control())
    assert real.judge(contract, KERNEL, "seed", control).ok
    assert told[:3] == ["parse", "trace", "compile"]
    assert "run" in told
    assert not any(one == two for one, two in itertools.pairwise(told))


def test_a_worker_that_died_is_not_told_of(example: Example, slow: None, terminals: list[Terminal]) -> None:
    example.problem("add.py", PROBLEM + "# inspect=waits\n")
    terminal = Terminal(example, "add.py", "slow.py", "--kernelfalcon-seeds=1", "-n2", "--dist=loadfile", "-v")
    terminals.append(terminal)
    terminal.until(lambda: re.search("gw0 .*gw1 ", "".join(terminal.drawn()[1:])))
    os.kill(min(children(terminal.process.pid)), signal.SIGKILL)
    terminal.until(lambda: "gw2 " in "".join(terminal.drawn()[1:]))
    assert "gw0 " not in terminal.drawn()[1]
    example.write("finished-now", "")
    assert terminal.end() == 0, "it died before its seed began: another worker finds the kernel"
    assert not [line for line in terminal.everything() if "problems ·" in line]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("as it is", 8, "as it is"),
        ("too long", 7, "too lo…"),
        ("a\x1b[31mb\r\n", 20, "a?[31mb??"),
        ("漢字漢字", 6, "漢字…"),
    ],
)
def test_a_line_is_cut_by_what_is_seen(text: str, columns: int, shown: str) -> None:
    assert fit(text, columns) == shown
