"""A provider whose calls are paid for: room in the run's budget before each, what it did cost after it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import NotReady
from pytest_kernelfalcon.generator.llm import estimates, prices
from pytest_kernelfalcon.generator.llm.estimates import Taken
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.prices import Price
from pytest_kernelfalcon.generator.llm.provider import Answer, Around, Request
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger, Reserved, Spent

LEAST_ANSWER = 2_048
"""Tokens: a call that may answer with fewer is hardly worth its prompt."""


def check(author: str, price: Price | None, budget: Budget | None) -> None:
    """Raises `NotReady` where a budget in dollars meets a model whose price nobody knows."""
    if price is not None or budget is None or budget.unit == "tokens":
        return
    raise NotReady(
        f"--kernelfalcon-budget is {budget}, and the price of {author} is not known. Fix: name it, in dollars for a "
        f"million tokens read and written, as in `--kernelfalcon-prices={author}=1.25/10`, or give the budget in "
        f"tokens, as in `--kernelfalcon-budget=200ktokens`."
    )


@dataclass
class Metered(Around):
    """A `Provider`. author: as the user names it. price: of its model. calls: how many it has made."""

    author: str
    ledger: Ledger
    price: Price | None
    calls: int = 0

    def ask(self, request: Request, control: Control) -> Answer:
        """See `Provider`. The answer may be as long as the budget allows. Raises `Spent` where that is too short."""
        try:
            with self.ledger.reserved(*self._bounds(request), control) as mine:
                return self._ask(request, mine, control)
        except Spent as spent:
            control.noted("spent", author=self.author, message=str(spent))
            raise

    def _bounds(self, request: Request) -> tuple[Cost, Cost]:
        """What the call may cost with the shortest answer that is worth it, and with the longest."""
        longest, read = _longest(request), estimates.most_input(request)
        least, most = (
            Cost(read + wrote, prices.dearest(self.price, read, wrote))
            for wrote in (min(LEAST_ANSWER, longest), longest)
        )
        return least, most

    def _ask(self, request: Request, mine: Reserved, control: Control) -> Answer:
        if self.ledger.budget is None:
            return self._call(request, mine, control)
        allowed = mine.granted.tokens - estimates.most_input(request)
        try:
            return self._call(replace(request, max_tokens=allowed), mine, control)
        except CallFailed as failed:
            if failed.outcome != CallOutcome.CUT_AT_MAX_TOKENS or allowed >= _longest(request):
                raise
            left = f"the budget of {self.ledger.budget} had {allowed:,} tokens left for an answer, which needs more"
            raise Spent(f"{left}: {self.ledger.total()}") from failed

    def _call(self, request: Request, mine: Reserved, control: Control) -> Answer:
        """What is noted first is all that is known of a call whose process is killed."""
        facts = {"call": mine.ticket, "author": self.author, "model": request.model, "attempt": self.calls}
        self.calls += 1
        read = estimates.most_input(request)
        most = {"input": read, "output": mine.granted.tokens - read}
        control.noted("asked", **facts, tokens=most, dollars=mine.granted.dollars)
        begun = time.monotonic()
        try:
            result: Answer | BaseException = self.provider.ask(request, control)
        except BaseException as error:
            result = error
        seconds = time.monotonic() - begun
        taken = estimates.taken(request, result, seconds)
        dollars = self._dollars(taken)
        mine.settle(Cost(taken.tokens, dollars))
        cost = {"tokens": asdict(taken.usage), "dollars": dollars, "estimated": taken.estimated}
        control.noted("call", **facts, outcome=_outcome(result), seconds=round(seconds, 3), **cost)
        if isinstance(result, Answer):
            return result
        raise result

    def _dollars(self, taken: Taken) -> float | None:
        """Of what is estimated nobody knows what caches had to do with it."""
        usage = taken.usage
        if taken.estimated and usage.cached is None and usage.written is None:
            return prices.dearest(self.price, usage.input or 0, usage.output or 0)
        return None if self.price is None else self.price.of(usage)


def _longest(request: Request) -> int:
    return request.max_tokens or estimates.LONGEST_ANSWER


def _outcome(result: Answer | BaseException) -> str:
    if isinstance(result, Answer):
        return "answered"
    return str(result.outcome) if isinstance(result, CallFailed) else "cancelled"
