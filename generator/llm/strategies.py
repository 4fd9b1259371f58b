"""Hints that send seeds, and new attempts of one seed, on different ways."""

from __future__ import annotations

STRATEGIES = (
    "Keep it simple: one kernel, one program a block of elements or rows, nothing tuned. Being right comes first.",
    "Let one program own whole rows: load a row once into registers, compute everything there, store once.",
    "Walk along the long axis in a loop of blocks with running values (sums, maximum), so that any size fits.",
    "Split it: a first kernel computes what is reduced and stores it in float32, a second one applies it.",
    "Flatten what is only element by element, and treat every tensor as one dimension with computed offsets.",
    "Work on two-dimensional tiles, with a mask for each axis, and `tl.dot` for products of matrices.",
)


def strategy(seed: int, attempt: int, sampled: bool) -> str:
    """The hint of a seed's attempt; none for a first one whose answers differ by their temperature (`sampled`)."""
    if attempt == 0 and (sampled or seed == 0):
        return ""
    return STRATEGIES[(seed + attempt) % len(STRATEGIES)]
