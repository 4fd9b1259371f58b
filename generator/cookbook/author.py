"""The author `cookbook`: it asks each recipe in turn, and tries the ways to render the first that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round
from pytest_kernelfalcon.generator.cookbook.matmul.recipe import Matmul
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import Pointwise
from pytest_kernelfalcon.generator.cookbook.pool.recipe import Pooling
from pytest_kernelfalcon.generator.cookbook.recipe import Recipe, Refusal
from pytest_kernelfalcon.generator.cookbook.row.recipe import Row

RECIPES: tuple[Recipe, ...] = (Pointwise(), Row(), Matmul(), Pooling())
"""In order of preference. A new recipe is its package and one entry here."""

SEEDS = 4
"""The usual number of seeds: that many walk through a recipe's configurations without meeting."""


class CookbookAuthor:
    """Seed `k` starts at configuration `k` and goes on in steps of `SEEDS`; then it tries the others' as well."""

    name = "cookbook"

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        control.check()
        refusals: list[Refusal] = []
        for recipe in RECIPES:
            match = recipe.match(contract)
            if not isinstance(match, Refusal):
                return self._next(recipe, match, history, seed)
            refusals.append(match)
        return _none_fits(refusals)

    def _next(self, recipe: Recipe, match: Any, history: Sequence[Round], seed: int) -> Proposal | Exhausted:
        tried = {round.proposal.note for round in history}
        configurations = recipe.configurations(match)
        for index in order(len(configurations), seed):
            configuration = configurations[index]
            if configuration.label not in tried:
                return Proposal(recipe.render(match, configuration), configuration.label)
        return Exhausted(f"all {len(configurations)} configurations of the recipe `{recipe.name}` have been tried")


def order(count: int, seed: int) -> list[int]:
    """The indices below `count` in the order in which a seed tries them."""
    own = [k % count for k in range(seed, seed + count, SEEDS)]
    return list(dict.fromkeys([*own, *((seed + k) % count for k in range(count))]))


def _none_fits(refusals: Sequence[Refusal]) -> Exhausted:
    """What the recipe that came closest could not place."""
    closest = min(refusals, key=lambda refusal: (not refusal.missing, len(refusal.missing)))
    if not closest.missing:
        return Exhausted(f"no recipe fits: {closest.reason}")
    return Exhausted(f"no recipe has {', '.join(f'`{op}`' for op in closest.missing)}", closest.missing)
