"""What pytest runs for our items: a fixture hands the function its work.

The work is done in the call, so that `--durations` and `--setup-plan` mean what they do for tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import Failed, Skipped  # pytest.fail.Exception and pytest.skip.Exception, as types

from pytest_kernelfalcon import github, spending, workers
from pytest_kernelfalcon.generator.author import Diverged
from pytest_kernelfalcon.judge.platforms import Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.session import Session
from pytest_kernelfalcon.store.rundir import RunDir

if TYPE_CHECKING:
    from pytest_kernelfalcon.synthesis import Ended

WORK = "kernelfalcon_work"
STATE = "kernelfalcon"
"""The user property of an item's report that holds how it ended."""


LED_BACK = "undo what changed it (a template, a kept kernel that was its example, our code), or record the search anew"
"""What to do about a replay that does not go as it was recorded."""


class Lost(Skipped):
    """A seed that ended without winning: no failure, since another may win."""

    __module__, __qualname__ = "builtins", "Skipped"  # pytest strips this name, and no other, from a shown reason


class Stopped(Skipped):
    """A seed that a winner made needless, or that was stopped with the run."""

    __module__, __qualname__ = "builtins", "Skipped"


class NoAnswer(Failed):
    """The judge failed or was not asked: nothing is known about the item."""

    __module__, __qualname__ = "builtins", "Failed"  # what pytest's short summary shows


def step(kernelfalcon_work: Callable[[], Ended]) -> None:
    """Does the item's work and ends as it did."""
    ended = kernelfalcon_work()
    match ended.state:
        case "failed":
            pytest.fail(ended.text, pytrace=False)
        case "skipped":
            raise Skipped(ended.text, _use_item_location=True)
        case "lost":
            raise Lost(ended.text, _use_item_location=True)
        case "cancelled":
            raise Stopped(ended.text, _use_item_location=True)


class SubgraphSteps:
    """The functions of a subgraph's items."""

    def seed(self, kernelfalcon_work: Callable[[], Ended]) -> None:
        step(kernelfalcon_work)

    def accept(self, kernelfalcon_work: Callable[[], Ended]) -> None:
        step(kernelfalcon_work)


class Fixtures:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.fixture(name=WORK)
    def work(self, request: pytest.FixtureRequest) -> Callable[[], Ended]:
        """Does the item's work when called. `request.param` is the seed's number, where the item is a seed."""
        return partial(self._do, request.node, getattr(request, "param", None))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_makereport

        To pytest, what fails outside of the call is an error, and no failure.
        """
        report = yield
        if call.excinfo is not None and call.excinfo.errisinstance(NoAnswer):
            report.when = "setup"
        return report

    def _do(self, node: Any, number: int | None) -> Ended:
        begun = time.monotonic()
        facts = {"problem": node.getparent(pytest.Module).nodeid, "item": node.nodeid}
        self.session.events.add("begin", **facts)
        try:
            ended: Ended = node.work(number)
        except JudgeError as error:
            self.session.events.add("judge_error", **facts, message=str(error))
            text = github.guard(f"{node.nodeid}: the judge failed, which says nothing about a kernel: {error}")
            raise NoAnswer(text, pytrace=False) from None
        except Diverged as error:
            self.session.events.add("diverged", **facts, message=str(error))
            raise NoAnswer(github.guard(f"{node.nodeid}: {error}\nFix: {LED_BACK}."), pytrace=False) from None
        except Unavailable as error:  # found out only when the judge's processes start
            workers.give_up(node.session, str(error))
            raise NoAnswer(str(error), pytrace=False) from None
        finally:
            self.session.events.add("item", **facts, seconds=time.monotonic() - begun)
        node.user_properties += [(STATE, ended.state), *_properties(node, facts["problem"], ended, self.session.run)]
        return replace(ended, text=github.guard(ended.text))


def _properties(node: Any, problem: str, ended: Ended, run: RunDir) -> Iterator[tuple[str, object]]:
    """What other plugins learn of an item: a JUnit file has them as properties of the test case."""
    subgraph = node.getparent(pytest.Class)
    parameters = node.callspec.params if hasattr(node, "callspec") else {}
    place = {"problem": problem, "subgraph": subgraph and subgraph.name, "seed": parameters.get(WORK)}
    for name, value in {**place, **ended.facts, **dict(spending.properties(spending.of(run, **place)))}.items():
        if value is not None:
            yield f"{STATE}.{name}", value
