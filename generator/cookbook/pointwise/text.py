"""Python text: numbers, names, and calls broken over lines as ruff formats them."""

from __future__ import annotations

import keyword
import math
import re
import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

WIDTH = 120
REGISTER = {
    "float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64", "bool": "int1",
    "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8",
}  # fmt: skip
"""Torch's dtype → what a kernel computes it in: half types in float32, as eager's own kernels do."""

HALF = ("float16", "bfloat16")
LARGEST = 3.4028234663852886e38


def is_float(dtype: str) -> bool:
    return "float" in dtype


def number(value: float, dtype: str) -> str:
    """`value` as a literal of an expression in `dtype`."""
    if dtype == "bool":
        return str(bool(value))
    if not is_float(dtype):
        return str(int(value))
    value = float(value)
    if dtype != "float64" and LARGEST < abs(value) < math.inf:
        value = math.copysign(math.inf, value)
    text = repr(value) if math.isfinite(value) else f'float("{value}")'
    return full(text, dtype) if dtype == "float64" and not _single(value) else text


def full(text: str, dtype: str, shape: str = "()") -> str:
    """A literal as a tensor of its type."""
    return f"tl.full({shape}, {text}, tl.{REGISTER[dtype]})"


def _single(value: float) -> bool:
    """Whether float32, which Triton takes a literal for, holds `value`."""
    if not math.isfinite(value):
        return True
    return abs(value) <= LARGEST and bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)


def rounded(value: float, dtype: str) -> float:
    """`value` as a half type holds it: eager compares and clamps with bounds of the tensor's own type."""
    if dtype == "float16":
        if abs(value) >= 65520:
            return math.copysign(math.inf, value)
        return float(struct.unpack("<e", struct.pack("<e", value))[0])
    if dtype == "bfloat16" and math.isfinite(value):
        (bits,) = struct.unpack("<I", struct.pack("<f", value))
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
        return float(struct.unpack("<f", struct.pack("<I", bits))[0])
    return float(value)


class Names:
    """Identifiers of one scope, none given twice. taken: what it must not give, beside keywords and modules."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {"torch", "triton", "tl", "libdevice", *keyword.kwlist, *taken}

    def fresh(self, wish: str, *suffixes: str) -> str:
        """`wish` if it is free, else with the first number that makes it so; with each of `suffixes` it is free too."""
        base = re.sub(r"\W+", "_", wish).strip("_") or "value"
        base = f"_{base}" if base[0].isdigit() else base
        name, k = base, 0
        while not self._taken.isdisjoint(names := {name, *(name + suffix for suffix in suffixes)}):
            k += 1
            name = f"{base}_{k}"
        self._taken |= names
        return name


def call(head: str, args: Sequence[str], tail: str, indent: int) -> list[str]:
    """`head(args)tail` at `indent`: on one line, else the arguments on their own, else one a line."""
    pad = " " * indent
    inline = ", ".join(args)
    whole = f"{pad}{head}({inline}){tail}"
    if len(whole) <= WIDTH:
        return [whole]
    if len(pad) + 4 + len(inline) <= WIDTH:
        return [f"{pad}{head}(", f"{pad}    {inline}", f"{pad}){tail}"]
    return [f"{pad}{head}(", *(f"{pad}    {arg}," for arg in args), f"{pad}){tail}"]


def broken(line: str, indent: int) -> list[str]:
    """A line that may end with a call; if it is too long, with that call's arguments on lines of their own."""
    if indent + len(line) <= WIDTH or not line.endswith(")"):
        return [" " * indent + line]
    depth, places, start = 0, [], 0
    for place in range(len(line) - 1, -1, -1):
        depth += (line[place] == ")") - (line[place] == "(")
        if depth == 0:
            start = place
            break
        if depth == 1 and line[place] == ",":
            places.append(place)
    cuts = [start, *reversed(places), len(line) - 1]
    args = [line[a + 1 : b].strip() for a, b in pairwise(cuts)]
    return call(line[:start], args, "", indent)


def assign(name: str, value: str, comment: str, indent: int) -> str:
    """`name = value  # comment`; the comment only where it fits."""
    line = f"{' ' * indent}{name} = {value}"
    return f"{line}  # {comment}" if comment and len(line) + len(comment) + 4 <= WIDTH else line


def sum_lines(name: str, terms: Sequence[str], indent: int) -> list[str]:
    """`name = a + b + …`: on one line, else in parentheses, else one term a line."""
    pad = " " * indent
    whole = f"{pad}{name} = {' + '.join(terms)}"
    if len(whole) <= WIDTH:
        return [whole]
    if len(pad) + 4 + len(" + ".join(terms)) <= WIDTH:
        return [f"{pad}{name} = (", f"{pad}    {' + '.join(terms)}", f"{pad})"]
    first, *rest = terms
    return [f"{pad}{name} = (", f"{pad}    {first}", *(f"{pad}    + {term}" for term in rest), f"{pad})"]
