"""Files that cannot be written or read: one line that names the file and the reason, and no traceback. Workers that
lose their controller: they end.

A full disk ends the run as an error: nothing that it would find out could be kept. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from pytest_kernelfalcon.fixtures import NoAnswer
from pytest_kernelfalcon.judge import linux
from pytest_kernelfalcon.session import INHERITED, Session
from pytest_kernelfalcon.store import events, files

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""After these nothing can be written any more, whatever was to be."""
TOLD = ("set_aside", "left_out")
"""Events whose message is told once, at the end."""
ENDED = "kernelfalcon_unwritable"
"""What a worker leaves in its `workeroutput`: what it could not write."""


def end_with_controller(config: pytest.Config) -> None:
    """A worker on this machine ends at once when its controller does, however that ends.

    Of itself execnet would let it work on for some seconds, and into the same state as the next run.
    """
    offer = getattr(config, "workerinput", {}).get(INHERITED, {}).get("offer")
    if offer is None or os.getppid() != offer["pid"]:
        return
    linux.prctl(linux.PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != offer["pid"]:  # it has died since
        os._exit(1)


class Mishaps:
    """Registered under `--kernelfalcon` only. lines: to be shown at the end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lines: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_call

        Where the work of our items is done.
        """
        from pytest_kernelfalcon.collection import Step

        if not isinstance(item, Step):
            return (yield)
        try:
            return (yield)
        except OSError as error:
            if _is_full(error):
                self._end(item.session, error)
                raise NoAnswer(_told(error), pytrace=False) from None
            raise NoAnswer(f"{item.nodeid}: {error}", pytrace=False) from None
        except files.Unreadable as error:
            raise NoAnswer(f"{item.nodeid}: {error}", pytrace=False) from None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtestloop

        Where the run directory is made.
        """
        try:
            return (yield)
        except files.Unwritable as error:
            self._end(session, error)
            return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of pytest-xdist has ended."""
        text = getattr(node, "workeroutput", {}).get(ENDED)
        if text is not None:
            pytest.exit(text, returncode=pytest.ExitCode.INTERNAL_ERROR)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        Within the terminal's own wrapper, which has then something to show.
        """
        try:
            return (yield)
        except OSError as error:
            self.lines.append(_told(error))
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        for line in (*self.lines, *self._of_the_record()):
            terminalreporter.write_line(line)

    def _of_the_record(self) -> Iterator[str]:
        record = self.session.run.events
        told, damaged = events.scan(record)
        for number in damaged:
            yield f"kernelfalcon: {record}:{number}: not a whole event: it is left out of the report"
        for message in dict.fromkeys(event["message"] for event in told if event["event"] in TOLD):
            yield f"kernelfalcon: {message}"
        for event in told:
            if event["event"] == "differs":
                yield f"kernelfalcon: {_differs(event)}"

    def _end(self, session: pytest.Session, error: OSError) -> None:
        """Ends the run.

        A worker leaves that to the controller, as one that just left would take its items with it; so there this
        returns, and the caller ends what it does.
        """
        text = _told(error)
        if not hasattr(session.config, "workerinput"):
            pytest.exit(text, returncode=pytest.ExitCode.INTERNAL_ERROR)
        session.config.workeroutput[ENDED] = text  # type: ignore[attr-defined]
        session.shouldstop = text


def _differs(event: dict[str, Any]) -> str:
    place = f"{event['problem']}::{event['subgraph']} seed[{event['seed']}] round {event['round']}"
    then, now = (
        f"{outcome} ({cause})" if cause else outcome for outcome, cause in (event["recorded"], event["judged"])
    )
    return f"{place} was {then} when {event['author']} was recorded, and is {now}, which counts"


def _is_full(error: OSError) -> bool:
    return isinstance(error, files.Unwritable) or error.errno in FULL


def _told(error: OSError) -> str:
    return f"kernelfalcon: {error}. What was judged before is kept: the next run goes on from there."
