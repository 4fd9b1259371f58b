"""Row problems: pointwise operations and reductions along random dimensions, in chains of two to four steps."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.generated.draft import Draft, Shape
from benchmarks.generated.row_forms import (
    CLASS_LOSSES,
    ELEMENT_LOSSES,
    LAYOUTS,
    LONG,
    NORMALISE,
    NORMALISE_ALL,
    PAIRS,
    PICK,
    REDUCE,
    REDUCE_ALL,
)

REDUCTIONS = ('"mean"', '"sum"', '"none"')


@dataclass
class Row(Draft):
    """A family of problems is one method that returns the names of the results."""

    def problem(self) -> str:
        self.draw_dtype()
        long = self.dtype != "float16" and self.chance(0.12)  # a sum of so many leaves the range of float16
        layout = self.source.choice(LONG if long else LAYOUTS)
        self.sizes = {name: self.source.randint(low, high) for name, (low, high) in layout.items()}
        families = (self._normalised, self._reduced, self._loss, self._picked, self._masked_mean)
        family = self.source.choices(families, (45, 28, 14, 9, 4))[0]
        return self.text(family())

    @property
    def shape(self) -> Shape:
        return tuple(self.sizes)

    def _normalised(self) -> list[str]:
        """Residual or activation, then a norm, then what follows it; at times the norm's input is returned too."""
        x = before = self._before(self.add_input("x", self.normal(self.shape)))
        for _ in range(self.source.choices((1, 2), (4, 1))[0]):
            x = self._norm(x)
            for _ in range(self.source.randint(0, 2)):
                x = self._after(x)
        also = self.chance(0.15) and before.startswith("h")
        return [x, before] if also else [x]

    def _reduced(self) -> list[str]:
        x = self._before(self.add_input("x", self.normal(self.shape)))
        if self.chance(0.25):
            x = self._norm(x)
        if self.chance(0.15):
            return [self._finished(self.assign(self.source.choice(REDUCE_ALL).format(x=x)))]
        d, k = self._dimensions(), self.chance(0.5)
        first = self._reduce(x, d, k)
        if self.chance(0.3):
            return [first, self._reduce(x, d, k)]
        if self.chance(0.3):
            first = self.assign(self.source.choice(PAIRS).format(a=first, b=self._reduce(x, d, k)))
        return [self._finished(first)]

    def _loss(self) -> list[str]:
        x = self.add_input("x", self.normal(self.shape))
        r, c = self.source.choice(REDUCTIONS), self.number()
        if self.chance(0.4):
            classes = self.shape[1]
            target = (
                f"({self.shape[0]},)" if len(self.sizes) == 2 else f"({', '.join((self.shape[0], *self.shape[2:]))})"
            )
            t = self.add_input("target", f"torch.randint(0, {classes}, {target})")
            return [self.assign(self.source.choice(CLASS_LOSSES).format(x=x, t=t, c=c, r=r))]
        y = self.add_input("y", self.normal(self.shape))
        x = self.activate(x) if self.chance(0.3) else x
        return [self.assign(self.source.choice(ELEMENT_LOSSES).format(x=x, y=y, c=c, r=r))]

    def _picked(self) -> list[str]:
        """Indices only of what was drawn, in float32: a rounded tie would leave it open which one is right."""
        self.dtype = "float32"
        x = self.add_input("x", self.normal(self.shape))
        k, c = self.chance(0.5), self.number()
        d = self.source.randrange(-1, len(self.sizes))
        results = []
        for form in self.source.choice(PICK):
            text = form.format(x=x, d=d, k=k, c=c)
            if not text.startswith("*"):
                results.append(self.assign(text))
                continue
            self.lines.append(f"first, second = {text[1:]}")
            results += ["first", "second"]
        return results

    def _masked_mean(self) -> list[str]:
        x = self._before(self.add_input("x", self.normal(self.shape)))
        d = self.source.randrange(1, len(self.sizes))
        mask = self.add_input("mask", f"torch.rand({', '.join(self.shape[: d + 1])}) < 0.6")
        spread = self.assign(
            f"{mask}[{', '.join([':'] * (d + 1) + ['None'] * (len(self.sizes) - d - 1))}].to({x}.dtype)"
        )
        total = self.assign(f"({x} * {spread}).sum({d})")
        return [self.assign(f"{total} / {spread}.sum({d}).clamp(min=1.0)")]

    def _before(self, x: str) -> str:
        """What comes before the first reduction: nothing, a residual, an activation, a scale."""
        if self.chance(0.35):
            residual = self.add_input("residual", self.normal(self.shape))
            x = self.assign(f"{x} + {residual}")
        if self.chance(0.35):
            x = self.activate(x)
        return x

    def _after(self, x: str) -> str:
        if self.chance(0.4):
            return self.activate(x)
        name = ("scale", "shift", "gate", "bias")[sum(line.startswith("self.") for line in self.state) % 4]
        if self.chance(0.6) and not any(f"self.{name} " in line or f'"{name}"' in line for line in self.state):
            held = self.add_state(name, self.normal((self.shape[-1],)))
            return self.assign(f"{x} {self.source.choice('*+')} {held}")
        return self.assign(f"{x} * {self.number()} + {self.number()}")

    def _norm(self, x: str) -> str:
        if self.chance(0.4):
            return self.assign(self._layer(x))
        if self.chance(0.12):
            return self.assign(self.source.choice(NORMALISE_ALL).format(x=x))
        d = self.source.choice((-1, *range(len(self.sizes))))
        return self.assign(self.source.choice(NORMALISE).format(x=x, d=d, c=self.number()))

    def _layer(self, x: str) -> str:
        """One of torch's own norms, as a module or as a function."""
        last, name = self.shape[-1], f"norm{len(self.state)}"
        forms = [
            lambda: f"{self.add_module(name, f'nn.LayerNorm({last})')}({x})",
            lambda: f"{self.add_module(name, f'nn.LayerNorm({last}, eps=1e-6, elementwise_affine=False)')}({x})",
            lambda: f"{self.add_module(name, f'nn.RMSNorm({last}, eps=1e-6)')}({x})",
            lambda: f"F.layer_norm({x}, {x}.shape[-1:])",
            lambda: f"F.rms_norm({x}, {x}.shape[-1:], eps=1e-5)",
            lambda: f"F.layer_norm({x}, {x}.shape[1:])",
        ]
        if "channels" in self.sizes:
            kind = f"{len(self.sizes) - 2}d"
            forms += [
                lambda: f"{self._grouped(name)}({x})",
                lambda: f"{self.add_module(name, f'nn.InstanceNorm{kind}(channels, affine={self.chance(0.5)})')}({x})",
                lambda: f"{self.add_module(name, f'nn.BatchNorm{kind}(channels).eval()')}({x})",
                lambda: f"{self.add_module(name, f'nn.BatchNorm{kind}(channels)')}({x})",
            ]
        return self.source.choice(forms)()

    def _grouped(self, name: str) -> str:
        self.sizes["channels"] = self.sizes["channels"] // 2 * 2
        return self.add_module(name, f"nn.GroupNorm({self.source.choice((1, 2))}, channels)")

    def _dimensions(self) -> str:
        """One dimension mostly, else several."""
        rank = len(self.sizes)
        if self.chance(0.7) or rank == 2:
            return str(self.source.choice((-1, *range(rank))))
        return str(tuple(sorted(self.source.sample(range(rank), self.source.randint(2, rank - 1)))))

    def _reduce(self, x: str, d: str, k: bool) -> str:
        return self.assign(self.source.choice(REDUCE).format(x=x, d=d, k=k))

    def _finished(self, x: str) -> str:
        return self.activate(x) if self.chance(0.4) else x


def write(source: random.Random) -> str:
    """The text of one problem."""
    return Row(source).problem()
