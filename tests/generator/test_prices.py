"""A price is the user's, or one that is listed for the server that is asked, or it is not known."""

from __future__ import annotations

import sys

import pytest

from pytest_kernelfalcon.generator.llm import prices
from pytest_kernelfalcon.generator.llm.prices import Named
from pytest_kernelfalcon.generator.llm.provider import Usage

OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com"
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("openai/m=1.25/10", Named(1.25, 1.25, 1.25, 10)),
        ("openai/m=1.25/0.125/10", Named(1.25, 0.125, 1.25, 10)),
        ("openai/m = 3 / 0.3 / 3.75 / 15", Named(3, 0.3, 3.75, 15)),
    ],
)
def test_a_price_is_two_to_four_numbers(text: str, price: Named) -> None:
    assert [found for _, found in prices.parse(text)] == [price]


def test_a_model_may_have_any_name() -> None:
    found = prices.parse("relay/org/model:8b=x=1/2, openai/ft:m::a=3/4")
    assert [name for name, _ in found] == ["relay/org/model:8b=x", "openai/ft:m::a"]


@pytest.mark.parametrize(
    "text",
    ["", "openai/m", "openai/m=1", "m=1/2", "openai/m=1/2/3/4/5", "openai/m=1/-2", "openai/m=1/nan", "openai/m=1/2,"],
)
def test_anything_else_is_told_what_a_price_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"dollars for a million tokens, as in `openai/my-model=1.25/10`"):
        prices.parse(text)


def test_a_model_has_one_price() -> None:
    with pytest.raises(ValueError, match="each model once"):
        prices.parse("openai/m=1/2,openai/m=1/3")


def test_what_a_cache_had_to_do_with_has_its_own_price() -> None:
    price = Named(input=10, cached=1, written=20, output=100)
    assert price.of(Usage(MILLION, cached=500_000, written=100_000, output=MILLION)) == 4 + 0.5 + 2 + 100
    assert price.of(Usage(MILLION, cached=5 * MILLION)) == 1, "no more can come from a cache than was read"
    assert price.of(Usage()) == 0


def test_the_list_knows_models_of_the_servers_it_lists() -> None:
    pytest.importorskip("genai_prices", reason="genai-prices is not installed: no price is listed")
    found = prices.find("openai", "gpt-5", OPENAI, {})
    assert found is not None
    assert found.of(Usage(MILLION, output=MILLION)) == 11.25
    assert found.of(Usage(MILLION, cached=MILLION)) == 0.125
    assert found.of(Usage(10, cached=20)) > 0
    longer = prices.find("anthropic", "claude-sonnet-4-5", ANTHROPIC, {})
    assert longer is not None
    assert longer.of(Usage(MILLION, written=MILLION)) > longer.of(Usage(MILLION)) > 3, "long prompts cost more"


@pytest.mark.parametrize(
    ("provider", "model", "url"),
    [
        ("openai", "m-1", OPENAI),
        ("openai", "gpt-5", "http://127.0.0.1:9/v1"),
        ("relay", "gpt-5", OPENAI),
        ("openai", "text-embedding-3-small", OPENAI),
        ("openai", "gpt-5", ""),
    ],
    ids=["unlisted", "another server", "a relay", "no price for answers", "no address"],
)
def test_what_is_not_listed_is_not_known(provider: str, model: str, url: str) -> None:
    assert prices.find(provider, model, url, {}) is None


def test_without_the_list_only_what_the_user_names_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    own = dict(prices.parse("openai/gpt-5=1/2"))
    assert prices.find("openai", "gpt-5", OPENAI, {}) is None
    assert prices.find("openai", "gpt-5", OPENAI, own) == Named(1, 1, 1, 2)


def test_the_dearest_is_what_no_cache_makes_dearer() -> None:
    assert prices.dearest(Named(10, 1, 20, 100), MILLION, MILLION) == 120
    assert prices.dearest(Named(10, 1, 5, 100), MILLION, MILLION) == 110
    assert prices.dearest(None, MILLION, MILLION) is None
