"""The tensors of a problem: what its model holds, and how tensors share their storages."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import ITEMSIZE
from pytest_kernelfalcon.judge.roles.broken import Broken

Kind = Literal["parameter", "buffer", "attribute"]


@dataclass
class Held:
    """One tensor that the model holds, as the keyword argument `arg`; `path` is its place in the model.

    tied_to: the `arg` of an earlier one that is the same memory, seen the same way.
    """

    arg: str
    path: str
    tensor: torch.Tensor
    kind: Kind
    tied_to: str | None


def state_of(model: nn.Module) -> list[Held]:
    """Parameters, then buffers (non-persistent too), then tensors in plain attributes of any submodule.

    Raises `Broken` where two of them would be the same argument.
    """
    held = held_in(model)
    paths: dict[str, str] = {}
    for item in held:
        if item.arg in paths:
            raise Broken(Cause.PROBLEM_STATE_NAMES, detail=f"`{paths[item.arg]}` and `{item.path}` as `{item.arg}`")
        paths[item.arg] = item.path
    return held


def held_in(model: nn.Module) -> list[Held]:
    """As `state_of`, whose caller knows that their names differ."""
    held: list[Held] = []
    firsts: dict[object, str] = {}
    for kind, path, tensor in [*_registered(model), *_attributes(model)]:
        arg = _argument(path)
        tied_to = firsts.setdefault(_memory(tensor), arg)
        held.append(Held(arg, path, tensor, kind, None if tied_to == arg else tied_to))
    return held


def _argument(path: str) -> str:
    """`path` with dots as underscores; a leading underscore where that alone is not an identifier."""
    arg = re.sub(r"\W", "_", path)
    return arg if arg.isidentifier() and not keyword.iskeyword(arg) else f"_{arg}"


def _memory(tensor: torch.Tensor) -> object:
    storage = tensor.untyped_storage()._cdata
    return storage, tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), tensor.dtype


def _registered(model: nn.Module) -> Iterator[tuple[Kind, str, torch.Tensor]]:
    for path, parameter in model.named_parameters(remove_duplicate=False):
        yield "parameter", path, parameter
    for path, buffer in model.named_buffers(remove_duplicate=False):
        yield "buffer", path, buffer


def _attributes(model: nn.Module) -> Iterator[tuple[Kind, str, torch.Tensor]]:
    """Plain attributes. One that only repeats a registered tensor inside a list (as RNNs keep) is no further state."""
    known = {id(tensor) for _, _, tensor in _registered(model)}
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, value in vars(module).items():
            if name in ("_parameters", "_buffers", "_modules"):
                continue
            if isinstance(value, torch.Tensor):
                yield "attribute", _join(prefix, name), value
            else:
                for path, tensor in _contained(value, _join(prefix, name), set()):
                    if id(tensor) not in known:
                        yield "attribute", path, tensor


def _contained(value: object, path: str, seen: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors inside lists, tuples and dicts, and in modules that only such a container holds."""
    if isinstance(value, torch.Tensor):
        yield path, value
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        items: Any = [(name, tensor) for _, name, tensor in (*_registered(value), *_attributes(value))]
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    else:
        return
    for key, item in items:
        yield from _contained(item, _join(path, str(key)), seen)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def tensors_in(value: object) -> list[torch.Tensor]:
    """The tensors in lists, tuples and dicts, in order; those of a dict in the order of its keys' text."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=str)]
    return [tensor for item in value for tensor in tensors_in(item)] if isinstance(value, list | tuple) else []


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """`value` with its tensors changed, through nested lists, tuples (named ones too) and dicts."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(item, change) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, change) for item in value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value


def nbytes(tensor: torch.Tensor) -> int:
    """Bytes of the elements."""
    return tensor.numel() * tensor.element_size()


class Storages:
    """Tensors' descriptions over numbered storages: views of one storage name the same number."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._storages: list[torch.UntypedStorage] = []

    def number(self, tensor: torch.Tensor) -> int:
        """The number of the tensor's storage, in order of first sight."""
        storage = tensor.untyped_storage()
        key = storage._cdata  # unlike data_ptr(), it tells storages without memory apart
        if key not in self._numbers:
            self._numbers[key] = len(self._storages)
            self._storages.append(storage)
        return self._numbers[key]

    def spec(self, tensor: torch.Tensor) -> dict[str, Any]:
        """A `contract.TensorSpec` as a dict. Raises `Broken` for what is not a plain strided tensor."""
        dtype = str(tensor.dtype).removeprefix("torch.")
        if tensor.layout != torch.strided or dtype not in ITEMSIZE:
            raise Broken(Cause.PROBLEM_VALUES, detail=f"a tensor of dtype {tensor.dtype}, layout {tensor.layout}")
        return {
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset(),
            "dtype": dtype,
            "storage": self.number(tensor),
        }

    @property
    def items(self) -> list[torch.Tensor]:
        """Each storage whole, as a uint8 tensor that shares its memory."""
        empty = (torch.empty(0, dtype=torch.uint8, device=storage.device) for storage in self._storages)
        return [tensor.set_(storage) for tensor, storage in zip(empty, self._storages, strict=True)]
