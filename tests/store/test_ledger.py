"""A budget is held by all workers together, and by what dead ones had reserved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger, Spent

WORKER = """
import sys
from pathlib import Path
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger, Spent

ledger = Ledger(Path(sys.argv[1]), Budget(100, "tokens"), lambda: None)
made = 0
try:
    while True:
        ledger.settle(ledger.reserve(Cost(3)), Cost(2))
        made += 1
except Spent:
    print(made)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def ledger(path: Path, budget: str | None) -> Ledger:
    return Ledger(path, Budget.parse(budget) if budget else None, lambda: None)


@pytest.mark.parametrize(
    ("text", "budget", "shown"),
    [
        ("$2.50", Budget(2.5, "dollars"), "$2.5"),
        ("3 dollars", Budget(3, "dollars"), "$3"),
        ("0.5$", Budget(0.5, "dollars"), "$0.5"),
        ("1200 tokens", Budget(1200, "tokens"), "1200 tokens"),
        ("200k tokens", Budget(200_000, "tokens"), "200000 tokens"),
        ("1.5Mtokens", Budget(1_500_000, "tokens"), "1500000 tokens"),
    ],
)
def test_a_budget_is_dollars_or_tokens(text: str, budget: Budget, shown: str) -> None:
    assert Budget.parse(text) == budget
    assert str(budget) == shown


@pytest.mark.parametrize("text", ["", "5", "5 euros", "$", "-1 tokens", "$0", "0 tokens"])
def test_any_other_budget_is_told_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"dollars as in `\$2.50`"):
        Budget.parse(text)


def test_a_call_is_made_only_where_it_fits_even_if_it_costs_the_most(path: Path) -> None:
    one = ledger(path, "100 tokens")
    first = one.reserve(Cost(60))
    with pytest.raises(Spent, match=r"the budget of 100 tokens is spent: 60 tokens.*may take 41 tokens"):
        one.reserve(Cost(41))
    one.settle(first, Cost(10))
    one.reserve(Cost(90))
    with pytest.raises(Spent):
        one.reserve(Cost(1))
    assert one.total() == Cost(100)


def test_what_a_dead_process_reserved_stays_counted(path: Path) -> None:
    ledger(path, "10 tokens").reserve(Cost(8))
    with pytest.raises(Spent):
        ledger(path, "10 tokens").reserve(Cost(3))


def test_a_torn_line_takes_no_other_with_it(path: Path) -> None:
    one = ledger(path, "10 tokens")
    one.reserve(Cost(4))
    with path.open("ab") as file:
        file.write(b'{"call": "abc", "tok')
    one.reserve(Cost(5))
    assert one.total() == Cost(9)


def test_dollars_need_prices(path: Path) -> None:
    one = ledger(path, "$1")
    one.settle(one.reserve(Cost(10, 0.6)), Cost(10, 0.5))
    with pytest.raises(ValueError, match="needs the price of every model"):
        one.reserve(Cost(10, None))
    with pytest.raises(Spent, match=r"10 tokens, \$0\.5"):
        one.reserve(Cost(10, 0.51))


def test_an_unknown_price_makes_an_unknown_sum(path: Path) -> None:
    one = ledger(path, None)
    one.settle(one.reserve(Cost(10, None)), Cost(5, None))
    one.settle(one.reserve(Cost(10, 0.6)), Cost(10, 0.5))
    assert one.total() == Cost(15, None)
    assert str(one.total()) == "15 tokens, unknown price"


def test_workers_share_a_budget(path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    made = sum(int(worker.communicate(timeout=60)[0]) for worker in workers)
    assert made == 49, "the last one to stop has nobody beside it: it makes calls as long as 3 more fit"
    assert ledger(path, None).total() == Cost(2 * made)


def test_waiting_for_the_ledger_ends_with_the_run(path: Path) -> None:
    one = Ledger(path, Budget(10, "tokens"), lambda: "the run was stopped" if os.path.exists(path.parent) else None)
    with files.try_lock(path.with_suffix(".lock")) as mine:
        assert mine
        with pytest.raises(Cancelled):
            one.reserve(Cost(1))
