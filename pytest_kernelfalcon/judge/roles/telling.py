"""The sizes at which a problem tells a kernel from an answer that computes nothing, and what it is varied in there."""

from __future__ import annotations

import math

from pytest_kernelfalcon.contracts.contract import TRIVIAL_WHEN_SHRUNK, Sizes
from pytest_kernelfalcon.contracts.variants import Variants
from pytest_kernelfalcon.judge.roles.admit import admitted
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen
from pytest_kernelfalcon.judge.roles.reshrink import others
from pytest_kernelfalcon.judge.roles.sizing import Sizing
from pytest_kernelfalcon.judge.roles.trivial import Trivial, trivial_answer


def telling(probe: Probe, seen: Seen, form: Sizes, sizing: Sizing, mutates: list[int]) -> tuple[Sizing, Variants]:
    """The sizing, with another small form where the smallest one tells nothing, and the variants there; flagged
    `trivial_when_shrunk` where no small form tells. Raises `Broken` where the problem's own sizes tell nothing.

    form: at which it can be run for real, {} for its own sizes.
    """
    look = _Look(probe, seen, mutates)
    variants = look.variants(sizing, form)
    trivial = look.trivial(sizing.shrunk or form, variants)
    if form == {} and (own := look.trivial({}, variants) if sizing.shrunk else trivial):
        raise own.refuse()
    if trivial is None:
        return sizing, variants
    for other in others(probe, look.real, seen, sizing) if sizing.shrunk else ():
        there = look.variants(other, form)
        if look.trivial(other.shrunk or {}, there) is None:
            return other, there
    sizing.flag(TRIVIAL_WHEN_SHRUNK)
    return sizing, variants


class _Look:
    """One problem. seen: it at its own sizes."""

    def __init__(self, probe: Probe, seen: Seen, mutates: list[int]) -> None:
        self.real = Probe(probe.source, probe.path, "real", math.inf)
        self._probe, self._seen, self._mutates = probe, seen, mutates

    def variants(self, sizing: Sizing, form: Sizes) -> Variants:
        """Tried where the problem is judged on a machine without a GPU: at its small form."""
        return admitted(self._probe, self._seen, sizing.shrunk or form, sizing)

    def trivial(self, sizes: Sizes, variants: Variants) -> Trivial | None:
        return trivial_answer(lambda seed: self.real.instance(sizes, seed=seed), self._mutates, variants.values)
