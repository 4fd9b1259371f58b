"""A budget is held by all workers together, and by what dead ones had reserved."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.ledger import POLL_S, Budget, Cost, Ledger, Spent

WORKER = """
import sys
from pathlib import Path
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger, Spent

ledger = Ledger(Path(sys.argv[1]), Budget(100, "tokens"))
made = 0
try:
    while True:
        with ledger.reserved(Cost(3), Cost(int(sys.argv[2])), Control()) as mine:
            mine.settle(Cost(2))
        made += 1
except Spent:
    print(made)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def ledger(path: Path, budget: str | None) -> Ledger:
    return Ledger(path, Budget.parse(budget) if budget else None)


def spend(one: Ledger, most: Cost, cost: Cost) -> None:
    with one.reserved(most, most, Control()) as mine:
        mine.settle(cost)


@pytest.mark.parametrize(
    ("text", "budget", "shown"),
    [
        ("$2.50", Budget(2.5, "dollars"), "$2.5"),
        ("2.50usd", Budget(2.5, "dollars"), "$2.5"),
        ("3 dollars", Budget(3, "dollars"), "$3"),
        ("0.5$", Budget(0.5, "dollars"), "$0.5"),
        ("1200 tokens", Budget(1200, "tokens"), "1,200 tokens"),
        ("200k tokens", Budget(200_000, "tokens"), "200,000 tokens"),
        ("1.5Mtokens", Budget(1_500_000, "tokens"), "1,500,000 tokens"),
    ],
)
def test_a_budget_is_dollars_or_tokens(text: str, budget: Budget, shown: str) -> None:
    assert Budget.parse(text) == budget
    assert str(budget) == shown
    assert Budget.parse(budget.option) == budget


@pytest.mark.parametrize("text", ["", "5", "5 euros", "$", "-1 tokens", "$0", "0 tokens", "9" * 400 + "usd"])
def test_any_other_budget_is_told_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"dollars as in `\$2.50`"):
        Budget.parse(text)


def test_a_call_is_made_only_where_it_fits_even_if_it_costs_the_most(path: Path) -> None:
    one = ledger(path, "100 tokens")
    spend(one, Cost(60), Cost(60))
    with pytest.raises(Spent, match=r"the budget of 100 tokens is spent: 60 tokens.*may take 41 tokens"):
        spend(one, Cost(41), Cost(1))
    spend(one, Cost(40), Cost(10))
    spend(one, Cost(30), Cost(30))
    with pytest.raises(Spent):
        spend(one, Cost(1), Cost(1))
    assert one.total() == Cost(100)


def test_a_budget_that_no_call_fits_says_so(path: Path) -> None:
    with pytest.raises(Spent, match="the budget of 100 tokens is too small: the first call may take 101 tokens"):
        spend(ledger(path, "100 tokens"), Cost(101), Cost(0))


def test_a_call_gets_less_where_the_budget_has_less_left(path: Path) -> None:
    one = ledger(path, "100 tokens")
    with one.reserved(Cost(10), Cost(70), Control()) as first, one.reserved(Cost(10), Cost(70), Control()) as second:
        assert (first.granted, second.granted) == (Cost(70), Cost(30))


def test_less_is_less_of_both_units(path: Path) -> None:
    with ledger(path, "$1").reserved(Cost(100, 0.5), Cost(200, 1.5), Control()) as mine:
        assert mine.granted == Cost(150, 1.0)


def test_a_call_that_ends_without_a_word_has_cost_all_that_it_was_granted(path: Path) -> None:
    one = ledger(path, "10 tokens")
    with pytest.raises(ZeroDivisionError), one.reserved(Cost(8), Cost(8), Control()):
        raise ZeroDivisionError
    with pytest.raises(Spent):
        spend(one, Cost(3), Cost(3))


DYING = """
import os, sys
from pathlib import Path
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger

with Ledger(Path(sys.argv[1]), Budget(10, "tokens")).reserved(Cost(8), Cost(8), Control()):
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_reserved_stays_counted_and_is_not_waited_for(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", DYING, str(path)]).returncode == -9
    with pytest.raises(Spent):
        spend(ledger(path, "10 tokens"), Cost(3), Cost(3))
    spend(ledger(path, "10 tokens"), Cost(2), Cost(2))


def test_calls_under_way_are_waited_for(path: Path) -> None:
    one = ledger(path, "100 tokens")
    granted: list[Cost] = []

    def wait() -> None:
        with one.reserved(Cost(50), Cost(80), Control()) as mine:
            granted.append(mine.granted)

    with one.reserved(Cost(90), Cost(90), Control()) as first:
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(3 * POLL_S)
        assert not granted
        first.settle(Cost(30))
    waiting.join(60)
    assert granted == [Cost(70)]


def test_waiting_for_calls_ends_with_the_control(path: Path) -> None:
    one = ledger(path, "10 tokens")
    with one.reserved(Cost(8), Cost(8), Control()):
        with pytest.raises(Cancelled), one.reserved(Cost(8), Cost(8), Control(cancelled=lambda: "a sibling won")):
            pytest.fail("there is no room")
        with pytest.raises(DeadlineExceeded), one.reserved(Cost(8), Cost(8), Control(deadline=0.0)):
            pytest.fail("there is no room")


def test_a_torn_line_takes_no_other_with_it(path: Path) -> None:
    one = ledger(path, "10 tokens")
    spend(one, Cost(4), Cost(4))
    with path.open("ab") as file:
        file.write(b'{"call": "abc", "tok')
    spend(one, Cost(5), Cost(5))
    assert one.total() == Cost(9)


def test_dollars_need_prices(path: Path) -> None:
    one = ledger(path, "$1")
    spend(one, Cost(10, 0.6), Cost(10, 0.5))
    with pytest.raises(ValueError, match="needs the price of every model"):
        spend(one, Cost(10, None), Cost(10, None))
    with pytest.raises(Spent, match=r"the budget of \$1 is spent: 10 tokens \(\$0\.5\).*may take \$0\.51"):
        spend(one, Cost(10, 0.51), Cost(10, 0.51))


def test_an_unknown_price_makes_an_unknown_sum(path: Path) -> None:
    one = ledger(path, None)
    spend(one, Cost(10, None), Cost(5, None))
    spend(one, Cost(10, 0.6), Cost(10, 0.5))
    assert one.total() == Cost(15, None)
    assert str(one.total()) == "15 tokens (price unknown)"


@pytest.mark.parametrize("most", [3, 90])
def test_workers_share_a_budget_and_use_it_up(path: Path, most: int) -> None:
    command = [sys.executable, "-c", WORKER, str(path), str(most)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    made = sum(int(worker.communicate(timeout=60)[0]) for worker in workers)
    assert made == 49, "who finds no room waits for the others: calls are made as long as 3 more fit"
    assert ledger(path, None).total() == Cost(2 * made)


def test_waiting_for_the_ledger_ends_with_the_run(path: Path) -> None:
    with files.try_lock(path.with_suffix(".lock")) as mine:
        assert mine
        with pytest.raises(Cancelled):
            spend_stopped = Control(cancelled=lambda: "the run was stopped")
            with ledger(path, "10 tokens").reserved(Cost(1), Cost(1), spend_stopped):
                pytest.fail("the ledger is locked")
