"""What a run has spent on models, over all its workers, held against its budget before each call.

    ledger.jsonl    one JSON object a line: a call's reservation, what it came to in the end

A call reserves the most that it can cost and is settled with what it did cost. What was reserved by a process that
died stays counted: a budget is never overspent, at worst not used up.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_kernelfalcon.store import files

FORMS = "dollars as in `$2.50`, or tokens as in `200000 tokens` or `200k tokens`"
_DOLLARS = re.compile(r"\$ ?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?) ?(?:\$|dollars?|usd)", re.IGNORECASE)
_TOKENS = re.compile(r"(\d+(?:\.\d+)?) ?([km]?) ?tokens?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


class Spent(Exception):
    """The budget has no room for another call; the text says how much is spent."""


@dataclass(frozen=True)
class Cost:
    """Of one call or of several. tokens: read and written. dollars: None where a price is not known."""

    tokens: int = 0
    dollars: float | None = 0.0

    def __add__(self, other: Cost) -> Cost:
        known = self.dollars is not None and other.dollars is not None
        return Cost(self.tokens + other.tokens, self.dollars + other.dollars if known else None)  # type: ignore[operator]

    def __str__(self) -> str:
        money = "unknown price" if self.dollars is None else f"${self.dollars:.4g}"
        return f"{self.tokens} tokens, {money}"


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
        if not amount:
            raise ValueError(f"more than nothing: {FORMS}")
        return cls(amount, unit)

    def __str__(self) -> str:
        return f"${self.amount:g}" if self.unit == "dollars" else f"{self.amount:.0f} tokens"

    def used(self, cost: Cost) -> float:
        """In its unit. Raises ValueError for dollars where a price is not known."""
        if self.unit == "tokens":
            return cost.tokens
        if cost.dollars is None:
            raise ValueError("a budget in dollars needs the price of every model")
        return cost.dollars


@dataclass(frozen=True)
class Ledger:
    """path: of a run's ledger, which its workers share. stopped: why waiting for it should stop, or None."""

    path: Path
    budget: Budget | None
    stopped: Callable[[], str | None]

    def reserve(self, most: Cost) -> str:
        """A ticket for one call, which may cost that much. Raises `Spent` where the budget has no room, `Cancelled`."""
        ticket = secrets.token_hex(8)
        with files.lock(self.path.with_suffix(".lock"), self.stopped):
            if self.budget is not None:
                before = self.total()
                if self.budget.used(before + most) > self.budget.amount:
                    raise Spent(f"the budget of {self.budget} is spent: {before}; the next call may take {most}")
            self._add(ticket, most)
        return ticket

    def settle(self, ticket: str, cost: Cost) -> None:
        """What the call did cost, instead of what was reserved for it; nothing for one that was never made."""
        self._add(ticket, cost)

    def total(self) -> Cost:
        """Of all calls, those under way with what is reserved for them."""
        return sum(self._calls().values(), Cost())

    def _calls(self) -> dict[str, Cost]:
        """By ticket, the last word on each. A line that a dying process left torn is none."""
        calls: dict[str, Cost] = {}
        for line in self.path.read_bytes().splitlines() if self.path.exists() else []:
            try:
                entry: dict[str, Any] = json.loads(line)
                calls[entry["call"]] = Cost(entry["tokens"], entry["dollars"])
            except (ValueError, KeyError, TypeError):
                continue
        return calls

    def _add(self, ticket: str, cost: Cost) -> None:
        """One write of one line, which begins one of its own even behind a torn one."""
        line = f"\n{json.dumps({'call': ticket, 'tokens': cost.tokens, 'dollars': cost.dollars})}\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
