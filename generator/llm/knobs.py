"""What a model takes is learnt from its server: a parameter that it refuses is left out from then on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Provider

COOLEST, STEP = 0.8, 0.1

TOKENS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
ALIASES = {
    "reasoning": ("reasoning", "effort"),
    "reasoning_effort": ("reasoning_effort", "reasoning", "effort"),
    "output_config": ("output_config", "effort"),
    "thinking": ("thinking",),
    "stream_options": ("stream_options", "include_usage"),
}
"""Other words by which servers name a parameter."""


def diversity(seed: int, provider: Provider, model: str) -> float | None:
    """The temperature of a seed: 0.8, 0.9, 1.0, … up to what the model takes, then anew; None where it takes none."""
    warmest = provider.warmest(model)
    if warmest is None:
        return None
    return round(min(warmest, COOLEST + STEP * (seed % temperatures(provider, model))), 2)


def temperatures(provider: Provider, model: str) -> int:
    """How many seeds differ by theirs; none where the model takes none."""
    warmest = provider.warmest(model)
    return 0 if warmest is None else max(1, 1 + round((warmest - COOLEST) / STEP))


@dataclass
class Knobs:
    """What each model refused so far, in this process. most: the most tokens of an answer that it takes."""

    refused: dict[str, set[str]] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    def taken(self, model: str, optional: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that the model has not refused, with no more tokens than it takes."""
        refused = self.refused.get(model, set())
        most = self.most.get(model)
        taken = {name: value for name, value in optional.items() if value is not None and name not in refused}
        return {name: min(value, most) if most and name in TOKENS else value for name, value in taken.items()}

    def refuses(self, model: str, name: str) -> bool:
        return name in self.refused.get(model, ())

    def learn(self, model: str, sent: Mapping[str, Any], failed: CallFailed) -> bool:
        """Whether the server refused one of the parameters that were sent, so that it is worth sending less."""
        if failed.outcome != CallOutcome.BAD_REQUEST or failed.status not in (400, 422):
            return False
        name = _named(sent, failed)
        if name is None:
            return False
        most = _most(sent[name], failed.detail.replace(model, "")) if name in TOKENS else None
        if most is not None:
            self.most[model] = most
        else:
            self.refused.setdefault(model, set()).add(name)
        return True


def _named(sent: Iterable[str], failed: CallFailed) -> str | None:
    """Which of the parameters the refusal names: in its `param`, else in its words."""
    told = failed.param.partition(".")[0]
    if told:
        return told if told in sent else None
    for name in sent:
        words = ALIASES.get(name, (name,))
        if re.search(rf"\b(?:{'|'.join(words)})\b", failed.detail):
            return name
    return None


def _most(asked: int, text: str) -> int | None:
    """The number of tokens that the server allows instead: the largest in its words that is less than was asked for."""
    numbers = [int(number) for number in re.findall(r"\d+", text.replace(",", ""))]
    return max((number for number in numbers if 256 <= number < asked), default=None)
