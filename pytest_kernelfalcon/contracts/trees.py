"""Nested arguments and results as JSON: what `get_inputs()` returns, without the tensors.

A tree is one of
    {"t": tensor spec}   a tensor (see `contract.TensorSpec`)
    {"v": scalar}        None, bool, int, float or str; a non-finite float is {"f": "nan" | "inf" | "-inf"}
    {"list": [tree…]}, {"tuple": [tree…]}, {"dict": {key: tree}}
A dict keeps its order, which decides nothing: its tensors count in the order of its keys' text, so that those of two
results are paired by key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

Tree = dict[str, Any]


class TreeError(ValueError):
    """A value that a tree cannot hold; the message names its type."""


def encode(value: object, tensor: Callable[[Any], dict[str, Any] | None]) -> Tree:
    """`value` as a tree; `tensor(x)` returns the spec of a tensor, or None for anything else."""
    spec = tensor(value)
    if spec is not None:
        return {"t": spec}
    if isinstance(value, float) and not math.isfinite(value):
        return {"f": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return {"v": value}
    if isinstance(value, tuple):
        return {"tuple": [encode(item, tensor) for item in value]}
    if isinstance(value, list):
        return {"list": [encode(item, tensor) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": _by_key(value, lambda item: encode(item, tensor))}
    raise TreeError(type(value).__name__)


def decode(tree: Tree, tensor: Callable[[dict[str, Any]], object]) -> object:
    """The value that `tree` stands for; `tensor(spec)` makes each tensor."""
    ((kind, content),) = tree.items()
    match kind:
        case "t":
            return tensor(content)
        case "v":
            return content
        case "f":
            return float(content)
        case "tuple":
            return tuple(decode(item, tensor) for item in content)
        case "list":
            return [decode(item, tensor) for item in content]
        case "dict":
            return _by_key(content, lambda item: decode(item, tensor))
    raise TreeError(f"unknown kind {kind!r}")


def _by_key(items: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Each item changed, in the order of the keys' text; the result in the order of the items."""
    changed = {key: change(item) for key, item in sorted(items.items())}
    return {key: changed[key] for key in items}


def leaves(tree: Tree) -> Iterator[dict[str, Any]]:
    """The tensor specs in a tree, in the order in which `encode` meets them."""
    ((kind, content),) = tree.items()
    if kind == "t":
        yield content
    elif kind in ("list", "tuple"):
        for item in content:
            yield from leaves(item)
    elif kind == "dict":
        for key in sorted(content):
            yield from leaves(content[key])


def skeleton(tree: Tree) -> object:
    """The nesting alone, with lists and tuples alike: two results agree in structure if these are equal."""
    ((kind, content),) = tree.items()
    if kind in ("list", "tuple"):
        return [skeleton(item) for item in content]
    if kind == "dict":
        return {key: skeleton(item) for key, item in content.items()}
    return "tensor" if kind == "t" else "scalar"
