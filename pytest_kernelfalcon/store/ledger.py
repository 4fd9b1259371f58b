"""What a run has spent on models, over all its workers, held against its budget before each call.

    ledger.jsonl    one JSON object a line: what a call may cost, and what it came to in the end
    calls/<ticket>  locked by the process that makes the call, for as long as it does

A call reserves what it may cost at most and is settled with what it did cost. Where a budget has less left than that,
a call may get less. What was reserved by a process that died stays counted, as nobody knows better: a budget is never
overspent, at worst not used up.
"""

from __future__ import annotations

import json
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.store import files

FORMS = "dollars as in `$2.50` (in quotes, for a shell) or `2.50usd`, or tokens as in `200000 tokens` or `200ktokens`"
POLL_S = 0.1
_DOLLARS = re.compile(r"\$ ?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?) ?(?:\$|dollars?|usd)", re.IGNORECASE)
_TOKENS = re.compile(r"(\d+(?:\.\d+)?) ?([km]?) ?tokens?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


class Spent(Exception):
    """The budget has no room for another call; the text names it, what is spent, and what a call takes."""


@dataclass(frozen=True)
class Cost:
    """Of one call or of several. tokens: read and written. dollars: None where a price is not known."""

    tokens: int = 0
    dollars: float | None = 0.0

    def __add__(self, other: Cost) -> Cost:
        known = self.dollars is not None and other.dollars is not None
        return Cost(self.tokens + other.tokens, self.dollars + other.dollars if known else None)  # type: ignore[operator]

    def __str__(self) -> str:
        money = "price unknown" if self.dollars is None else f"${self.dollars:.4g}"
        return f"{self.tokens:,} tokens ({money})"

    def towards(self, most: Cost, share: float) -> Cost:
        """What lies between this and more, in whole tokens. share: 0 for this, 1 for all of the other."""
        tokens = self.tokens + math.floor(share * (most.tokens - self.tokens) + 1e-6)  # 2999.9999 are 3000
        if self.dollars is None or most.dollars is None:
            return Cost(tokens, None)
        return Cost(tokens, self.dollars + share * (most.dollars - self.dollars))


@dataclass(frozen=True)
class Budget:
    """What a run may spend in all."""

    amount: float
    unit: Literal["dollars", "tokens"]

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Raises ValueError with what is expected."""
        if found := _DOLLARS.fullmatch(text.strip()):
            amount = float(found[1] or found[2])
            unit: Literal["dollars", "tokens"] = "dollars"
        elif found := _TOKENS.fullmatch(text.strip()):
            amount, unit = float(found[1]) * _FACTORS[found[2].lower()], "tokens"
        else:
            raise ValueError(FORMS)
        if not 0 < amount < math.inf:
            raise ValueError(f"more than nothing: {FORMS}")
        return cls(amount, unit)

    def __str__(self) -> str:
        return f"${self._dollars}" if self.unit == "dollars" else f"{self.amount:,.0f} tokens"

    def times(self, factor: float) -> Budget:
        return Budget(self.amount * factor, self.unit)

    @property
    def option(self) -> str:
        """As one would type it, without what a shell takes for its own."""
        return f"{self._dollars}usd" if self.unit == "dollars" else f"{self.amount:.0f}tokens"

    @property
    def _dollars(self) -> str:
        return f"{self.amount:f}".rstrip("0").rstrip(".")

    def used(self, cost: Cost) -> float:
        """In its unit. Raises ValueError for dollars where a price is not known."""
        if self.unit == "tokens":
            return cost.tokens
        if cost.dollars is None:
            raise ValueError("a budget in dollars needs the price of every model")
        return cost.dollars


@dataclass(frozen=True)
class Reserved:
    """One call's part of the budget: `granted` at most, until `settle` says what it did cost. ticket: its own."""

    ticket: str
    granted: Cost
    settle: Callable[[Cost], None]


@dataclass(frozen=True)
class Ledger:
    """path: of a run's ledger, which its workers share."""

    path: Path
    budget: Budget | None

    @contextmanager
    def reserved(self, least: Cost, most: Cost, control: Control) -> Iterator[Reserved]:
        """Room for one call, while it is made: for the most that it can cost, or for less, but never below the least.

        Waits where there may be room once other calls are settled. What is not settled is taken to have cost all that
        was granted. Raises `Spent` where the budget has no room, and what `control.check()` does.
        """
        ticket = secrets.token_hex(8)
        with files.try_lock(self._holder(ticket)):
            try:
                granted = self._reserve(ticket, least, most, control)
                yield Reserved(ticket, granted, partial(self._settle, ticket))
            finally:
                self._holder(ticket).unlink()

    def total(self) -> Cost:
        """Of all calls, those under way with what is reserved for them."""
        spent, under_way = self._sums()
        return spent + under_way

    def _reserve(self, ticket: str, least: Cost, most: Cost, control: Control) -> Cost:
        while True:
            with files.lock(self.path.with_suffix(".lock"), control.cancelled):
                granted = self._granted(*self._sums(), least, most)
                if granted is not None:
                    self._add(ticket, granted, settled=False)
                    return granted
            control.check()
            time.sleep(POLL_S)

    def _settle(self, ticket: str, cost: Cost) -> None:
        """Locked, so that nobody reads that the call is not settled and then finds that nobody makes it."""
        with files.lock(self.path.with_suffix(".lock"), lambda: None):
            self._add(ticket, cost, settled=True)

    def _granted(self, spent: Cost, under_way: Cost, least: Cost, most: Cost) -> Cost | None:
        """None where calls under way are in the way."""
        budget = self.budget
        if budget is None:
            return most
        low, high = budget.used(least), budget.used(most)
        left = budget.amount - budget.used(spent)
        if low > left:
            state = f"is spent: {spent}; another" if spent.tokens else "is too small: the first"
            raise Spent(f"the budget of {budget} {state} call may take {Budget(low, budget.unit)}")
        left -= budget.used(under_way)
        if low > left:
            return None
        return most if high <= left else least.towards(most, (left - low) / (high - low))

    def _sums(self) -> tuple[Cost, Cost]:
        """Of the calls that are over, and of those under way, whose lock a living process holds."""
        over, under_way = Cost(), Cost()
        for ticket, (cost, settled) in self._calls().items():
            if settled or not files.held(self._holder(ticket)):
                over += cost
            else:
                under_way += cost
        return over, under_way

    def _calls(self) -> dict[str, tuple[Cost, bool]]:
        """By ticket, the last word on each, and whether it is settled. A line that was left torn is none."""
        calls: dict[str, tuple[Cost, bool]] = {}
        for line in self.path.read_bytes().splitlines() if self.path.exists() else []:
            try:
                entry: dict[str, Any] = json.loads(line)
                calls[entry["call"]] = Cost(entry["tokens"], entry["dollars"]), entry["settled"]
            except (ValueError, KeyError, TypeError):
                continue
        return calls

    def _add(self, ticket: str, cost: Cost, *, settled: bool) -> None:
        """One line, which begins one of its own even behind a torn one."""
        entry = {"call": ticket, "tokens": cost.tokens, "dollars": cost.dollars, "settled": settled}
        files.append(self.path, f"\n{json.dumps(entry)}\n".encode())

    def _holder(self, ticket: str) -> Path:
        return self.path.parent / "calls" / ticket
