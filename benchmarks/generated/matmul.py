"""Matmul problems: one contraction, with what is computed of its operands before and of its result after."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.generated.draft import ACTIVATIONS, Draft, Shape
from benchmarks.generated.matmul_forms import PRODUCTS, RANGES, ROW_EPILOGUES, Product

WEIGHT = 0.15
"""What the second operand is scaled by: results stay moderate."""


@dataclass
class Matmul(Draft):
    def problem(self) -> str:
        self.draw_dtype()
        if self.chance(0.18):
            result, out = self._layer()
        else:
            result, out = self._product(self.source.choice(PRODUCTS))
        return self.text([self._epilogue(result, out)])

    def _layer(self) -> tuple[str, Shape]:
        """nn.Linear on a tensor of two to four dimensions."""
        lead = self.source.choice((("batch_size",), ("batch_size", "seq_len"), ("batch_size", "heads", "seq_len")))
        self._size(*lead, "in_features", "out_features")
        x = self._prologue(self.add_input("x", self.normal((*lead, "in_features"))), (*lead, "in_features"))
        bias = "" if self.chance(0.6) else ", bias=False"
        linear = self.add_module("linear", f"nn.Linear(in_features, out_features{bias})")
        return self.assign(f"{linear}({x})"), (*lead, "out_features")

    def _product(self, product: Product) -> tuple[str, Shape]:
        shapes = {name: tuple(getattr(product, name).split()) for name in "abc"}
        self._size(*(size for shape in shapes.values() for size in shape))
        held = product.held if self.chance(0.5) else ""
        operands = {name: self._operand(name, shape, name in held) for name, shape in shapes.items() if shape}
        return self.assign(product.text.format(**operands)), tuple(product.out.split())

    def _size(self, *names: str) -> None:
        for name in names:
            if name in RANGES and name not in self.sizes:
                self.sizes[name] = self.source.randint(*RANGES[name])

    def _operand(self, name: str, shape: Shape, held: bool) -> str:
        made = self.normal(shape, 1.0 if name == "a" else WEIGHT)
        if held:
            return self.add_state({"b": "weight", "c": "bias"}[name], made)
        return self._prologue(self.add_input(name, made), shape)

    def _prologue(self, x: str, shape: Shape) -> str:
        """Mostly nothing; else something pointwise."""
        if self.chance(0.75):
            return x
        if self.chance(0.3):
            gate = self.add_input(f"gate_{x}", self.normal(shape))
            return self.assign(f"F.silu({x}) * {gate}")
        return self.assign(self.source.choice(ACTIVATIONS).format(x=x, c=self.number()))

    def _epilogue(self, x: str, out: Shape) -> str:
        """Up to two pointwise steps, then at times a reduction along the last dimension."""
        for _ in range(self.source.choices((0, 1, 2), (4, 4, 2))[0]):
            x = self._pointwise(x, out)
        if self.chance(0.3):
            x = self.assign(self.source.choice(ROW_EPILOGUES).format(x=x, c=self.number()))
            x = self.activate(x) if self.chance(0.2) else x
        return x

    def _pointwise(self, x: str, out: Shape) -> str:
        names = {name for name, _ in self.inputs}
        if self.chance(0.25) and "residual" not in names:
            return self.assign(f"{x} + {self.add_input('residual', self.normal(out))}")
        if self.chance(0.25) and not any("shift" in line for line in self.state):
            return self.assign(f"{x} + {self.add_state('shift', self.normal((out[-1],)))}")
        if self.chance(0.1) and "mask" not in names and len(out) > 1:
            mask = self.add_input("mask", f"torch.rand({', '.join(out)}) < 0.7")
            return self.assign(f"{x}.masked_fill({mask}, -2.0)")
        return self.activate(x)


def write(source: random.Random) -> str:
    """The text of one problem."""
    return Matmul(source).problem()
