"""Arguments that a test gives: a function that draws them, or tensors that others are drawn like.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_kernelfalcon.asserting.modules import CannotJudge
from pytest_kernelfalcon.contracts.trees import TreeError, encode

SAMPLE = 1 << 16
"""Elements of a tensor that are looked at."""
QUANTILES = 64
CHOICES = 16
"""So many different values, or fewer, that repeat are drawn as they are; of more, what lies between them too."""
INTEGERS = {"uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"}


def is_tensor(value: object) -> bool:
    """Without importing torch: where it is not loaded, nothing is a tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def described(inputs: Sequence[Any], names: Sequence[str]) -> str:
    """How to draw values like these, as JSON (see `embedded.kf_drawn`): shapes, strides and shared memory stay.

    Raises CannotJudge for what cannot be an argument.
    """
    groups = _Groups()
    trees = []
    for name, value in zip(names, inputs, strict=True):
        try:
            trees.append(encode(value, lambda item, name=name: groups.add(item, name) if is_tensor(item) else None))  # type: ignore[misc]
        except TreeError as error:
            raise CannotJudge(
                f"the input `{name}` holds a {error}. Fix: give tensors, numbers, texts, or lists, tuples and dicts "
                "of them."
            ) from None
    return json.dumps({"inputs": trees, "storages": [group.drawn() for group in groups.all]})


class _Group:
    """The tensors over one storage. first, last: the elements of it that they reach."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.tensors, self.specs = dtype, list[Any](), list[dict[str, Any]]()
        self.first, self.last = sys.maxsize, -1

    def add(self, tensor: Any, spec: dict[str, Any]) -> None:
        self.tensors.append(tensor)
        self.specs.append(spec)
        if tensor.numel():
            reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
            self.first = min(self.first, tensor.storage_offset())
            self.last = max(self.last, tensor.storage_offset() + reach)

    def drawn(self) -> dict[str, Any]:
        first = 0 if self.last < 0 else self.first
        for spec, tensor in zip(self.specs, self.tensors, strict=True):
            spec["offset"] = tensor.storage_offset() - first if tensor.numel() else 0
        return {"count": self.last + 1 - first if self.last >= 0 else 0, "dtype": self.dtype} | self._like()

    def _like(self) -> dict[str, Any]:
        seen = [value for tensor in self.tensors for value in _sample(tensor)]
        if self.dtype == "bool":
            return {"how": "rate", "values": [sum(seen) / max(1, len(seen))], "odd": []}
        if self.dtype in INTEGERS:
            held = [tensor for tensor in self.tensors if tensor.numel()]
            low = min((int(tensor.long().min()) for tensor in held), default=0)
            high = max((int(tensor.long().max()) for tensor in held), default=0)
            return {"how": "range", "values": [low, min(high, 2**63 - 2)], "odd": []}
        return _floats(seen)


def _floats(seen: list[float]) -> dict[str, Any]:
    finite = sorted(value for value in seen if math.isfinite(value)) or [0.0]
    odd = [[name, count / len(seen)] for name, count in Counter(str(v) for v in seen if not math.isfinite(v)).items()]
    counted = Counter(finite)
    if len(counted) == 1 or (len(counted) <= CHOICES and len(finite) >= 4 * len(counted)):
        return {"how": "choice", "values": [[value, count] for value, count in counted.items()], "odd": odd}
    at = [round(k * (len(finite) - 1) / QUANTILES) for k in range(QUANTILES + 1)]
    return {"how": "quantiles", "values": [finite[index] for index in at], "odd": odd}


def _sample(tensor: Any) -> list[float]:
    flat = tensor.detach().reshape(-1)
    return [float(value) for value in flat[:: 1 + flat.numel() // SAMPLE].double().cpu().tolist()]


class _Groups:
    def __init__(self) -> None:
        self._groups: dict[object, tuple[int, _Group]] = {}

    @property
    def all(self) -> list[_Group]:
        return [group for _, group in self._groups.values()]

    def add(self, tensor: Any, name: str) -> dict[str, Any]:
        dtype = str(tensor.dtype).removeprefix("torch.")
        plain = str(tensor.layout) == "torch.strided" and not tensor.is_complex() and not tensor.is_quantized
        if not plain or tensor.is_meta:
            raise CannotJudge(
                f"the input `{name}` is a tensor of dtype {dtype}, layout {tensor.layout}, on {tensor.device}. Fix: "
                "give a plain tensor of real numbers that has memory."
            )
        number, group = self._groups.setdefault(_memory(tensor), (len(self._groups), _Group(dtype)))
        if group.dtype != dtype:
            raise CannotJudge(
                f"the input `{name}` shares the memory of an input of another dtype ({group.dtype}, {dtype}). Fix: "
                "give a function that makes both."
            )
        spec = {"storage": number, "shape": list(tensor.shape), "stride": list(tensor.stride())}
        group.add(tensor, spec)
        return spec


def _memory(tensor: Any) -> object:
    storage = tensor.untyped_storage()
    return storage._cdata if storage.nbytes() else id(tensor)


def names_of(inputs: object, known: Sequence[str]) -> list[str]:
    """What messages call the inputs: a dict's keys, else the reference's parameters."""
    if isinstance(inputs, Mapping):
        return [str(key) for key in inputs]
    count = len(inputs) if isinstance(inputs, Sequence) else 0
    return [known[k] if k < len(known) else f"input_{k}" for k in range(count)]
