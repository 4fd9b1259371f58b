"""Wrapping: Python calls as ruff would lay them out."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 88
INDENT = "    "


def call(head: str, arguments: Sequence[str], depth: int = 1, tail: str = "") -> list[str]:
    """`head(arguments)tail`, on one line where that fits, else one argument a line."""
    line = f"{INDENT * depth}{head}({', '.join(arguments)}){tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    inner = [f"{INDENT * (depth + 1)}{argument}," for argument in arguments]
    return [f"{INDENT * depth}{head}(", *inner, f"{INDENT * depth}){tail}"]


def numbers(values: Sequence[int]) -> str:
    """A tuple."""
    return several([str(value) for value in values])


def several(parts: Sequence[str]) -> str:
    """A tuple of expressions."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def literal(value: bool | int | float | str | None) -> str:
    """A scalar as Python's text."""
    if isinstance(value, float) and value - value != 0:
        return f'float("{value}")'
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in shown else shown
