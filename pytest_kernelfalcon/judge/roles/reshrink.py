"""Other small forms of a problem, for where the smallest one tells no kernel from an answer that computes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.judge.roles.moves import Moves, same_computation
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen, affordable
from pytest_kernelfalcon.judge.roles.sizing import Sizing

SECONDS = 4.0
BYTES = 1 << 20
ELEMENTS = 128 << 10
"""Of inputs and state together, and of outputs: what the interpreter runs a few dozen times."""


def others(probe: Probe, real: Probe, base: Seen, sizing: Sizing) -> Iterator[Sizing]:
    """Larger forms than `sizing.shrunk`, each with the values around it that its data sizes take; those that come
    first grow in one size only. probe, real: without memory, and with it. base: the problem at its own sizes.
    """
    deadline = time.monotonic() + SECONDS
    for sizes in _larger(sizing):
        if time.monotonic() > deadline:
            return
        seen = probe.run(sizes)
        if seen is not None and _small(seen) and same_computation(seen, base) and real.run(sizes):
            yield replace(sizing, shrunk=sizes, admitted_shrunk=_around(probe, real, sizes, seen, sizing))


def _larger(sizing: Sizing) -> Iterator[Sizes]:
    """Each data size doubled as often as it goes, alone; then all of them together; then the model sizes with them."""
    small, own = sizing.shrunk or {}, sizing.declared
    data = [name for name in sizing.admitted_shrunk if small[name] < own[name]]
    rest = [name for name in small if small[name] < own[name] and name not in data]
    for group in (*([name] for name in data), data, [*data, *rest]):
        sizes = small
        while any(sizes[name] < own[name] for name in group):
            sizes = sizes | {name: min(sizes[name] * 2, own[name]) for name in group}
            yield sizes


def _around(probe: Probe, real: Probe, sizes: Sizes, seen: Seen, sizing: Sizing) -> dict[str, list[int]]:
    moves = Moves(probe, sizes, seen, fixed_state="sizes_fixed" not in sizing.flags)
    values = {name: [*moves.around(name)] for name in sizing.admitted_shrunk}
    moves.reconcile(values)
    return {
        name: [own, *(value for value in more if real.run({**sizes, name: value}))]
        for name, (own, *more) in values.items()
    }


def _small(seen: Seen) -> bool:
    return seen.input_bytes + seen.state_bytes <= BYTES and seen.output_elements <= ELEMENTS and affordable(seen)
