"""What pytest runs for our items: the work in a fixture, its end in the function.

The judge's own failures are raised in the fixture, so that pytest reports them as errors and not as failures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import Skipped  # pytest.skip.Exception, under a name that types can be made of

from pytest_kernelfalcon import github, workers
from pytest_kernelfalcon.judge.platforms import Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.session import Session

if TYPE_CHECKING:
    from pytest_kernelfalcon.synthesis import Ended

RESULT = "kernelfalcon_ended"
STATE = "kernelfalcon"
"""The user property of an item's report that holds how it ended."""


class Lost(Skipped):
    """A seed that ended without winning: no failure, since another may win."""

    __module__, __qualname__ = "builtins", "Skipped"  # pytest strips this name, and no other, from a shown reason


class Stopped(Skipped):
    """A seed that a winner made needless, or that was stopped with the run."""

    __module__, __qualname__ = "builtins", "Skipped"


def step(kernelfalcon_ended: Ended) -> None:
    """Ends the item as the work did."""
    ended = kernelfalcon_ended
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

    def seed(self, kernelfalcon_ended: Ended) -> None:
        step(kernelfalcon_ended)

    def accept(self, kernelfalcon_ended: Ended) -> None:
        step(kernelfalcon_ended)


class Fixtures:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.fixture(name=RESULT)
    def ended(self, request: pytest.FixtureRequest) -> Ended:
        """Does the item's work. `request.param` is the seed's number, where the item is a seed."""
        node, begun = request.node, time.monotonic()
        facts = {"problem": node.getparent(pytest.Module).nodeid, "item": node.nodeid}
        self.session.events.add("begin", **facts)
        try:
            ended: Ended = node.work(getattr(request, "param", None))
        except JudgeError as error:
            self.session.events.add("judge_error", **facts, message=str(error))
            text = github.guard(f"{node.nodeid}: the judge failed, which says nothing about a kernel: {error}")
            raise pytest.fail.Exception(text, pytrace=False) from None
        except Unavailable as error:  # found out only when the judge's processes start
            workers.give_up(request.session, str(error))
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        finally:
            self.session.events.add("item", **facts, seconds=time.monotonic() - begun)
        node.user_properties += [(STATE, ended.state), *_properties(node, facts["problem"], ended)]
        return replace(ended, text=github.guard(ended.text))


def _properties(node: Any, problem: str, ended: Ended) -> Iterator[tuple[str, object]]:
    """What other plugins learn of an item: a JUnit file has them as properties of the test case."""
    subgraph = node.getparent(pytest.Class)
    place = {"problem": problem, "subgraph": subgraph and subgraph.name, "seed": getattr(node, "callspec", None)}
    if place["seed"] is not None:
        place["seed"] = place["seed"].params[RESULT]
    for name, value in {**place, **ended.facts}.items():
        if value is not None:
            yield f"{STATE}.{name}", value
