"""What a recipe is. Read this file first; each recipe is one package beside it and one entry in `author.RECIPES`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pytest_kernelfalcon.contracts.contract import Contract


@dataclass(frozen=True)
class Refusal:
    """A recipe does not fit. missing: the operations that it could not place; reason: what else stands against it."""

    missing: tuple[str, ...] = ()
    reason: str = ""


class Configuration(Protocol):
    """One way to render a match. `label` tells the ways apart, for people and in a seed's history."""

    @property
    def label(self) -> str: ...


class Recipe(Protocol):
    """Writes kernels for the graphs that it matches.

    match: what the recipe makes of the contract's graph, or why it does not fit.
    configurations: the ways to render it, most promising first, no two of which give the same text.
    render: the candidate's source.
    """

    @property
    def name(self) -> str: ...

    def match(self, contract: Contract) -> Any | Refusal: ...

    def configurations(self, match: Any) -> list[Any]: ...

    def render(self, match: Any, configuration: Any) -> str: ...
