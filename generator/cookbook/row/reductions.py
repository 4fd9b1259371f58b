"""How each plain reduction is written: over a whole row at once, or block by block."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_kernelfalcon.generator.cookbook.graph import Node
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, full, is_float

FAR = 2**63 - 1
"""The position of what is in no row: it loses every tie."""

LIMITS = {"uint8": 8, "int8": 7, "int16": 15, "int32": 31, "int64": 63}

HELPERS = {
    "_product": ["a, b", "return a * b"],
    "_maximum": ["a, b", "return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)"],
    "_minimum": ["a, b", "return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)"],
    "_larger": [
        "a, i, b, j",
        "# NaN before all else; of equals the first",
        "tie = (a == b) | ((a != a) & (b != b))",
        "left = (a > b) | ((a != a) & (b == b)) | (tie & (i < j))",
        "return tl.where(left, a, b), tl.where(left, i, j)",
    ],
    "_smaller": [
        "a, i, b, j",
        "# NaN before all else; of equals the first",
        "tie = (a == b) | ((a != a) & (b != b))",
        "left = (a < b) | ((a != a) & (b == b)) | (tie & (i < j))",
        "return tl.where(left, a, b), tl.where(left, i, j)",
    ],
}


@dataclass(frozen=True)
class Reduction:
    """A plain reduction being written.

    names: of its results. operand: the text of what it reduces, in `register`. register: tl's dtype that it is
    computed in. place: the text of an element's position. kind: without the `row.`.
    """

    kind: str
    names: tuple[str, ...]
    operand: str
    register: str
    numerics: Numerics
    place: str = "column"

    @classmethod
    def kind_of(cls, node: Node) -> str:
        return node.op.removeprefix("row.")

    @property
    def searches(self) -> bool:
        return self.kind.startswith("arg")

    @property
    def identity(self) -> str:
        """What changes no result."""
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
        word = {"prod": "_product", "argmax": "_larger", "argmin": "_smaller"}.get(self.kind)
        if self._floating and self.kind in ("amax", "amin"):
            word = {"amax": "_maximum", "amin": "_minimum"}[self.kind]
        if word is not None and word not in self.numerics.helpers:
            signature, *body = HELPERS[word]
            lines = "".join(f"    {line}\n" for line in body)
            self.numerics.helpers[word] = f"@triton.jit\ndef {word}({signature}):\n{lines}"
        return word

    def masked(self) -> list[str]:
        """The operand where the row has elements, and their positions if they are wanted."""
        texts = [f"tl.where(mask, {self.operand}, {self.identity})"]
        return [*texts, f"tl.where(mask, {self.place}, {FAR})"] if self.searches else texts

    def whole(self, values: list[str], axis: str) -> str:
        """The results of reducing `values` along an axis."""
        joined = f"({', '.join(values)})" if self.searches else values[0]
        if self._combine is not None:
            return f"tl.reduce({joined}, {axis}, combine_fn={self._combine})"
        word = {"sum": "sum", "any": "max", "all": "min"}.get(self.kind, "max" if "max" in self.kind else "min")
        text = f"tl.{word}({joined}, {axis})"
        if self.kind in ("any", "all"):
            return f"{text} != 0"
        narrow = self.kind != "sum" and self.register in ("int8", "int16")
        return f"{text}.to(tl.{self.register})" if narrow else text

    def initial(self, shape: str) -> list[str]:
        """The accumulators before the first block."""
        values = [f"tl.full({shape}, {_plain(self.identity)}, tl.{self.register})"]
        return [*values, f"tl.full({shape}, {FAR}, tl.int64)"] if self.searches else values

    def joined(self, before: list[str], values: list[str]) -> str:
        """The accumulators with a block's values."""
        if self.searches or self._combine is not None:
            pairs = [*before, *values]
            return f"{self._combine}({', '.join(pairs)})"
        if self.kind == "sum":
            return f"{before[0]} + {values[0]}"
        word = "maximum" if self.kind in ("any", "amax", "max") else "minimum"
        return f"tl.{word}({before[0]}, {values[0]})"


def _plain(identity: str) -> str:
    """An identity as a literal."""
    return identity.removeprefix("tl.full((), ").split(", tl.")[0] if identity.startswith("tl.full") else identity


def register(kind: str, dtype: str) -> str:
    """The type that a reduction with this output is computed in."""
    return "int32" if kind in ("any", "all") else "int32" if dtype == "bool" else REGISTER[dtype]
