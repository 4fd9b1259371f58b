"""The launch plan's vocabulary: hostile messages in, checked steps out.

A wrapper can say only this, one JSON object a message, each with exactly these keys:
    {"op": "alloc", "storage", "bytes"}                  a new storage, numbered in order
    {"op": "fill", "tensor", "value"}                    every element becomes one scalar
    {"op": "copy", "target", "source"}                   same shape and dtype
    {"op": "launch", "kernel", "grid", "arguments", "options", "line"}
    {"op": "read", "tensor", "line"}                     a few scalars back into Python, counted
    {"op": "tune", "kernel", "count", "pick"}            an autotuned launch: how many configurations, which is used
    {"op": "result", "tree"}                             ends a call
    {"op": "refuse", "cause", "facts", "line"}           the tracer's own word: something that has no message
    {"op": "raise", "type", "text", "line", "phase"}     the wrapper raised
    {"op": "ready"}, {"op": "end"}                       the module is imported; a call is over
A tensor is a `TensorSpec`; `storage` numbers the call's storages, its inputs first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import ITEMSIZE, TensorSpec
from pytest_kernelfalcon.contracts.trees import Tree, TreeError, decode, encode

MAX_RANK = 8
MAX_GRID = (2**31 - 1, 65535, 65535)
"""CUDA's limits by dimension."""
OPTIONS: dict[str, Collection[Any]] = {
    "num_warps": (1, 2, 4, 8, 16, 32),
    "num_stages": range(17),
    "num_ctas": (1, 2, 4, 8, 16),
    "maxnreg": range(16, 257),
    "enable_fp_fusion": (True, False),
}
"""Launch options that a candidate may set; others (`ir_override`, `extern_libs`, …) change what is compiled."""
SMALL_INPUT = 64
"""Bytes up to which an input may be read into Python: scalars that decide, not data."""
TENSOR_KEYS = frozenset(("shape", "stride", "offset", "dtype", "storage"))


class Invalid(Exception):
    """A message outside the vocabulary, or one that breaks a bound."""

    def __init__(self, cause: Cause, line: int | None = None, **facts: object) -> None:
        super().__init__(str(facts))
        self.cause, self.line, self.facts = cause, line, facts


@dataclass(frozen=True)
class Bounds:
    """What one judged candidate may do, over all its calls unless said otherwise.

    call_bytes: of what one call allocates, and of each tensor.
    """

    messages: int = 20_000
    message_bytes: int = 1 << 16
    call_bytes: int = 16 << 30
    reads: int = 64

    @classmethod
    def beside(cls, output_bytes: int) -> Bounds:
        """The usual ones, for a problem with outputs of so many bytes."""
        return cls(call_bytes=cls.call_bytes + output_bytes)


@dataclass(frozen=True)
class Alloc:
    storage: int
    nbytes: int


@dataclass(frozen=True)
class Fill:
    tensor: TensorSpec
    value: bool | int | float


@dataclass(frozen=True)
class Copy:
    target: TensorSpec
    source: TensorSpec


@dataclass(frozen=True)
class Launch:
    """arguments: by the kernel's parameter names, each an argument tree (see `Plan.argument`)."""

    kernel: str
    grid: tuple[int, ...]
    arguments: dict[str, Any]
    options: dict[str, Any]
    line: int | None

    @property
    def programs(self) -> int:
        return math.prod(self.grid)


@dataclass(frozen=True)
class Read:
    tensor: TensorSpec
    line: int | None


@dataclass(frozen=True)
class Tune:
    kernel: str
    count: int
    pick: int


@dataclass(frozen=True)
class Result:
    tree: Tree
    tensors: list[TensorSpec]


Step = Alloc | Fill | Copy | Launch | Read | Tune | Result


def need(condition: bool, detail: str, line: int | None = None) -> None:
    if not condition:
        raise Invalid(Cause.PLAN_INVALID, line, detail=detail)


def integers(value: Any, low: int, high: int, at_most: int, what: str) -> tuple[int, ...]:
    """`value` as a tuple of plain integers in [low, high]."""
    good = isinstance(value, list) and len(value) <= at_most and all(type(x) is int and low <= x <= high for x in value)
    need(good, f"{what} is {str(value)[:80]}")
    return tuple(value)


