"""What a model's tokens cost: as the user says, else as the package genai-prices lists it, else unknown.

Nothing is fetched: the list is the one that came with the package.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pytest_kernelfalcon.generator.llm.provider import Usage

FORM = (
    "dollars for a million tokens, as in `openai/my-model=1.25/10` for what is read and written, "
    "`openai/my-model=1.25/0.125/10` where what comes from a cache has a price, "
    "or `anthropic/my-model=3/0.3/3.75/15` where what goes into one has, too; several with commas between"
)
_NUMBER = re.compile(r"\d+(\.\d+)?")
LISTED = ("openai", "anthropic")
"""Providers whose address says whose prices are asked for. A relay may take any."""


class Price(Protocol):
    """Of one model."""

    def of(self, usage: Usage) -> float:
        """Dollars. What the server does not say was nothing."""
        ...


@dataclass(frozen=True)
class Named:
    """The user's own, in dollars for a million tokens. cached, written: of a prompt, from a cache and into one."""

    input: float
    cached: float
    written: float
    output: float

    @classmethod
    def parse(cls, text: str) -> Named:
        """Raises ValueError with what is expected."""
        parts = [part.strip() for part in text.split("/")]
        if not 2 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
            raise ValueError(FORM)
        read, *caches, output = map(float, parts)
        cached, written = (*caches, *[read] * (2 - len(caches)))
        return cls(read, cached, written, output)

    def of(self, usage: Usage) -> float:
        tokens = _consistent(usage)
        fresh = tokens.input - tokens.cached - tokens.written
        read = fresh * self.input + tokens.cached * self.cached + tokens.written * self.written
        return (read + tokens.output * self.output) / 1e6


@dataclass(frozen=True)
class Listed:
    """What genai-prices lists for the model of that name at the server of that address."""

    model: str
    url: str

    def of(self, usage: Usage) -> float:
        import genai_prices

        tokens = _consistent(usage)
        counted = genai_prices.Usage(
            input_tokens=tokens.input,
            cache_read_tokens=tokens.cached,
            cache_write_tokens=tokens.written,
            output_tokens=tokens.output,
        )
        return float(genai_prices.calc_price(counted, self.model, provider_api_url=self.url).total_price)

    @property
    def known(self) -> bool:
        """Whether the list has the model, with prices for what it reads and writes."""
        import genai_prices

        try:
            price = genai_prices.calc_price(genai_prices.Usage(), self.model, provider_api_url=self.url).model_price
        except LookupError:
            return False
        return price.input_mtok is not None and price.output_mtok is not None


@dataclass(frozen=True)
class _Tokens:
    input: int
    cached: int
    written: int
    output: int


def _consistent(usage: Usage) -> _Tokens:
    """A server may say that more came from a cache than was read at all."""
    read = usage.input or 0
    cached = min(usage.cached or 0, read)
    return _Tokens(read, cached, min(usage.written or 0, read - cached), usage.output or 0)


def parse(text: str) -> tuple[tuple[str, Named], ...]:
    """Prices by `provider/model`. Raises ValueError with what is expected."""
    prices: dict[str, Named] = {}
    for part in text.split(","):
        name, _, price = part.strip().rpartition("=")
        provider, _, model = name.partition("/")
        if not (provider and model):
            raise ValueError(FORM)
        if name in prices:
            raise ValueError(f"each model once: {FORM}")
        prices[name] = Named.parse(price)
    return tuple(prices.items())


def find(provider: str, model: str, url: str, named: Mapping[str, Named]) -> Price | None:
    """The price of a model at the server of that address; None where nobody knows it.

    A list of OpenAI's prices says nothing of another server that has a model of the same name.
    """
    if own := named.get(f"{provider}/{model}"):
        return own
    if provider not in LISTED or importlib.util.find_spec("genai_prices") is None:
        return None
    listed = Listed(model, url)
    return listed if listed.known else None


def dearest(price: Price | None, input: int, output: int) -> float | None:
    """Dollars for so many tokens, however caches take part in it."""
    if price is None:
        return None
    kinds = (Usage(input, output=output), Usage(input, output=output, written=input))
    return max(map(price.of, kinds))
