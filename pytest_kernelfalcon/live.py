"""What is seen of a run under way: two lines below the reporter's cursor on a terminal, now and then a line elsewhere.

Both go straight to the reporter's file: while an item runs, pytest captures what is written to standard output.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Generator
from typing import Any, TextIO

import pytest

from pytest_kernelfalcon import github
from pytest_kernelfalcon.progress import Progress
from pytest_kernelfalcon.screen import Shared, fit
from pytest_kernelfalcon.session import Session
from pytest_kernelfalcon.workers import is_worker

POLL_S = 0.25
HEARTBEAT_S = 30.0
LOG_WIDTH = 200
"""Characters of a heartbeat, at most."""
GONE = (errno.EIO, errno.EPIPE)
"""The terminal is closed, or nobody reads the pipe."""
TITLE, INDENT = "kernelfalcon  ", "  "


class Live:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.progress = Progress(session.run.events)
        self.display: Display | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtestloop"""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or is_worker(session.config) or session.config.option.collectonly:
            return (yield)
        self.display = Display(self.progress, reporter, session.config.option.capture)
        try:
            return (yield)
        finally:
            self.display.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended, or died over its item."""
        self.progress.forget(node.gateway.id)

    def pytest_enter_pdb(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_enter_pdb"""
        if self.display is not None:
            self.display.pause(True)

    def pytest_leave_pdb(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_leave_pdb"""
        if self.display is not None:
            self.display.pause(False)


class Display:
    """Shows the progress from a thread of its own until it is closed."""

    def __init__(self, progress: Progress, reporter: pytest.TerminalReporter, capture: str) -> None:
        self._progress, self._writer = progress, reporter._tw
        self._file: TextIO = self._writer._file
        self._shared = Shared(self._file, _is_screen(self._file, capture), self._writer.hasmarkup)
        self._writer._file = self._shared  # pytest offers no other way to share its line
        self._uncaptured = capture == "no" and self._shared.columns is not None
        if self._uncaptured:  # tests print to where the reporter does
            sys.stdout = self._shared
        self._paused, self._over = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name="kernelfalcon-live", daemon=True)
        self._thread.start()

    def pause(self, paused: bool) -> None:
        """Somebody else has the terminal."""
        self._paused = paused
        self._shared.show([])

    def close(self) -> None:
        """Leaves the terminal as it would be without these lines."""
        self._over.set()
        self._thread.join()
        self._shared.show([])
        self._shared.close_own()
        self._writer._file = self._file
        if self._uncaptured and sys.stdout is self._shared:
            sys.stdout = self._file

    def _run(self) -> None:
        due = time.monotonic() + HEARTBEAT_S
        while not self._over.wait(POLL_S):
            self._progress.read()
            if self._paused or not self._progress.begun:
                continue
            try:
                if (columns := self._shared.columns) is not None:
                    workers = self._workers(columns - len(INDENT) - 1)
                    self._shared.show([TITLE + self._progress.total(), INDENT + workers])
                elif time.monotonic() >= due:
                    due += HEARTBEAT_S
                    self._shared.say(github.guard(fit(self._heartbeat(), LOG_WIDTH)))
            except OSError as error:
                if error.errno not in GONE:
                    raise
                return  # pytest finds that out for itself

    def _workers(self, columns: int) -> str:
        """One line: as many workers as there is room for, and how many more there are."""
        doing = self._progress.workers(steps=False)
        if not doing:
            return "waiting for an item"
        some = [[*doing[:shown], f"+{len(doing) - shown} more"] for shown in range(len(doing) - 1, 0, -1)]
        lines = [" · ".join(parts) for parts in (self._progress.workers(), doing, *some)]
        return next((line for line in lines if len(line) <= columns), lines[-1])

    def _heartbeat(self) -> str:
        return f"{TITLE}{self._progress.total()} | {self._workers(LOG_WIDTH // 2)}"


def _is_screen(file: Any, capture: str) -> bool:
    """Whether lines can be drawn and erased there. Under `tee-sys` tests write to it behind our back."""
    return file.isatty() and os.environ.get("TERM", "dumb") != "dumb" and capture != "tee-sys"
