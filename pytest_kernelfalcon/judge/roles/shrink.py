"""Smaller sizes at which a problem stays the same computation: for machines where its own sizes take too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen

INPUT_BYTES = 128 << 10
TOTAL_BYTES = 256 << 10
OUTPUT_ELEMENTS = 20_000
BATCH, DATA_FLOOR, MODEL_FLOOR, LAST_FLOOR = 2, 8, 16, 2
MAX_PAIRS = 24


def is_target(seen: Seen) -> bool:
    """Whether a form is as small as shrinking aims at."""
    return seen.input_bytes + seen.state_bytes <= TOTAL_BYTES and seen.output_elements <= OUTPUT_ELEMENTS


def data_fit(seen: Seen) -> bool:
    """Whether the data sizes alone have nothing left to do."""
    return seen.input_bytes <= INPUT_BYTES and seen.output_elements <= OUTPUT_ELEMENTS


@dataclass
class Shrinker:
    """Goes down from the declared sizes by halving, the largest first.

    accept: whether a form seen at smaller sizes is still the declared computation. path: the forms accepted so far,
    the declared first, the smallest last; it stays readable when `TooSlow` ends the search.
    """

    probe: Probe
    accept: Callable[[Seen], bool]
    path: list[tuple[Sizes, Seen]]
    _stuck: set[str] = field(default_factory=set)

    @property
    def sizes(self) -> Sizes:
        return self.path[-1][0]

    @property
    def seen(self) -> Seen:
        return self.path[-1][1]

    def run(self, batch: Sequence[str], data: Sequence[str], model: Sequence[str]) -> None:
        """Batch to 2, other data sizes to 8 at least, model sizes above 16, and data sizes below 8 last."""
        others = [name for name in data if name not in batch]
        self._jump({name: min(self.sizes[name], BATCH) for name in batch})
        self._jump(self._plan(others, DATA_FLOOR, self._inputs_fit))
        self._descend(others, DATA_FLOOR, data_fit)
        self._jump(self._plan(model, MODEL_FLOOR, self._total_fits))
        self._descend(model, MODEL_FLOOR, is_target)
        self._descend_in_pairs(others, model)
        self._descend(others, LAST_FLOOR, data_fit)

    def _plan(self, names: Sequence[str], floor: int, fits: Callable[[Sizes], bool]) -> Sizes:
        """How far `names` must go by bytes alone, before any forward."""
        sizes = dict(self.sizes)
        while (name := _largest(sizes, names, floor)) and not fits(sizes):
            sizes[name] //= 2
        return {name: sizes[name] for name in names}

    def _inputs_fit(self, sizes: Sizes) -> bool:
        size = self.probe.input_bytes(sizes)
        return size is not None and size <= INPUT_BYTES

    def _total_fits(self, sizes: Sizes) -> bool:
        shapes = self.probe.shapes(sizes)
        return shapes is not None and is_target(shapes)

    def _jump(self, plan: Sizes) -> None:
        """All of `plan` at once; where that fails, each size alone, as far as it goes."""
        if self._try(plan):
            return
        for name in sorted(plan, key=lambda name: -self.sizes[name]):
            value = plan[name]
            while value < self.sizes[name] and not self._try({name: value}):
                value *= 2

    def _descend(self, names: Sequence[str], floor: int, done: Callable[[Seen], bool]) -> None:
        """Step by step, with a forward each, until `done`."""
        while not done(self.seen):
            name = _largest(self.sizes, [name for name in names if name not in self._stuck], floor)
            if name is None:
                return
            if not self._try({name: self.sizes[name] // 2}):
                self._stuck.add(name)

    def _descend_in_pairs(self, data: Sequence[str], model: Sequence[str]) -> None:
        """Data sizes that cannot move alone, each with a model size; pairs of equal value first."""
        pairs = [(one, other) for one in data if one in self._stuck for other in model]
        pairs.sort(key=lambda pair: self.sizes[pair[0]] != self.sizes[pair[1]])
        for one, other in pairs[:MAX_PAIRS]:
            while not is_target(self.seen):
                halves = {one: self.sizes[one] // 2, other: self.sizes[other] // 2}
                if halves[one] < LAST_FLOOR or halves[other] < MODEL_FLOOR or not self._try(halves):
                    break

    def _try(self, changes: Sizes) -> bool:
        sizes = {**self.sizes, **changes}
        if sizes == self.sizes:
            return True
        seen = self.probe.run(sizes) if min(changes.values()) > 0 else None
        if seen is None or not self.accept(seen):
            return False
        self.path.append((sizes, seen))
        return True


def _largest(sizes: Sizes, names: Sequence[str], floor: int) -> str | None:
    """The largest size that halving leaves at `floor` or above."""
    free = [name for name in names if sizes[name] // 2 >= floor]
    return max(free, key=lambda name: sizes[name]) if free else None
