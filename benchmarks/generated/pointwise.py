"""Pointwise problems: a random graph of 3 to 12 operations on 1 to 4 inputs that broadcast.

Parameters, buffers, integer and truth values are among them. Every value carries about how large it gets.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.generated.draft import Draft, Shape
from benchmarks.generated.pointwise_forms import BINARY, INTEGER, LAYOUTS, TO_TRUTH, UNARY, WITH_TRUTH

Kind = Literal["float", "int", "bool"]


@dataclass(frozen=True)
class Value:
    """A value in the forward. magnitude: about the largest absolute value."""

    name: str
    kind: Kind
    magnitude: float = 3.0


@dataclass
class Pointwise(Draft):
    """values: all that there is to compute with. waiting: those that nothing has used so far."""

    values: list[Value] = field(default_factory=list)
    waiting: list[Value] = field(default_factory=list)

    def problem(self) -> str:
        layout = self.source.choice(LAYOUTS)
        self.sizes = {name: self.source.randint(low, high) for name, (low, high) in layout.items()}
        self.draw_dtype()
        self._sources()
        for _ in range(self.source.randint(3, 12)):
            self._operation()
        return self.text(self._results())

    def _sources(self) -> None:
        names = ["x", "y", "z", "w"][: self.source.choices((1, 2, 3, 4), (2, 4, 3, 1))[0]]
        for k, name in enumerate(names):
            kind: Kind = "float" if not k else self.source.choices(("float", "int", "bool"), (7, 2, 2))[0]  # type: ignore[assignment]
            shape = tuple(self.sizes) if not k else self._broadcast()
            self._add(Value(self.add_input(name, self._made(kind, shape)), kind, 3.0 if kind == "float" else 8.0))
        for k in range(self.source.choices((0, 1, 2, 3), (3, 4, 2, 1))[0]):
            shape = self._weight()
            made = self.normal(shape) if shape else f"torch.tensor(0.7){self.cast()}"
            self._add(Value(self.add_state(("weight", "scale", "shift")[k], made), "float"))

    def _broadcast(self) -> Shape:
        """Sizes of an input beside the first: whole, or 1 along some dimensions, or without the leading ones."""
        if self.source.random() < 0.5:
            return tuple(self.sizes)
        shape = tuple(name if self.source.random() < 0.6 else "1" for name in self.sizes)
        return shape[self.source.randint(0, len(shape) - 1) :]

    def _weight(self) -> Shape:
        """One number for each channel or feature, or a single one."""
        names = [name for name in ("channels", "features") if name in self.sizes]
        if not names or self.source.random() < 0.2:
            return ()
        return (names[0], *["1"] * (len(self.sizes) - 1 - list(self.sizes).index(names[0])))

    def _made(self, kind: Kind, shape: Shape) -> str:
        sizes = ", ".join(shape)
        if kind == "int":
            return f"torch.randint(-8, 9, ({sizes}{',' * (len(shape) == 1)}))"
        if kind == "bool":
            return f"torch.rand({sizes}) < 0.5"
        return self.normal(shape)

    def _add(self, value: Value) -> None:
        self.values.append(value)
        self.waiting.append(value)

    def _take(self, *kinds: Kind) -> Value | None:
        """A value to compute with: one that nothing has used so far, if there is one."""
        pool = [v for v in self.waiting if v.kind in kinds] or [v for v in self.values if v.kind in kinds]
        if not pool:
            return None
        value = self.source.choice(pool)
        if value in self.waiting:
            self.waiting.remove(value)
        return value

    def _operation(self) -> None:
        x = self._take("float", "int", "bool")
        assert x is not None
        if x.kind == "bool":
            self._with_truth(x)
        elif x.kind == "int":
            self._with_integer(x)
        elif self.source.random() < 0.08:
            self._keep(self._fill(self.source.choice(TO_TRUTH), x), "bool")
        elif self.source.random() < 0.5 and (y := self._take("float")) is not None:
            self._combine(x, y)
        else:
            self._apply(x)

    def _fill(self, form: str, x: Value, y: Value | None = None) -> str:
        c = self.number()
        low = round(self.source.uniform(-2.0, -0.5), 1)
        return form.format(x=x.name, y=y.name if y else "", c=c, low=low, high=low + 3)

    def _apply(self, x: Value) -> None:
        forms = [(form, growth) for form, growth in UNARY if max(x.magnitude, 1) * growth < 40]
        form, growth = self.source.choice(forms)
        self._keep(self._fill(form, x), "float", max(x.magnitude, 1) * growth or 3.0)

    def _combine(self, x: Value, y: Value) -> None:
        largest = max(x.magnitude, y.magnitude, 1)
        forms = [(form, growth) for form, growth in BINARY if largest * growth < 40]
        form, growth = self.source.choice(forms or [("torch.tanh({x}) * torch.sigmoid({y})", 0.0)])
        self._keep(self._fill(form, x, y), "float", largest * growth or 3.0)

    def _with_integer(self, i: Value) -> None:
        if self.source.random() < 0.5:
            self._keep(self.source.choice(INTEGER).format(i=i.name), "int", 16.0)
        elif self.source.random() < 0.4:
            self._keep(f"{i.name} {self.source.choice(('>', '==', '!='))} {self.source.randint(-2, 3)}", "bool")
        elif (x := self._take("float")) is not None:
            self._keep(
                self.source.choice((f"{x.name} + 0.25 * {i.name}", f"torch.tanh({x.name}) * {i.name}")), "float", 8.0
            )

    def _with_truth(self, m: Value) -> None:
        other = self._take("bool") if self.source.random() < 0.3 else None
        if other is not None and other is not m:
            self._keep(f"{m.name} {self.source.choice('&|^')} {other.name}", "bool")
            return
        x = self._take("float")
        assert x is not None
        form = self.source.choice(WITH_TRUTH)
        self._keep(form.format(m=m.name, x=x.name), "float", 2 * x.magnitude)

    def _keep(self, text: str, kind: Kind, magnitude: float = 3.0) -> None:
        self._add(Value(self.assign(text), kind, magnitude))

    def _results(self) -> list[str]:
        computed = [value.name for value in self.values if value.name.startswith("h")]
        unread = [value.name for value in self.waiting if value.name in computed]
        return unread[-3:] or computed[-1:]


def write(source: random.Random) -> str:
    """The text of one problem."""
    return Pointwise(source).problem()
