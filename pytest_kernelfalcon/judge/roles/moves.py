"""Which values a size can take: tried one by one, each with a forward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from pytest_kernelfalcon.contracts.contract import SizeClass, Sizes
from pytest_kernelfalcon.contracts.sizes import TOGETHER, Slot
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen

STEPS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 24, 32, 48, 64, 128, 256)


def class_of(probe: Probe, base: Seen, slot: Slot) -> SizeClass:
    """By what changes with it first: names in the state (hyper), shapes in it (model), shapes of inputs (data)."""
    builds = False
    for value in (slot.value + 1, slot.value * 2, slot.value - 1, slot.value // 2):
        seen = probe.shapes({slot.name: value}) if value > 0 else None
        if seen is None:
            continue
        builds = True
        if seen.state != base.state:
            return "model" if seen.state.keys() == base.state.keys() else "hyper"
        if slot.role == "inputs" and seen.inputs != base.inputs:
            return "data"
    # one that reaches the inputs alone and moves nowhere is stuck, or moves together with another
    return "data" if slot.role == "inputs" and not builds else "hyper"


def is_batch(probe: Probe, base: Seen, name: str, value: int) -> bool:
    """Whether a size is the leading dimension, and no other, of all outputs and of all inputs with two or more."""
    seen = next(filter(None, map(probe.run, ({name: value * 2}, {name: value + 1}))), None)
    if seen is None or not any(len(shape) > 1 for shape, _ in seen.inputs):
        return False
    wide = [(old, new) for (old, _), (new, _) in zip(base.inputs, seen.inputs, strict=True) if len(old) > 1]
    outputs = [(old, new) for (old, _), (new, _) in zip(base.outputs, seen.outputs, strict=True)]
    return all(old[:1] != new[:1] and old[1:] == new[1:] for old, new in (*wide, *outputs))


def same_computation(seen: Seen, base: Seen) -> bool:
    """The same operations, or as many rounds of the same as a loop makes; no tensor without elements."""
    if any(0 in shape for shape, _ in (*seen.inputs, *seen.outputs)) or seen.state.keys() != base.state.keys():
        return False
    is_loop = len(seen.ops) != len(base.ops) and set(seen.ops) == set(base.ops)
    return seen.ops == base.ops or is_loop


@dataclass
class Moves:
    """Moves of single sizes around `at`, where the problem looks like `base`.

    fixed_state: whether the state must keep its shapes, as it does for data sizes.
    """

    probe: Probe
    at: Sizes
    base: Seen
    fixed_state: bool

    def around(self, name: str) -> Iterator[int]:
        """Its value, then +1, -1 and x2 where they work; where +1 does not, the smallest step.

        A single way down to 1 does not count: that is broadcasting, not a size that varies.
        """
        value = self.at[name]
        yield value
        grows = self.work({name: value + 1})
        if grows:
            yield value + 1
        shrinks = (grows or value > 2) and self.work({name: value - 1})
        if shrinks:
            yield value - 1
        if not grows and not shrinks:
            yield from self._step(name)
        if self.work({name: value * 2}):
            yield value * 2

    def _step(self, name: str) -> list[int]:
        value = self.at[name]
        for step in sorted({*STEPS, *self.at.values()}):
            if 1 < step < value and self.work({name: value + step}):
                below = value - step
                return [value + step, *([below] if below > 1 and self.work({name: below}) else [])]
        return []

    def work(self, changes: Sizes) -> bool:
        seen = self.probe.run({**self.at, **changes}) if min(changes.values()) > 0 else None
        if seen is None or seen.inputs == self.base.inputs or not same_computation(seen, self.base):
            return False
        return not self.fixed_state or seen.state == self.base.state

    def reconcile(self, values: dict[str, list[int]]) -> None:
        """Drops values that work alone, but not with others' extremes, so that sizes can be drawn independently."""
        for ends in ((max, max), (min, min), (max, min), (min, max)):
            corner = {name: ends[index % 2](its) for index, (name, its) in enumerate(values.items())}
            moved = [name for name in corner if corner[name] != self.at[name]]
            while len(moved) > 1 and not self.work({name: corner[name] for name in moved}):
                name = moved[-1]
                values[name].remove(corner[name])
                corner[name] = ends[list(values).index(name) % 2](values[name])
                moved = [name for name in corner if corner[name] != self.at[name]]

    def together(self, stuck: Sequence[str]) -> tuple[str, ...] | None:
        """A group of equal sizes, stuck each alone, that move as one; pairs before larger groups."""
        for count in (2, 3, 4):
            for group in combinations(stuck, count):
                value = self.at[group[0]]
                equal = all(self.at[name] == value for name in group)
                if equal and any(self.work(dict.fromkeys(group, other)) for other in (value + 1, value * 2)):
                    return group
        return None


def join(names: Sequence[str], sizes: Sizes) -> Sizes:
    """`sizes` with the equal ones among them under their common name, last."""
    rest = {name: value for name, value in sizes.items() if name not in names}
    return rest | {TOGETHER.join(names): sizes[names[0]]}


def kind_of(value: int, own: int) -> str:
    """How `value` was reached from a size's own value: doubled, up or down."""
    if value == own * 2:
        return "double"
    return "up" if value > own else "down"
