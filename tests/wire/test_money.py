"""What calls cost, on every wire: held against a budget before, settled and told of after, however they end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.generator.author import NotReady
from pytest_kernelfalcon.generator.llm import metered
from pytest_kernelfalcon.generator.llm.estimates import TOKENS_PER_S, most_input
from pytest_kernelfalcon.generator.llm.metered import Metered
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.prices import Named, Price
from pytest_kernelfalcon.generator.llm.provider import Message
from pytest_kernelfalcon.store.ledger import Budget, Cost, Ledger, Spent
from tests.wire.asking import REQUEST, SPOKEN, STREAMING, provider
from tests.wire.server import WireServer, wire
from tests.wire.turns import Turn, failing

PRICE = Named(input=10, cached=1, written=20, output=100)
MOST = most_input(REQUEST) + 5000
"""Tokens that a call may take."""


@dataclass
class Purse:
    """Pays for calls, and keeps what is noted of them."""

    folder: Path
    budget: str | None = None
    price: Price | None = PRICE
    noted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "ledger.jsonl", Budget.parse(self.budget) if self.budget else None)

    def line(self, server: WireServer, name: str) -> Metered:
        return Metered(provider(name, server), f"any/{name}", self.ledger, self.price)

    def control(self, **more: Any) -> Control:
        return Control(noted=lambda kind, **facts: self.noted.append((kind, facts)), **more)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [facts for kind, facts in self.noted if kind == "call"]


@pytest.fixture
def purse(tmp_path: Path) -> Purse:
    return Purse(tmp_path)


@pytest.mark.parametrize("name", STREAMING)
def test_a_call_costs_what_the_server_counts(name: str, purse: Purse) -> None:
    with wire([Turn()]) as server:
        assert purse.line(server, name).ask(REQUEST, purse.control()).text == "hello"
    (call,) = purse.calls
    assert (call["tokens"]["input"], call["tokens"]["cached"]) == (100, 60)
    assert (call["tokens"]["output"], call["tokens"]["reasoning"]) == (20, 5)
    dollars = (40 * 10 + 60 * 1 + 20 * 100) / 1e6
    assert call["dollars"] == pytest.approx(dollars)
    assert (call["outcome"], call["estimated"], call["attempt"]) == ("answered", False, 0)
    assert (call["author"], call["model"]) == (f"any/{name}", "m-1")
    assert purse.ledger.total() == Cost(120, pytest.approx(dollars))


def test_an_unknown_price_is_none_and_never_nothing(purse: Purse) -> None:
    purse.price = None
    with wire([Turn()]) as server:
        purse.line(server, "chat").ask(REQUEST, purse.control())
    assert purse.calls[0]["dollars"] is None
    assert purse.ledger.total() == Cost(120, None)


def test_where_the_server_does_not_count_an_estimate_on_the_safe_side_is_told_as_one(purse: Purse) -> None:
    with wire([Turn(texts=("x" * 400,))]) as server:
        purse.line(server, "relay").ask(REQUEST, purse.control())
    (call,) = purse.calls
    assert call["estimated"]
    assert 100 < call["tokens"]["output"] <= 5000
    prompt = sum(len(message.text) for message in REQUEST.messages)
    assert prompt / 4 < call["tokens"]["input"] <= prompt
    assert call["dollars"] == pytest.approx((call["tokens"]["input"] * 20 + call["tokens"]["output"] * 100) / 1e6)


@pytest.mark.parametrize("name", SPOKEN)
def test_what_no_model_has_seen_costs_nothing(name: str, purse: Purse) -> None:
    with wire([failing(429), failing(500), failing(401)]) as server:
        line = purse.line(server, name)
        for _ in range(3):
            with pytest.raises(CallFailed):
                line.ask(REQUEST, purse.control())
    with pytest.raises(CallFailed):
        line.ask(REQUEST, purse.control())  # nobody is there any more
    assert purse.ledger.total() == Cost(0, 0.0)
    assert [call["outcome"] for call in purse.calls] == ["rate_limited", "server_error", "wrong_key", "unreachable"]
    assert [call["attempt"] for call in purse.calls] == [0, 1, 2, 3]
    assert not any(call["estimated"] for call in purse.calls)


@pytest.mark.parametrize("name", STREAMING)
def test_an_answer_that_is_cut_has_cost_its_prompt_and_what_came(name: str, purse: Purse) -> None:
    with wire([Turn(texts=("x" * 4000,), ending="cut")]) as server, pytest.raises(CallFailed):
        purse.line(server, name).ask(REQUEST, purse.control())
    (call,) = purse.calls
    assert (call["outcome"], call["estimated"]) == ("cut", True)
    assert call["tokens"]["input"] > 0
    assert 500 <= call["tokens"]["output"] <= 5000


@pytest.mark.parametrize("name", STREAMING)
def test_a_whole_answer_that_is_no_use_costs_what_the_server_counts(name: str, purse: Purse) -> None:
    with wire([Turn(ending="max_tokens"), Turn(texts=(" ",))]) as server:
        for _ in range(2):
            with pytest.raises(CallFailed):
                purse.line(server, name).ask(REQUEST, purse.control())
    assert [call["outcome"] for call in purse.calls] == ["cut_at_max_tokens", "empty"]
    assert [call["estimated"] for call in purse.calls] == [False, False]
    assert purse.ledger.total().tokens == 240


def test_a_cancelled_call_has_cost_by_its_time_and_leaves_the_rest_of_the_budget(purse: Purse) -> None:
    purse.budget = "1M tokens"
    request = replace(REQUEST, max_tokens=500_000)
    with wire([Turn(ending="endless")]) as server:
        thinking = threading.Event()
        threading.Timer(0.5, thinking.set).start()
        with pytest.raises(Cancelled):
            control = purse.control(cancelled=lambda: "a sibling won" if thinking.is_set() else None)
            purse.line(server, "messages").ask(request, control)
    (call,) = purse.calls
    assert (call["outcome"], call["estimated"]) == ("cancelled", True)
    assert call["tokens"]["output"] == pytest.approx(TOKENS_PER_S * call["seconds"], abs=2)
    assert purse.ledger.total().tokens == call["tokens"]["input"] + call["tokens"]["output"]


def test_a_call_past_its_deadline_is_settled_too(purse: Purse) -> None:
    with wire([Turn(mute=True)]) as server, pytest.raises(DeadlineExceeded):
        purse.line(server, "chat").ask(REQUEST, purse.control().within(0.2))
    assert purse.calls[0]["outcome"] == "cancelled"
    assert purse.ledger.total().tokens > 0


def asked_for(server: WireServer) -> list[int]:
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    return [request.body[name] for request in server.requests for name in names if name in request.body]


@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_may_be_as_long_as_the_budget_allows(name: str, purse: Purse) -> None:
    purse.budget = f"{most_input(REQUEST) + 3000} tokens"
    with wire([Turn()]) as server:
        purse.line(server, name).ask(REQUEST, purse.control())
    assert asked_for(server) == [3000]


def test_dollars_shorten_an_answer_as_tokens_do(purse: Purse) -> None:
    purse.budget = f"{(most_input(REQUEST) * 20 + 3000 * 100) / 1e6:.6f}usd"
    with wire([Turn()]) as server:
        purse.line(server, "chat").ask(REQUEST, purse.control())
    assert asked_for(server)[0] == pytest.approx(3000, abs=1)


def test_a_request_without_a_limit_gets_one_only_under_a_budget(purse: Purse) -> None:
    bare = replace(REQUEST, max_tokens=None)
    with wire([Turn(), Turn()]) as server:
        purse.line(server, "chat").ask(bare, purse.control())
        assert not asked_for(server)
        purse.budget = "1M tokens"
        purse.line(server, "chat").ask(bare, purse.control())
        assert len(asked_for(server)) == 1


def test_a_budget_without_room_sends_nothing_and_says_so(purse: Purse) -> None:
    purse.budget = f"{most_input(REQUEST) + 1000} tokens"
    with wire([Turn()]) as server:
        with pytest.raises(Spent, match="too small"):
            purse.line(server, "chat").ask(REQUEST, purse.control())
        assert not server.requests
    ((kind, facts),) = purse.noted
    assert kind == "spent"
    assert "too small" in facts["message"]


def test_the_prompt_counts_by_its_bytes(purse: Purse) -> None:
    purse.budget = "4000 tokens"
    wide = replace(REQUEST, messages=(Message("user", "\N{SNOWMAN}\ud800" * 700),))
    with wire([Turn()]) as server, pytest.raises(Spent):
        purse.line(server, "chat").ask(wide, purse.control())


def test_an_answer_that_the_budget_cut_ends_it_and_is_not_the_models_fault(purse: Purse) -> None:
    purse.budget = f"{most_input(REQUEST) + 3000} tokens"
    told = r"had 3,000 tokens left for an answer.*3,100 tokens"
    with wire([Turn(ending="max_tokens", tokens=(100, 0, 3000, 0))]) as server, pytest.raises(Spent, match=told):
        purse.line(server, "chat").ask(REQUEST, purse.control())
    assert [kind for kind, _ in purse.noted] == ["asked", "call", "spent"]


def test_an_answer_that_is_cut_within_the_budget_is_the_models(purse: Purse) -> None:
    purse.budget = "1M tokens"
    with wire([Turn(ending="max_tokens")]) as server, pytest.raises(CallFailed):
        purse.line(server, "chat").ask(REQUEST, purse.control())


def test_what_a_server_counts_beyond_what_was_allowed_counts(purse: Purse) -> None:
    purse.budget = f"{MOST} tokens"
    with wire([Turn(tokens=(100, 0, 90_000, 0)), Turn()]) as server:
        line = purse.line(server, "chat")
        line.ask(REQUEST, purse.control())
        with pytest.raises(Spent, match="90,100 tokens"):
            line.ask(REQUEST, purse.control())
        assert len(server.requests) == 1


def test_a_call_is_noted_with_all_that_it_may_cost_before_it_is_made(purse: Purse) -> None:
    purse.budget = f"{most_input(REQUEST) + 3000} tokens"
    with wire([Turn()]) as server:
        purse.line(server, "chat").ask(REQUEST, purse.control())
    (kind, asked), (_, call) = purse.noted
    assert (kind, asked["call"]) == ("asked", call["call"])
    assert asked["tokens"] == {"input": most_input(REQUEST), "output": 3000}
    assert asked["dollars"] == pytest.approx((most_input(REQUEST) * 20 + 3000 * 100) / 1e6)


@pytest.mark.parametrize("tokens", [10**400, -1, 10**10])
def test_numbers_that_no_call_can_have_are_none(purse: Purse, tokens: int) -> None:
    with wire([Turn(tokens=(tokens, 0, tokens, 0))]) as server:
        purse.line(server, "chat").ask(REQUEST, purse.control())
    assert purse.calls[0]["estimated"]
    assert purse.ledger.total().tokens < 10_000


def test_what_the_provider_knows_is_handed_through(purse: Purse) -> None:
    with wire([Turn(refuses=("temperature",))]) as server:
        line = purse.line(server, "chat")
        assert line.warmest("m-1") is not None
        line.ask(REQUEST, purse.control())
    assert (line.name, line.warmest("m-1"), line.left_out("m-1")) == ("openai", None, ("temperature",))


@pytest.mark.parametrize(
    ("budget", "price", "ready"),
    [("$1", None, False), ("$1", PRICE, True), ("5k tokens", None, True), (None, None, True)],
)
def test_dollars_need_the_price_of_every_model(budget: str | None, price: Price | None, ready: bool) -> None:
    held = Budget.parse(budget) if budget else None
    if ready:
        metered.check("openai/m-1", price, held)
        return
    with pytest.raises(NotReady, match=r"price of openai/m-1 is not known.*--kernelfalcon-prices=openai/m-1=1.25/10"):
        metered.check("openai/m-1", price, held)
