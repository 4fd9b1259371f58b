"""The pytest plugin. An ordinary pytest run pays for the options' declaration and nothing else.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_kernelfalcon import options, running

if TYPE_CHECKING:
    from pytest_kernelfalcon.judge.verdict import Verdict
    from pytest_kernelfalcon.session import Session

MARKER = (
    "kernelfalcon(problem, gate): the fixture `assert_kernel` holds kernels against that problem file; "
    "the path is relative to the test's file or to the root directory"
)


@pytest.fixture
def assert_kernel(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Holds a Triton wrapper against a PyTorch callable: `assert_kernel(kernel, reference, inputs)`.

    With the marker `kernelfalcon(problem=…)` against that problem: `assert_kernel(kernel)`.
    """
    from pytest_kernelfalcon.asserting import api

    return api.bound(request)


def pytest_addoption(parser: pytest.Parser) -> None:
    """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_addoption"""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_configure

    Everything else is registered here, as objects: fixtures and hooks of a module would leak into every run.
    """
    running.enter(config)
    config.addinivalue_line("markers", MARKER)
    if not config.getoption("kernelfalcon"):
        return
    from pytest_kernelfalcon import (
        collection,
        differences,
        fixtures,
        idle,
        junit,
        lastfailed,
        live,
        losses,
        markers,
        mishaps,
        outcomes,
        packages,
        reporting,
        selection,
        workers,
    )
    from pytest_kernelfalcon import session as run_time

    markers.register(config)
    mishaps.end_with_controller(config)
    session = run_time.open_session(config)
    config.stash[run_time.SESSION] = session
    parts = (
        Lifecycle(session, workers.is_worker(config)),
        workers.Workers(session),
        idle.Idling(),
        losses.Losses(),
        collection.Collection(session),
        packages.Packages(),
        selection.Selection(session),
        fixtures.Fixtures(session),
        outcomes.Outcomes(),
        lastfailed.LastFailed(config, session.run),
        reporting.Reporting(session),
        live.Live(session),
        junit.JUnit(session),
        mishaps.Mishaps(session),
        differences.Differences(session),
    )
    for part in parts:
        config.pluginmanager.register(part, f"kernelfalcon-{type(part).__name__.lower()}")


class Lifecycle:
    """Stops and closes a run. shared: this process is one of several workers, which may end before the others."""

    def __init__(self, session: Session, shared: bool) -> None:
        self.session, self.shared = session, shared

    def pytest_keyboard_interrupt(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_keyboard_interrupt"""
        self.session.run.stop()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        First of all: pytest-xdist waits here for its workers, whose work should stop.
        """
        if not self.shared:
            self.session.run.stop()

    def pytest_unconfigure(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_unconfigure"""
        self.session.close()
