"""Random pointwise problems in KernelBench's format.

    python benchmarks/generated.py --seed 0 --count 50 --out DIR

Each problem is a random graph of 3 to 12 operations on 1 to 4 inputs that broadcast, with parameters, buffers, integer
and truth values among them, mostly in float32. Values stay moderate. A draw that torch refuses, or whose output is
constant or not finite, is thrown away. Seeds below 1000 are for developing recipes; measure with others.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["float", "int", "bool"]
Shape = tuple[str, ...]

LAYOUTS = (
    {"width": (64, 3000)},
    {"tokens": (16, 200), "features": (16, 300)},
    {"batch_size": (1, 6), "seq_len": (8, 60), "features": (8, 100)},
    {"batch_size": (1, 5), "channels": (2, 12), "height": (4, 20), "width": (4, 20)},
)
"""The named sizes of a problem, each with its range."""

UNARY = (
    ("torch.relu({x})", 1.0), ("F.gelu({x})", 1.0), ('F.gelu({x}, approximate="tanh")', 1.0), ("F.silu({x})", 1.0),
    ("torch.tanh({x})", 0.0), ("torch.sigmoid({x})", 0.0), ("F.elu({x}, alpha=0.7)", 1.0), ("F.mish({x})", 1.0),
    ("F.leaky_relu({x}, 0.1)", 1.0), ("F.softplus({x})", 1.2), ("F.hardswish({x})", 1.0), ("F.hardsigmoid({x})", 0.0),
    ("F.hardtanh({x}, -2.0, 1.5)", 0.0), ("F.softsign({x})", 0.0), ("F.logsigmoid({x})", 1.2), ("F.selu({x})", 1.8),
    ("F.softshrink({x}, 0.3)", 1.0), ("F.tanhshrink({x})", 1.0), ("F.relu6({x})", 1.0), ("F.celu({x})", 1.0),
    ("torch.abs({x})", 1.0), ("torch.sin({x})", 0.0), ("torch.cos({x})", 0.0), ("torch.atan({x})", 0.0),
    ("torch.erf({x})", 0.0), ("torch.exp({x}.clamp(max=2.0))", 0.0), ("torch.log1p({x}.abs())", 0.5), ("-{x}", 1.0),
    ("torch.sqrt({x}.abs() + 0.1)", 0.8), ("torch.rsqrt({x} * {x} + 1.0)", 0.0), ("{x}.square()", 3.0),
    ("{x}.clamp({low}, {high})", 0.0), ("{x} * {c}", 2.0), ("{x} + {c}", 1.3), ("{c} - {x}", 1.3), ("{x} / {c}", 2.0),
    ("{x} ** 3", 9.0),
    ("torch.reciprocal({x}.abs() + 1.0)", 0.0), ("torch.expm1({x}.clamp(max=1.5))", 0.0), ("torch.asinh({x})", 0.5),
    ("torch.where({x} > {c}, {x}, {x} * 0.5)", 1.0), ("torch.nan_to_num({x})", 1.0),
    ("{x}.masked_fill({x} < 0, 0.25)", 1.0),
)  # fmt: skip
"""A form, and by about what it multiplies magnitudes above 1; 0 where its result is small whatever comes in."""

BINARY = (
    ("{x} + {y}", 1.5), ("{x} - {y}", 1.5), ("{x} * {y}", 3.0), ("torch.maximum({x}, {y})", 1.0),
    ("torch.minimum({x}, {y})", 1.0), ("{x} / ({y}.abs() + 0.5)", 2.0), ("torch.lerp({x}, {y}, 0.3)", 1.0),
    ("torch.where({x} > {y}, {x}, 0.5 * {y})", 1.0), ("torch.hypot({x}, {y})", 1.4), ("torch.atan2({x}, {y})", 0.0),
    ("torch.addcmul({x}, {x}, {y}, value=0.5)", 3.0), ("torch.sub({x}, {y}, alpha=0.5)", 1.3),
    ("torch.sigmoid({x}) * {y}", 1.0), ("F.silu({x}) * {y}", 3.0), ("{x} * torch.sigmoid({y})", 1.0),
)  # fmt: skip

INTEGER = ("{i} + 3", "{i} * 2", "{i}.abs()", "{i} % 5", "{i} // 3", "{i}.clamp(-3, 4)", "{i} & 6", "-{i}")
WITH_TRUTH = (
    "torch.where({m}, {x}, 0.1)", "torch.where(~{m}, {x}, 2 * {x})", "{x}.masked_fill({m}, 0.5)", "{x} * {m}",
    "torch.where({m}, {x}, -{x})",
)  # fmt: skip
TO_TRUTH = ("{x} > {c}", "{x} <= {c}", "{x}.abs() < 1.0")


@dataclass(frozen=True)
class Value:
    """A value in the forward. magnitude: about the largest absolute value."""

    name: str
    kind: Kind
    magnitude: float = 3.0


@dataclass
class Draw:
    """One problem being drawn."""

    source: random.Random
    sizes: dict[str, int] = field(default_factory=dict)
    dtype: str = "float32"
    inputs: list[tuple[str, str]] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    waiting: list[Value] = field(default_factory=list)

    def problem(self) -> str:
        layout = self.source.choice(LAYOUTS)
        self.sizes = {name: self.source.randint(low, high) for name, (low, high) in layout.items()}
        self.dtype = self.source.choices(("float32", "float16", "bfloat16"), (8, 1, 1))[0]
        self._sources()
        for _ in range(self.source.randint(3, 12)):
            self._operation()
        return self._text()

    def _sources(self) -> None:
        names = ["x", "y", "z", "w"][: self.source.choices((1, 2, 3, 4), (2, 4, 3, 1))[0]]
        for k, name in enumerate(names):
            kind: Kind = "float" if not k else self.source.choices(("float", "int", "bool"), (7, 2, 2))[0]  # type: ignore[assignment]
            shape = tuple(self.sizes) if not k else self._broadcast()
            self.inputs.append((name, self._made(kind, shape)))
            self._add(Value(name, kind, 3.0 if kind == "float" else 8.0))
        for k in range(self.source.choices((0, 1, 2, 3), (3, 4, 2, 1))[0]):
            shape = self._weight()
            made = f"torch.randn({', '.join(shape)})" if shape else "torch.tensor(0.7)"
            made = made if self.dtype == "float32" else f"{made}.to(torch.{self.dtype})"
            form = self.source.choice(
                ("self.{n} = nn.Parameter({m})", 'self.register_buffer("{n}", {m})', "self.{n} = {m}")
            )
            name = f"{('weight', 'scale', 'shift')[k]}"
            self.state.append(form.format(n=name, m=made))
            self._add(Value(f"self.{name}", "float"))

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
        return f"torch.randn({sizes})" if self.dtype == "float32" else f"torch.randn({sizes}).to(torch.{self.dtype})"

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
            self._assign(self._fill(self.source.choice(TO_TRUTH), x), "bool")
        elif self.source.random() < 0.5 and (y := self._take("float")) is not None:
            self._combine(x, y)
        else:
            self._apply(x)

    def _fill(self, form: str, x: Value, y: Value | None = None) -> str:
        c = round(self.source.uniform(0.2, 1.8), 2)
        low = round(self.source.uniform(-2.0, -0.5), 1)
        return form.format(x=x.name, y=y.name if y else "", c=c, low=low, high=low + 3)

    def _apply(self, x: Value) -> None:
        forms = [(form, growth) for form, growth in UNARY if max(x.magnitude, 1) * growth < 40]
        form, growth = self.source.choice(forms)
        self._assign(self._fill(form, x), "float", max(x.magnitude, 1) * growth or 3.0)

    def _combine(self, x: Value, y: Value) -> None:
        largest = max(x.magnitude, y.magnitude, 1)
        forms = [(form, growth) for form, growth in BINARY if largest * growth < 40]
        form, growth = self.source.choice(forms or [("torch.tanh({x}) * torch.sigmoid({y})", 0.0)])
        self._assign(self._fill(form, x, y), "float", largest * growth or 3.0)

    def _with_integer(self, i: Value) -> None:
        if self.source.random() < 0.5:
            self._assign(self.source.choice(INTEGER).format(i=i.name), "int", 16.0)
        elif self.source.random() < 0.4:
            self._assign(f"{i.name} {self.source.choice(('>', '==', '!='))} {self.source.randint(-2, 3)}", "bool")
        elif (x := self._take("float")) is not None:
            self._assign(
                self.source.choice((f"{x.name} + 0.25 * {i.name}", f"torch.tanh({x.name}) * {i.name}")), "float", 8.0
            )

    def _with_truth(self, m: Value) -> None:
        other = self._take("bool") if self.source.random() < 0.3 else None
        if other is not None and other is not m:
            self._assign(f"{m.name} {self.source.choice('&|^')} {other.name}", "bool")
            return
        x = self._take("float")
        assert x is not None
        form = self.source.choice(WITH_TRUTH)
        self._assign(form.format(m=m.name, x=x.name), "float", 2 * x.magnitude)

    def _assign(self, text: str, kind: Kind, magnitude: float = 3.0) -> None:
        name = f"h{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        self._add(Value(name, kind, magnitude))

    def _text(self) -> str:
        computed = [value.name for value in self.values if value.name.startswith("h")]
        unread = [value.name for value in self.waiting if value.name in computed]
        results = unread[-3:] or computed[-1:]
        used = [name for name in self.sizes if any(name in line for line in self.state)]
        arguments = ", ".join(["self", *(f"{name}: int" for name in used)])
        head = [
            f"    def __init__({arguments}):",
            "        super().__init__()",
            *(f"        {line}" for line in self.state),
            "",
        ]
        return "\n".join([
            "import torch", "import torch.nn as nn", "import torch.nn.functional as F", "", "",
            "class Model(nn.Module):",
            *(head if self.state else []),
            f"    def forward(self, {', '.join(f'{name}: torch.Tensor' for name, _ in self.inputs)}):",
            *(f"        {line}" for line in self.lines), f"        return {', '.join(results)}", "", "",
            *(f"{name} = {size}" for name, size in self.sizes.items()), "", "", "def get_inputs():",
            f"    return [{', '.join(made for _, made in self.inputs)}]", "", "", "def get_init_inputs():",
            f"    return [{', '.join(used)}]", "",
        ])  # fmt: skip


def admissible(text: str) -> bool:
    """Whether torch computes it, the outputs are finite, none is constant, and they change with the inputs."""
    import torch

    module: dict[str, Any] = {}
    exec(compile(text, "generated", "exec"), module)
    torch.manual_seed(0)
    model = module["Model"](*module["get_init_inputs"]())
    try:
        with torch.no_grad():
            first, second = (model(*module["get_inputs"]()) for _ in range(2))
    except RuntimeError:  # torch.lerp of two types, say
        return False
    pairs = zip(*(result if isinstance(result, tuple) else (result,) for result in (first, second)), strict=True)
    return all(a.isfinite().all() and (a != a.flatten()[0]).any() and not a.equal(b) for a, b in pairs)


def problems(seed: int) -> Iterator[str]:
    """Problems without end, the same ones for the same seed."""
    number = 0
    while True:
        text = Draw(random.Random(f"{seed}/{number}")).problem()
        if admissible(text):
            yield text
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for number, text in zip(range(options.count), problems(options.seed), strict=False):
        (options.out / f"{number}_pointwise_{options.seed}.py").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