@dataclass
class Call:
    """One call of `kernel_function`: the storages that it knows and the messages that it may send.

    kernels: the parameter names of every kernel in the checked source. refused: those that the extractor refused.
    dtypes: names of tl dtypes.
    """

    kernels: Mapping[str, list[str]]
    refused: Mapping[str, Any]
    dtypes: Collection[str]
    bounds: Bounds
    storages: list[int] = field(default_factory=list)
    inputs: int = 0
    total: int = 0
    reads: int = 0
    written: set[int] = field(default_factory=set)

    def give(self, sizes: list[int]) -> None:
        """The inputs' storages, in bytes."""
        self.storages = list(sizes)
        self.inputs = len(sizes)

    def step(self, message: dict[str, Any]) -> Step:
        """The checked step, or `Invalid`."""
        op = message.get("op")
        line = message.get("line")
        need(line is None or type(line) is int, "a line that is no number")
        match op:
            case "alloc":
                return self._alloc(*_fields(message, "storage", "bytes"))
            case "fill":
                return self._fill(*_fields(message, "tensor", "value"))
            case "copy":
                return self._copy(*_fields(message, "target", "source"))
            case "launch":
                return self._launch(*_fields(message, "kernel", "grid", "arguments", "options", "line"))
            case "read":
                return self._read(*_fields(message, "tensor", "line"))
            case "tune":
                return self._tune(*_fields(message, "kernel", "count", "pick"))
            case "result":
                return self._result(*_fields(message, "tree"))
        raise Invalid(Cause.PLAN_INVALID, detail=f"unknown message {str(op)[:40]!r}")

    def tensor(self, data: Any) -> TensorSpec:
        """A descriptor that lies inside its storage."""
        need(isinstance(data, dict) and set(data) == TENSOR_KEYS, f"tensor {str(data)[:80]}")
        dtype, storage = data["dtype"], data["storage"]
        need(isinstance(dtype, str) and dtype in ITEMSIZE, f"dtype {str(dtype)[:40]}")
        need(type(storage) is int and 0 <= storage < len(self.storages), f"unknown storage {str(storage)[:40]}")
        shape = integers(data["shape"], 0, 2**62, MAX_RANK, "a shape")
        stride = integers(data["stride"], 0, 2**62, MAX_RANK, "strides")
        (offset,) = integers([data["offset"]], 0, 2**62, 1, "an offset")
        need(len(shape) == len(stride), "a shape and its strides differ in length")
        last = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) if all(shape) else offset - 1
        need((last + 1) * ITEMSIZE[dtype] <= self.storages[storage], f"a tensor reaches element {last} of its storage")
        spec = TensorSpec(shape, stride, offset, dtype, storage)
        need(spec.nbytes <= self.bounds.call_bytes, "a tensor of more elements than memory")
        return spec

    def _alloc(self, storage: Any, nbytes: Any) -> Alloc:
        need(type(storage) is int and storage == len(self.storages), f"storage {str(storage)[:40]} is not the next")
        need(type(nbytes) is int and nbytes >= 0, f"an allocation of {str(nbytes)[:40]} bytes")
        self.total += nbytes
        if self.total > self.bounds.call_bytes:
            detail = f"allocates {self.total} bytes in one call; at most {self.bounds.call_bytes}"
            raise Invalid(Cause.PLAN_FLOOD, detail=detail)
        self.storages.append(nbytes)
        return Alloc(storage, nbytes)

    def _fill(self, tensor: Any, value: Any) -> Fill:
        need(type(value) in (bool, int, float), f"fill with {str(value)[:40]}")
        need(not isinstance(value, int) or abs(value) < 2**64, "fill with an integer over 64 bits")
        spec = self.tensor(tensor)
        self.written.add(spec.storage)
        return Fill(spec, value)

    def _copy(self, target: Any, source: Any) -> Copy:
        to, origin = self.tensor(target), self.tensor(source)
        need(to.dtype == origin.dtype and to.shape == origin.shape, "a copy between different dtypes or shapes")
        self.written.add(to.storage)
        return Copy(to, origin)

    def _launch(self, kernel: Any, grid: Any, arguments: Any, options: Any, line: int | None) -> Launch:
        need(isinstance(kernel, str), "a kernel's name that is no text")
        if kernel in self.refused:
            refusal = self.refused[kernel]
            raise Invalid(refusal.cause, refusal.line, kernel=kernel, detail=refusal.detail)
        need(kernel in self.kernels, f"kernel {kernel[:60]!r} is not a @triton.jit function of the file", line)
        dims = integers(grid, 0, 2**31 - 1, 3, "a grid")
        need(len(dims) >= 1 and all(n <= m for n, m in zip(dims, MAX_GRID, strict=False)), f"grid {dims}", line)
        names = self.kernels[kernel]
        good = isinstance(arguments, dict) and sorted(arguments) == sorted(names)
        need(good, f"the arguments of {kernel} are {', '.join(names)}", line)
        need(isinstance(options, dict), "launch options")
        for name, value in options.items():
            if name not in OPTIONS or value not in OPTIONS[name]:
                detail = f"launch option {str(name)[:40]}={str(value)[:40]} is not allowed"
                raise Invalid(Cause.LAUNCH_ARGUMENT, line, kernel=kernel, detail=detail)
        checked = {name: self.argument(arguments[name]) for name in names}
        self.written.update(spec.storage for value in checked.values() for spec in tensors_of(value))
        return Launch(kernel, dims, checked, options, line)

    def argument(self, value: Any, depth: int = 0) -> Any:
        """A launch argument: a scalar, or one of
        {"tensor"}, {"tensor", "as": tl dtype}, {"dtype"}, {"kernel"}, {"tuple"},
        {"descriptor", "shape", "strides", "block", "padding"}; tensors come back as `TensorSpec`.
        """
        if value is None or type(value) in (bool, float) or (type(value) is str and len(value) <= 200):
            return value
        if type(value) is int:
            need(-(2**63) <= value < 2**64, "an integer over 64 bits")
            return value
        need(isinstance(value, dict) and depth < 4, f"argument {str(value)[:80]}")
        match sorted(value):
            case ["tensor"]:
                return {"tensor": self.tensor(value["tensor"])}
            case ["as", "tensor"]:
                need(value["as"] in self.dtypes, f"reinterpretation as {str(value['as'])[:40]}")
                return {"tensor": self.tensor(value["tensor"]), "as": value["as"]}
            case ["dtype"]:
                need(value["dtype"] in self.dtypes, f"tl dtype {str(value['dtype'])[:40]}")
                return value
            case ["kernel"]:
                need(value["kernel"] in self.kernels, f"kernel argument {str(value['kernel'])[:60]} is not in the file")
                return value
            case ["tuple"]:
                need(isinstance(value["tuple"], list) and len(value["tuple"]) <= 64, "a tuple of over 64 arguments")
                return {"tuple": [self.argument(item, depth + 1) for item in value["tuple"]]}
            case ["block", "descriptor", "padding", "shape", "strides"]:
                return self._descriptor(value)
        raise Invalid(Cause.PLAN_INVALID, detail=f"argument {str(value)[:80]}")

    def _descriptor(self, value: dict[str, Any]) -> dict[str, Any]:
        shape = integers(value["shape"], 1, 2**31 - 1, 5, "a descriptor's shape")
        strides = integers(value["strides"], 0, 2**40, 5, "a descriptor's strides")
        block = integers(value["block"], 1, 2**20, 5, "a descriptor's block")
        need(len(shape) == len(strides) == len(block), "a descriptor's rank")
        need(value["padding"] in ("zero", "nan"), "a descriptor's padding")
        base = self.tensor(value["descriptor"])
        self.tensor({**_plain(base), "shape": list(shape), "stride": list(strides)})
        return {"descriptor": base, "shape": shape, "strides": strides, "block": block, "padding": value["padding"]}

    def _read(self, tensor: Any, line: int | None) -> Read:
        spec = self.tensor(tensor)
        given = spec.storage < self.inputs
        if given and self.storages[spec.storage] > SMALL_INPUT:
            raise Invalid(Cause.VALUE_READ, line, detail="an element of an input is read into Python")
        if not given and spec.storage not in self.written:
            raise Invalid(Cause.VALUE_READ, line, detail="memory that nothing has written is read into Python")
        self.reads += spec.numel
        if self.reads > self.bounds.reads:
            detail = f"{self.reads} elements are read back into Python; at most {self.bounds.reads}"
            raise Invalid(Cause.VALUE_READ, line, detail=detail)
        return Read(spec, line)

    def _tune(self, kernel: Any, count: Any, pick: Any) -> Tune:
        need(isinstance(kernel, str) and kernel in self.kernels, f"tuning of {str(kernel)[:60]}")
        need(type(count) is int and type(pick) is int and 0 <= pick < count <= 4096, "an autotune configuration")
        return Tune(kernel, count, pick)

    def _result(self, tree: Any) -> Result:
        specs: list[TensorSpec] = []

        def take(data: dict[str, Any]) -> TensorSpec:
            specs.append(self.tensor(data))
            need(len(specs) <= 64, "more than 64 results")
            return specs[-1]

        try:
            checked = encode(decode(tree, take), lambda x: _plain(x) if isinstance(x, TensorSpec) else None)
        except (TreeError, AttributeError, TypeError, ValueError, RecursionError):
            raise Invalid(Cause.PLAN_INVALID, detail=f"result {str(tree)[:80]}") from None
        return Result(checked, specs)


def _fields(message: dict[str, Any], *names: str) -> list[Any]:
    need(set(message) == {"op", *names}, f"a message of the keys {sorted(message)[:12]}")
    return [message[name] for name in names]


def _plain(spec: TensorSpec) -> dict[str, Any]:
    return {
        "shape": list(spec.shape),
        "stride": list(spec.stride),
        "offset": spec.offset,
        "dtype": spec.dtype,
        "storage": spec.storage,
    }


def tensors_of(argument: Any) -> list[TensorSpec]:
    """The tensors in a checked launch argument."""
    if not isinstance(argument, dict):
        return []
    if "tuple" in argument:
        return [spec for item in argument["tuple"] for spec in tensors_of(item)]
    return [value for name, value in argument.items() if name in ("tensor", "descriptor")]
