"""What the integers of a problem may become, found by trying: their classes, other values, and a small form."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest

from pytest_kernelfalcon.contracts.contract import SizeClass, Sizes
from pytest_kernelfalcon.contracts.sizes import TOGETHER, Slot, literals, slots
from pytest_kernelfalcon.judge.roles.broken import TooSlow
from pytest_kernelfalcon.judge.roles.moves import Moves, class_of, is_batch, join, kind_of, same_computation
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen, affordable
from pytest_kernelfalcon.judge.roles.shrink import Shrinker, data_fit

SMALL_BYTES = 256 << 10
SMALL_OUTPUT_ELEMENTS = 32 << 10
CONFIRM_SECONDS = 5.0  # for real tensors, once the search itself has used up its time


@dataclass
class Sizing:
    """See `contracts.contract.Contract` for the fields. flags: sizes_capped, sizes_fixed, sizes_unshrinkable."""

    sizes: dict[str, SizeClass] = field(default_factory=dict)
    declared: Sizes = field(default_factory=dict)
    admitted: dict[str, list[int]] = field(default_factory=dict)
    shrunk: Sizes | None = None
    admitted_shrunk: dict[str, list[int]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags.append(name)

    def named(self, wanted: SizeClass) -> list[str]:
        return [name for name, its in self.sizes.items() if its == wanted]

    def drop(self, names: Sequence[str]) -> None:
        for name in names:
            del self.sizes[name], self.declared[name]


def survey(probe: Probe, base: Seen) -> Sizing:
    """Classes, moves and shrinks the sizes of `probe`'s problem, which looks like `base` at its own sizes.

    What is not found by the probe's deadline is left out, and flagged `sizes_capped`.
    """
    return _Survey(probe, base).run()


def is_small(seen: Seen) -> bool:
    """Whether a form needs no shrinking."""
    return seen.input_bytes + seen.state_bytes <= SMALL_BYTES and seen.output_elements <= SMALL_OUTPUT_ELEMENTS


class _Survey:
    """path: the forms found on the way down, the declared one first. values: the moves around the last of them."""

    def __init__(self, probe: Probe, base: Seen) -> None:
        self.probe, self.base = probe, base
        self.real = Probe(probe.source, probe.path, "real", probe.deadline)
        self.result = Sizing()
        self.path: list[tuple[Sizes, Seen]] = [({}, base)]
        self.values: dict[str, list[int]] = {}
        self.refused: set[tuple[str, str]] = set()

    def run(self) -> Sizing:
        result = self.result
        with self._capped():
            self._class_each(slots(self.probe.source))
            self._search_all()
        with self._capped():
            self._confirm_values()
        form, _ = self.path[-1]
        form = {name: form.get(name, value) for name, value in result.declared.items()}
        values = {name: self.values.get(name, [form[name]]) for name in self._varied}
        if form == result.declared:
            result.admitted = values
            if not is_small(self.base):
                result.flag("sizes_unshrinkable")
        else:
            result.shrunk, result.admitted_shrunk = form, values
            with self._capped():
                self._move_declared()
        return result

    @contextmanager
    def _capped(self) -> Iterator[None]:
        try:
            yield
        except TooSlow:
            self.result.flag("sizes_capped")

    def _class_each(self, found: Sequence[Slot]) -> None:
        for slot in found:
            if slot.role != "unused":
                self.result.sizes[slot.name] = class_of(self.probe, self.base, slot)
                self.result.declared[slot.name] = slot.value

    @property
    def _varied(self) -> list[str]:
        """The sizes that a kernel must serve other values of: data sizes, or model sizes where there are none."""
        return self.result.named("model" if "sizes_fixed" in self.result.flags else "data")

    # the small form, and the moves around it

    def _search_all(self) -> None:
        """With named sizes; then with bare literals too, where those leave nothing to vary or the inputs large."""
        if self.result.named("data"):
            self._search()
        if not self.result.named("data") or not (is_small(self.base) or data_fit(self.path[-1][1])):
            bare = literals(self.probe.source)
            self._class_each(bare)
            if bare and self.result.named("data"):
                self._search()
                self.result.drop([slot.name for slot in bare if len(self.values.get(slot.name, ())) == 1])
        if not self.result.named("data"):
            self.result.flag("sizes_fixed")
            self._search()

    def _search(self) -> None:
        """Shrinks and moves; once more for each group of sizes that turns out to move only together."""
        while True:
            self.path = [(self.result.declared, self.base)]
            if not is_small(self.base):
                self._shrink()
            moves = self._moves(*self.path[-1])
            self._fill(moves, self.values)
            group = moves.together([name for name in self._varied if len(self.values[name]) == 1])
            if group is None:
                return
            self.result.declared = join(group, self.result.declared)
            kinds = {name: kind for name, kind in self.result.sizes.items() if name not in group}
            self.result.sizes = kinds | {TOGETHER.join(group): self.result.sizes[group[0]]}

    def _shrink(self) -> None:
        data, declared = self.result.named("data"), self.result.declared
        batch = [name for name in data if is_batch(self.probe, self.base, name, declared[name])]
        shrinker = Shrinker(self.probe, lambda seen: same_computation(seen, self.base), self.path)
        try:
            shrinker.run(batch, data, self.result.named("model"))
        finally:
            self._confirm_form()

    def _moves(self, at: Sizes, seen: Seen) -> Moves:
        return Moves(self.probe, at, seen, fixed_state="sizes_fixed" not in self.result.flags)

    def _fill(self, moves: Moves, values: dict[str, list[int]]) -> None:
        """One value for each size in turn, so that every size has some when `TooSlow` ends it."""
        values.clear()
        values.update({name: [moves.at[name]] for name in self._varied})
        for found in zip_longest(*map(moves.around, values)):
            for name, value in zip(values, found, strict=True):
                if value is not None and value not in values[name]:
                    values[name].append(value)
        moves.reconcile(values)

    def _move_declared(self) -> None:
        """Around the declared sizes, by fakes, without the kinds of moves that real tensors refused."""
        admitted = self.result.admitted
        try:
            self._fill(self._moves(self.result.declared, self.base), admitted)
        finally:
            for name, (own, *others) in admitted.items():
                admitted[name] = [own, *(v for v in others if (name, kind_of(v, own)) not in self.refused)]

    # the same on real tensors: fakes hold no index that could be out of range

    def _confirm_form(self) -> None:
        """Goes back to the smallest form that runs for real too."""
        self._grant_time()
        while len(self.path) > 1 and affordable(self.path[-1][1]) and self.real.run(self.path[-1][0]) is None:
            self.path.pop()

    def _confirm_values(self) -> None:
        """Keeps the moves that work for real too."""
        self._grant_time()
        form, seen = self.path[-1]
        if not affordable(seen):
            return
        for name, (own, *others) in self.values.items():
            taken = [value for value in others if self.real.run({**form, name: value})]
            self.refused |= {(name, kind_of(value, own)) for value in others if value not in taken}
            self.values[name] = [own, *taken]

    def _grant_time(self) -> None:
        self.real.deadline = max(self.probe.deadline, time.monotonic() + CONFIRM_SECONDS)
