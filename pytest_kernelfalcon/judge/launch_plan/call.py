"""One call of a wrapper: each of its messages is a step of the vocabulary, or `Invalid`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.contracts.trees import TreeError, decode, encode
from pytest_kernelfalcon.judge.launch_plan.arguments import Arguments, all_tensors, check_options, plain
from pytest_kernelfalcon.judge.launch_plan.bounds import Bounds, Invalid, integers, line_of, need, shown
from pytest_kernelfalcon.judge.launch_plan.steps import Alloc, Copy, Fill, Launch, Read, Result, Step, Tune
from pytest_kernelfalcon.judge.launch_plan.tensors import Storages

MAX_GRID = (2**31 - 1, 65535, 65535)
"""CUDA's limits by dimension."""
MAX_CONFIGURATIONS = 4096
MAX_RESULTS = 64


class Call:
    """The storages that one call of `kernel_function` knows, and the messages that it may send.

    kernels: the parameter names of every kernel in the checked source. refused: those that the extractor refused.
    dtypes: names of tl dtypes.
    """

    def __init__(
        self, kernels: Mapping[str, list[str]], refused: Mapping[str, Any], dtypes: Collection[str], bounds: Bounds
    ) -> None:
        self._kernels, self._refused, self._bounds = kernels, refused, bounds
        self._storages = Storages(bounds)
        self._arguments = Arguments(self._storages, kernels, dtypes)
        self._read_elements = self._read_times = 0

    def give(self, sizes: list[int]) -> None:
        """The inputs' storages, in bytes."""
        self._storages.give(sizes)

    def step(self, message: dict[str, Any]) -> Step:
        """The checked step, or `Invalid`."""
        line_of(message)
        match message.get("op"):
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
        raise Invalid(Cause.PLAN_INVALID, detail=f"unknown message {shown(message.get('op'), 40)!r}")

    def _alloc(self, storage: Any, nbytes: Any) -> Alloc:
        self._storages.allocate(storage, nbytes)
        return Alloc(storage, nbytes)

    def _fill(self, tensor: Any, value: Any) -> Fill:
        need(type(value) in (bool, int, float), f"fill with {shown(value, 40)}")
        need(not isinstance(value, int) or -(2**63) <= value < 2**64, "fill with an integer over 64 bits")
        spec = self._storages.tensor(tensor)
        self._storages.filled(spec)
        return Fill(spec, value)

    def _copy(self, target: Any, source: Any) -> Copy:
        to, origin = self._storages.tensor(target), self._storages.tensor(source)
        need(to.dtype == origin.dtype and to.shape == origin.shape, "a copy between different dtypes or shapes")
        self._storages.copied(to, origin)
        return Copy(to, origin)

    def _launch(self, kernel: Any, grid: Any, arguments: Any, options: Any, line: int | None) -> Launch:
        need(isinstance(kernel, str), "a kernel's name that is no text")
        if kernel in self._refused:
            refusal = self._refused[kernel]
            raise Invalid(refusal.cause, refusal.line, kernel=kernel, detail=refusal.detail)
        need(kernel in self._kernels, f"kernel {shown(kernel, 60)!r} is not a @triton.jit function of the file", line)
        dims = integers(grid, 0, 2**31 - 1, 3, "a grid")
        need(len(dims) >= 1 and all(n <= m for n, m in zip(dims, MAX_GRID, strict=False)), f"grid {dims}", line)
        names = self._kernels[kernel]
        good = isinstance(arguments, dict) and sorted(arguments) == sorted(names)
        need(good, f"the arguments of {kernel} are {', '.join(names)}", line)
        check_options(options, kernel, line)
        checked = {name: self._arguments.argument(arguments[name]) for name in names}
        self._storages.launched(all_tensors(checked.values()))
        return Launch(kernel, dims, checked, options, line)

    def _read(self, tensor: Any, line: int | None) -> Read:
        spec = self._storages.tensor(tensor)
        self._storages.check_readable(spec, line)
        self._read_elements, self._read_times = self._read_elements + spec.numel, self._read_times + 1
        if max(self._read_elements, self._read_times) > self._bounds.reads:
            told = f"{self._read_elements} elements are read back into Python, in {self._read_times} reads"
            raise Invalid(Cause.VALUE_READ, line, detail=f"{told}; at most {self._bounds.reads}")
        return Read(spec, line)

    def _tune(self, kernel: Any, count: Any, pick: Any) -> Tune:
        need(isinstance(kernel, str) and kernel in self._kernels, f"tuning of {shown(kernel, 60)}")
        good = type(count) is int and type(pick) is int and 0 <= pick < count <= MAX_CONFIGURATIONS
        need(good, "an autotune configuration")
        return Tune(kernel, count, pick)

    def _result(self, tree: Any) -> Result:
        specs: list[TensorSpec] = []

        def take(data: dict[str, Any]) -> TensorSpec:
            specs.append(self._storages.tensor(data))
            need(len(specs) <= MAX_RESULTS, f"more than {MAX_RESULTS} results")
            return specs[-1]

        try:
            checked = encode(decode(tree, take), lambda x: plain(x) if isinstance(x, TensorSpec) else None)
        except (TreeError, ArithmeticError, AttributeError, TypeError, ValueError, RecursionError):
            raise Invalid(Cause.PLAN_INVALID, detail=f"result {shown(tree)}") from None
        total = sum(spec.nbytes for spec in specs)
        if total > self._bounds.call_bytes:
            raise Invalid(Cause.PLAN_FLOOD, detail=f"returns {total} bytes; at most {self._bounds.call_bytes}")
        return Result(checked, specs)


def _fields(message: dict[str, Any], *names: str) -> list[Any]:
    need(set(message) == {"op", *names}, f"a message of the keys {shown(sorted(message)[:12])}")
    return [message[name] for name in names]
