"""What stands in every problem that `assert_kernel` makes. It is read as text and runs where problems do.

The user's modules are embedded as texts, since no role sees the user's files; tensors that a test gave are drawn
afresh, like them. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import json
import linecache
import sys
from types import ModuleType
from typing import Any

import torch


class KfTexts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules from texts: {name: [path, text]}. Folders above them are empty packages."""

    def __init__(self, texts: dict[str, list[str]]) -> None:
        self.texts = texts
        self.packages = {name.rsplit(".", up)[0] for name in texts for up in range(1, name.count(".") + 1)}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self.texts and name not in self.packages:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in self.packages)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ not in self.texts:
            return
        path, text = self.texts[module.__name__]
        module.__file__ = path
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)


def kf_embed(texts: dict[str, list[str]]) -> None:
    """From now on these modules are importable, executed afresh."""
    finder = KfTexts(texts)
    sys.meta_path[:] = [finder, *(other for other in sys.meta_path if type(other).__name__ != "KfTexts")]
    for name in [*texts, *finder.packages]:
        sys.modules.pop(name, None)


def kf_take(module: str, dotted: str) -> Any:
    """What that expression gives in that module."""
    held: Any = importlib.import_module(module)
    for part in dotted.split("."):
        held = getattr(held, part)
    return held


def kf_named(model: Any, names: list[str]) -> None:
    """Gives `forward` the parameters' names that messages use."""
    kinds = inspect.Parameter
    given = [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in ("self", *names)]
    model.forward.__signature__ = inspect.Signature([*given, kinds("rest", kinds.VAR_POSITIONAL)])


def kf_listed(given: Any) -> list[Any]:
    """What a function of inputs returns, as a list."""
    if isinstance(given, torch.Tensor):
        return [given]
    if not isinstance(given, list | tuple):
        raise TypeError(f"the function of inputs returns a {type(given).__name__}: return a list or a tuple")
    return list(given)


def kf_drawn(text: str) -> list[Any]:
    """Values like the given ones: {"inputs": [tree], "storages": [how to draw each]}."""
    spec = json.loads(text)
    storages = [_kf_storage(**storage) for storage in spec["storages"]]

    def made(tree: Any) -> Any:
        ((kind, content),) = tree.items()
        if kind == "t":
            base = storages[content["storage"]]
            return base.as_strided(content["shape"], content["stride"], content["offset"])
        if kind == "list":
            return [made(item) for item in content]
        if kind == "tuple":
            return tuple(made(item) for item in content)
        if kind == "dict":
            return {key: made(item) for key, item in content.items()}
        return float(content) if kind == "f" else content

    return [made(tree) for tree in spec["inputs"]]


def _kf_storage(count: int, dtype: str, how: str, values: list[Any], odd: list[Any]) -> torch.Tensor:
    """A flat tensor. how: `rate` of a bool, `range` of integers, `choice` of [value, weight], `quantiles` in between
    of which floats lie. odd: [value that is not finite, its rate].
    """
    kind: torch.dtype = getattr(torch, dtype)
    if how == "rate":
        return torch.rand(count) < torch.tensor(float(values[0]))
    if how == "range":
        return torch.randint(values[0], values[1] + 1, (count,), dtype=torch.int64).to(kind)
    if how == "choice":
        weights = torch.tensor([weight for _, weight in values], dtype=torch.float32)
        at = torch.multinomial(weights, count, replacement=True) if count else torch.zeros(0, dtype=torch.int64)
        drawn = torch.tensor([value for value, _ in values], dtype=torch.float64)[at]
    else:
        steps = torch.tensor(values, dtype=torch.float64)
        place = torch.rand(count, dtype=torch.float64) * (len(values) - 1)
        below = place.long().clamp(max=len(values) - 2)
        drawn = steps[below] + (place - below) * (steps[below + 1] - steps[below])
    for value, rate in odd:
        drawn = torch.where(torch.rand(count) < rate, torch.full((), float(value), dtype=torch.float64), drawn)
    return drawn.to(kind)
