"""The hidden item of pytest-xdist's workers, which our scheduler sends behind each real one (see scheduler.py).

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import pytest

from pytest_kernelfalcon.session import INHERITED

IDLES = "idles"
"""Of what a worker inherits: whether our scheduler serves the run."""
NAME = "kernelfalcon-end-of-worker"
NODE_ID = f"::{NAME}"
"""Seen only where what the session's fixtures do at the worker's end fails."""


class Idle(pytest.Item):
    """Does nothing. A worker that has only this one waits."""

    def runtest(self) -> None: ...


class Idling:
    """The hooks of a worker that our scheduler serves; elsewhere they do nothing."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collection_finish

        Not earlier: `--lf` and `-k` would deselect it. It is the last, so that real items have the same places.
        """
        inherited = getattr(session.config, "workerinput", {}).get(INHERITED, {})
        if inherited.get(IDLES) and session.items:
            session.items.append(Idle.from_parent(session, name=NAME))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_protocol"""
        if not isinstance(item, Idle):
            return None
        if nextitem is None:
            _end(item)
        return True


def _end(item: Idle) -> None:
    """The worker ends: the session's fixtures end here, where a failure of theirs can still be reported."""
    call = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(None), "teardown")
    if call.excinfo is not None:
        item.ihook.pytest_runtest_logreport(report=pytest.TestReport.from_item_and_call(item, call))
