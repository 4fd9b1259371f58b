"""What every kind of generated problem is made of: named sizes, tensors, lines of a forward, and the file's text."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[str, ...]
"""A size's name, or "1", for each dimension."""

HALF = ("float16", "bfloat16")
DTYPES = ("float32", *HALF)

ACTIVATIONS = (
    "torch.relu({x})", "F.gelu({x})", 'F.gelu({x}, approximate="tanh")', "F.silu({x})", "torch.tanh({x})",
    "torch.sigmoid({x})", "F.elu({x}, alpha=0.7)", "F.leaky_relu({x}, 0.1)", "F.softplus({x})", "F.hardswish({x})",
    "{x}.clamp(-1.5, 2.0)", "{x} * {c}", "{x} + {c}", "{c} - {x}", "{x} / {c}", "torch.sin({x})", "{x}.abs()",
    "torch.where({x} > 0, {x}, {x} * 0.5)", "torch.sqrt({x}.abs() + 0.1)", "{x} * torch.sigmoid({x})",
)  # fmt: skip
"""Pointwise forms of one tensor that keep a moderate magnitude moderate."""


@dataclass
class Draft:
    """One problem being drawn. source: where all chance comes from. sizes: by name, module level in the text."""

    source: random.Random
    sizes: dict[str, int] = field(default_factory=dict)
    dtype: str = "float32"
    inputs: list[tuple[str, str]] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        return self.source.random() < probability

    def draw_dtype(self) -> None:
        self.dtype = self.source.choices(DTYPES, (8, 1, 1))[0]

    def number(self) -> float:
        return round(self.source.uniform(0.2, 1.8), 2)

    def cast(self) -> str:
        """What makes a float32 tensor one of the problem's dtype."""
        return "" if self.dtype == "float32" else f".to(torch.{self.dtype})"

    def normal(self, shape: Shape, factor: float = 1.0) -> str:
        made = f"torch.randn({', '.join(shape)})" if shape else "torch.randn(())"
        return f"{made if factor == 1 else f'({made} * {factor})'}{self.cast()}"

    def add_input(self, name: str, made: str) -> str:
        self.inputs.append((name, made))
        return name

    def add_state(self, name: str, made: str) -> str:
        """A tensor of the model, as one of the three ways to hold it."""
        forms = ("self.{n} = nn.Parameter({m})", 'self.register_buffer("{n}", {m})', "self.{n} = {m}")
        self.state.append(self.source.choices(forms, (4, 2, 1))[0].format(n=name, m=made))
        return f"self.{name}"

    def add_module(self, name: str, made: str) -> str:
        self.state.append(f"self.{name} = {made}{self.cast()}")
        return f"self.{name}"

    def assign(self, text: str) -> str:
        name = f"h{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def activate(self, x: str) -> str:
        return self.assign(self.source.choice(ACTIVATIONS).format(x=x, c=self.number()))

    def text(self, results: Sequence[str]) -> str:
        """The file. A size that a line of the state names becomes an argument of the model."""
        used = [name for name in self.sizes if any(re.search(rf"\b{name}\b", line) for line in self.state)]
        arguments = ", ".join(["self", *(f"{name}: int" for name in used)])
        head = [f"    def __init__({arguments}):", "        super().__init__()"]
        head += [*(f"        {line}" for line in self.state), ""]
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
    return all(_varies(a, b) for a, b in pairs)


def _varies(a: Any, b: Any) -> bool:
    several = a.numel() > 1
    return bool(a.isfinite().all()) and not a.equal(b) and (not several or bool((a != a.flatten()[0]).any()))


def admissible_ones(write: Callable[[random.Random], str], seed: int) -> Iterator[str]:
    """Problems without end, the same ones for the same seed."""
    number = 0
    while True:
        text = write(random.Random(f"{seed}/{number}"))
        if admissible(text):
            yield text
        number += 1
