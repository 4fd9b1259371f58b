"""How each plain reduction is written: over a whole row at once, or block by block."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_kernelfalcon.generator.cookbook.graph import Node
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, full, is_float
from pytest_kernelfalcon.generator.cookbook.row.combining import COMBINE, EXTREMES, helper

FAR = 2**63 - 1
"""The position of what is in no row: it loses every tie."""

MINUS_INFINITY = 'float("-inf")'

LIMITS = {"uint8": 8, "int8": 7, "int16": 15, "int32": 31, "int64": 63}


@dataclass(frozen=True)
class Reduction:
    """A plain reduction being written.

    names: of its results, one for each accumulator. operands: the texts of what is reduced, likewise. register: tl's
    dtype that it is computed in. kind: without the `row.`. keeps_nan: whether the largest of a row with NaN is NaN.
    """

    kind: str
    names: tuple[str, ...]
    operands: tuple[str, ...]
    register: str
    numerics: Numerics
    keeps_nan: bool = False

    @classmethod
    def kind_of(cls, node: Node) -> str:
        return node.op.removeprefix("row.")

    @property
    def identities(self) -> tuple[str, ...]:
        """What changes no result."""
        match self.kind:
            case "argmax" | "argmin":
                return self._identity, str(FAR)
            case "exponentials":
                return 'float("-inf")', "0.0"
            case "moments":
                return "0.0", "0.0", "0.0"
        return (self._identity,)

    @property
    def registers(self) -> tuple[str, ...]:
        return (self.register, "int64") if self.kind.startswith("arg") else (self.register,) * len(self.names)

    @property
    def _identity(self) -> str:
        match self.kind:
            case "sum" | "any":
                return "0.0" if self._floating else "0"
            case "prod" | "all":
                return "1.0" if self._floating else "1"
        largest = self.kind in ("amin", "argmin")
        if self._floating:
            return 'float("inf")' if largest else 'float("-inf")'
        bits = LIMITS[self.register]
        value = 2**bits - 1 if largest else -(2**bits)
        return full(str(value), self.register) if bits == 63 else str(value)

    @property
    def _floating(self) -> bool:
        return is_float(self.register)

    @property
    def _combine(self) -> str | None:
        """The helper that joins two of these; None where tl has a word for the whole."""
        if self._floating and self.kind in EXTREMES:
            return self._helper(EXTREMES[self.kind])
        return self._helper(COMBINE[self.kind]) if self.kind in COMBINE else None

    def _helper(self, word: str) -> str:
        if word not in self.numerics.helpers:
            self.numerics.helpers[word] = helper(word, self.numerics.of(self.register))
        return word

    def masked(self) -> list[str]:
        """The operands where the row has elements. Each element of the row is moments of its own: one, itself, zero."""
        if self.kind == "moments" and len(self.operands) == 1:
            return ["tl.where(mask, 1.0, 0.0)", f"tl.where(mask, {self.operands[0]}, 0.0)", "0.0"]
        pairs = zip(self.operands, self.identities, strict=True)
        return [value if value == other else f"tl.where(mask, {value}, {other})" for value, other in pairs]

    def whole(self, values: list[str], axis: str) -> str:
        """The results of reducing `values` along an axis."""
        if self.kind == "moments":
            word = "_whole_moments" if axis == "axis=0" else "_whole_moments_of_rows"
            return f"{self._helper(word)}({', '.join(values)})"
        joined = f"({', '.join(values)})" if len(values) > 1 else values[0]
        if self._combine is not None:
            return f"tl.reduce({joined}, {axis}, combine_fn={self._combine})"
        word = {"sum": "sum", "any": "max", "all": "min"}.get(self.kind, "max" if "max" in self.kind else "min")
        text = f"tl.{word}({joined}, {axis})"
        if self.kind in ("any", "all"):
            return f"{text} != 0"
        narrow = self.kind != "sum" and self.register in ("int8", "int16")
        return f"{text}.to(tl.{self.register})" if narrow else text

    @property
    def streams(self) -> bool:
        """Whether the results are known after each block: what needs another reduction first elsewhere, unless it joins
        what programs have left. Moments are kept by lane and joined at the end: their errors average out.
        """
        return self.kind == "exponentials" and len(self.operands) == 1

    def streamed(self, axis: str) -> list[str]:
        """The lines that take a block in."""
        forms = self.numerics.of(self.register)
        (x,) = self.operands
        largest, total = self.names
        here = f"tl.where(mask, {x}, {MINUS_INFINITY})"
        new = f"tl.reduce({here}, {axis}, combine_fn={self._helper('_maximum')})" if self.keeps_nan else ""
        exp = forms.unary("exp", f"{x} - {largest}_shift")
        scaled = f"{total} * {forms.unary('exp', f'{largest}_before - {largest}_shift')}"
        return [
            f"{largest}_before = {largest}",
            f"{largest} = {self._larger(f'{largest}_before', new or f'tl.max({here}, {axis})')}",
            f"{largest}_shift = tl.where({largest} == {MINUS_INFINITY}, 0.0, {largest})",
            f"{total}_block = tl.where(mask, {exp}, 0.0)",
            f"{total} = {scaled} + tl.sum({total}_block, {axis})",
        ]

    def _larger(self, a: str, b: str) -> str:
        return f"{self._helper('_maximum')}({a}, {b})" if self.keeps_nan else f"tl.maximum({a}, {b})"

    def initial(self, shape: str) -> list[str]:
        """The accumulators before the first block."""
        pairs = zip(self.identities, self.registers, strict=True)
        return [f"tl.full({shape}, {_plain(value)}, tl.{register})" for value, register in pairs]

    def joined(self, before: list[str], values: list[str]) -> str:
        """The accumulators with a block's values."""
        if self._combine is not None:
            return f"{self._combine}({', '.join([*before, *values])})"
        if self.kind == "sum":
            return f"{before[0]} + {values[0]}"
        word = "maximum" if self.kind in ("any", "amax", "max") else "minimum"
        return f"tl.{word}({before[0]}, {values[0]})"


def _plain(identity: str) -> str:
    """An identity as a literal."""
    return identity.removeprefix("tl.full((), ").split(", tl.")[0] if identity.startswith("tl.full") else identity


RESULTS = {"exponentials": ("largest", "total"), "moments": ("count", "mean", "squares")}
"""Kind → what its results are called."""


def register(kind: str, dtype: str) -> str:
    """The type that a reduction with this output is computed in."""
    return "int32" if kind in ("any", "all") else "int32" if dtype == "bool" else REGISTER[dtype]
