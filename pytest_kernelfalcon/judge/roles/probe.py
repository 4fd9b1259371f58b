"""What a problem looks like at given sizes: shapes, operations and costs, mostly on tensors without memory."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pytest_kernelfalcon.contracts.contract import ITEMSIZE, Sizes
from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.contracts.trees import Tree
from pytest_kernelfalcon.judge.roles import modules
from pytest_kernelfalcon.judge.roles.broken import Broken, TooSlow
from pytest_kernelfalcon.judge.roles.held import nbytes, state_of, tensors_in

# fake: nothing has memory. built: the module and its model are real, inputs and forward are not. real: all is.
Tier = Literal["fake", "built", "real"]
UNFAKEABLE = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
REAL_BYTES = 256 << 20
TRIED_BYTES = 1 << 30
REAL_FLOPS = 5e9
REAL_TRAFFIC = 512 << 20
Shape = tuple[tuple[int, ...], str]


logging.getLogger("torch._subclasses.fake_tensor").disabled = True  # a size that does not work is no error


@dataclass(frozen=True)
class Seen:
    """A problem at one set of sizes; shapes go with their dtypes.

    Bytes are those of elements. largest, traffic: of one operation's results, and of all operations' together.
    """

    inputs: tuple[Shape, ...]
    state: Mapping[str, Shape]
    input_bytes: int
    state_bytes: int
    outputs: tuple[Shape, ...] = ()
    output_tree: Tree = field(default_factory=dict)
    ops: tuple[str, ...] = ()
    flops: int = 0
    largest: int = 0
    traffic: int = 0

    @property
    def output_elements(self) -> int:
        return sum(math.prod(shape) for shape, _ in self.outputs)


def affordable(seen: Seen) -> bool:
    """Whether a forward on real tensors takes about a second and 256 MiB at most."""
    outputs = sum(math.prod(shape) * ITEMSIZE[dtype] for shape, dtype in seen.outputs)
    memory = max(seen.input_bytes + seen.state_bytes + outputs, seen.largest)
    return memory <= REAL_BYTES and seen.flops <= REAL_FLOPS and seen.traffic <= REAL_TRAFFIC


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the aten operations that run below it, and raises `TooSlow` once `deadline` (monotonic) has passed."""

    def __init__(self, deadline: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.deadline = deadline
        self.clear()

    def clear(self) -> None:
        self.ops: list[str] = []
        self.flops = self.largest = self.traffic = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if time.monotonic() > self.deadline:
            raise TooSlow
        result = func(*args, **(kwargs or {}))
        if func.namespace == "prim":  # questions about a tensor, such as its device
            return result
        self.ops.append(str(func))
        size = sum(nbytes(tensor) for tensor in tensors_in(result))
        self.largest, self.traffic = max(self.largest, size), self.traffic + size
        if count := flop_registry.get(func._overloadpacket):
            self.flops += int(count(*args, **(kwargs or {}), out_val=result))
        return result


class Probe:
    """Runs one problem at any sizes, and remembers what it saw."""

    def __init__(self, source: str, path: str, tier: Tier, deadline: float) -> None:
        self.source, self.path, self.tier, self.deadline = source, path, tier, deadline
        self._seen: dict[tuple[str, str], Seen | None] = {}

    @cached_property
    def _mode(self) -> FakeTensorMode:
        """One for all: making it notes a stack trace, and tensors of another one are converted at each operation."""
        return FakeTensorMode(allow_non_fake_inputs=True)

    def run(self, sizes: Sizes) -> Seen | None:
        """What the problem is at `sizes`, or None where it does not run there or is too big for real tensors."""
        return self._remember("run", sizes, lambda: self.fits(sizes) and self.look(sizes))

    def shapes(self, sizes: Sizes) -> Seen | None:
        """The same before any forward: inputs and state alone."""
        return self._remember("shapes", sizes, lambda: self._shapes(sizes))

    def input_bytes(self, sizes: Sizes) -> int | None:
        """The bytes of the inputs alone, without building the model."""
        with self._mode, Recorder(self.deadline):
            try:
                tensors = tensors_in(modules.build_inputs(self._module(sizes)))
            except Broken:
                return None
        return sum(map(nbytes, tensors))

    def look(self, sizes: Sizes) -> Seen:
        """As `run`, but raises `Broken`."""
        instance = self.instance(sizes)
        with self._fakes(), Recorder(self.deadline) as recorder:
            seen = _described(instance)
            recorder.clear()
            tree, outputs = modules.outputs_of(modules.forward(instance, instance.inputs))
        return replace(
            seen,
            outputs=tuple(map(_shape, outputs)),
            output_tree=tree,
            ops=tuple(recorder.ops),
            flops=recorder.flops,
            largest=recorder.largest,
            traffic=recorder.traffic,
        )

    def instance(self, sizes: Sizes, seed: int = 0) -> modules.Instance:
        """The problem built at `sizes`, its inputs and model on fakes as the tier says. Raises `Broken`."""
        with Recorder(self.deadline), self._fakes() if self.tier == "fake" else nullcontext():
            module = self._module(sizes)
            modules.seed_everything(seed)
            init = modules.init_arguments(module)
            model, quiet = modules.build_model(module, *init)
        with self._fakes(), Recorder(self.deadline):
            return modules.Instance(module, model, modules.build_inputs(module), quiet, init)

    def _module(self, sizes: Sizes) -> ModuleType:
        return modules.load(rewrite(self.source, sizes), self.path)

    def _fakes(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.tier == "real" else self._mode

    def fits(self, sizes: Sizes) -> bool:
        """Whether `sizes` are worth a try: with real tensors, whether inputs and state are not too big."""
        shapes = self.shapes(sizes) if self.tier == "real" else None
        return shapes is None or shapes.input_bytes + shapes.state_bytes <= TRIED_BYTES

    def _shapes(self, sizes: Sizes) -> Seen:
        try:
            return _described(Probe(self.source, self.path, "fake", self.deadline).instance(sizes))
        except Broken:
            if self.tier == "fake":
                raise
            return _described(self.instance(sizes))

    def _remember(self, how: str, sizes: Sizes, work: Callable[[], Seen | Literal[False]]) -> Seen | None:
        key = how, rewrite(self.source, sizes)  # the text, since several assignments may make the same one
        if key not in self._seen:
            try:
                self._seen[key] = work() or None
            except Broken:
                self._seen[key] = None
        return self._seen[key]


def _described(instance: modules.Instance) -> Seen:
    inputs = tensors_in(instance.inputs)
    held = [item for item in state_of(instance.model) if item.tied_to is None]
    return Seen(
        inputs=tuple(map(_shape, inputs)),
        state={item.path: _shape(item.tensor) for item in held},
        input_bytes=sum(map(nbytes, inputs)),
        state_bytes=sum(nbytes(item.tensor) for item in held),
    )


def _shape(tensor: torch.Tensor) -> Shape:
    return tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
