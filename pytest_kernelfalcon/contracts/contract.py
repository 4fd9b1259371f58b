"""Contracts: one kernel's job, as data and as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pytest_kernelfalcon.contracts.trees import Tree, leaves
from pytest_kernelfalcon.contracts.variants import Variants

SCHEMA = 1
SizeClass = Literal["data", "model", "hyper"]
DECLARED_FAKE = "declared_fake"
"""The flag for own sizes that were never run for real."""
TRIVIAL_WHEN_SHRUNK = "trivial_when_shrunk"
"""The flag for smaller forms that tell no kernel from an answer that computes nothing."""
Sizes = dict[str, int]

ITEMSIZE = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "uint16": 2, "int16": 2, "float16": 2, "bfloat16": 2,
    "uint32": 4, "int32": 4, "float32": 4, "uint64": 8, "int64": 8, "float64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's description. `stride` and `offset` count elements; `storage` numbers the distinct storages."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: str
    storage: int

    @classmethod
    def of(cls, data: dict[str, Any]) -> TensorSpec:
        return cls(tuple(data["shape"]), tuple(data["stride"]), data["offset"], data["dtype"], data["storage"])

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements, each counted once (a broadcast element counts as often as it shows)."""
        return self.numel * ITEMSIZE[self.dtype]


@dataclass(frozen=True)
class Input:
    """One positional argument of `kernel_function`: what `get_inputs()` returns at this place.

    name: the parameter of `forward` that takes it. value: its tree.
    """

    name: str
    value: Tree


@dataclass(frozen=True)
class State:
    """One keyword argument of `kernel_function`: a tensor that the model holds.

    arg: the keyword (`path` with dots as underscores). tied_to: the `arg` of the state whose storage
    it shares exactly; a tied state is not passed again.
    """

    arg: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    kind: Literal["parameter", "buffer", "attribute"]
    tied_to: str | None = None


@dataclass(frozen=True)
class Output:
    """One tensor that `forward` returns, in the order of `trees.leaves`. alias: the name of the input whose storage it
    is, if any.
    """

    shape: tuple[int, ...]
    dtype: str
    alias: str | None = None


@dataclass(frozen=True)
class Contract:
    """A subgraph (or a whole model) that one kernel must compute.

    id: unique in its plan. source: {module, code}, a problem file's text. declared: every size's own value.
    admitted: for a data size, other values that the model was seen to take (declared first).
    shrunk: sizes at which a machine without a GPU can run it (model sizes included), or None where the
    declared ones are small already; admitted_shrunk: the same as `admitted`, around the shrunk sizes.
    variants: other types, strides and values that it was seen to take.
    init: what `Model` is made with, (args, kwargs) as a tree; None where that is not plain data.
    graph: the traced operations (see judge/roles/graph.py), for authors that match on them.
    flags: facts a reader should know (dropout_eval, sizes_fixed, …).
    """

    id: str
    source: dict[str, str]
    inputs: list[Input]
    state: list[State]
    outputs: list[Output]
    output_tree: Tree
    ops: list[str]
    sizes: dict[str, SizeClass]
    declared: Sizes
    admitted: dict[str, list[int]]
    shrunk: Sizes | None
    admitted_shrunk: dict[str, list[int]]
    variants: Variants = field(default_factory=Variants)
    init: Tree | None = None
    mutates: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    graph: dict[str, Any] = field(default_factory=dict)
    type: str = "pointwise"
    count: int = 1
    where: str = ""
    schema: int = SCHEMA

    @property
    def signature(self) -> str:
        """sha256 over everything that a kernel for it depends on."""
        data = asdict(self)
        for name in ("id", "count", "where", "graph", "variants"):
            data.pop(name)
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @property
    def input_bytes(self) -> int:
        """Bytes of inputs and state at the declared sizes."""
        held = sum(math.prod(s.shape) * ITEMSIZE[s.dtype] for s in self.state if s.tied_to is None)
        return held + sum(TensorSpec.of(leaf).nbytes for item in self.inputs for leaf in leaves(item.value))

    @property
    def output_bytes(self) -> int:
        """Bytes of the outputs at the declared sizes."""
        return sum(math.prod(output.shape) * ITEMSIZE[output.dtype] for output in self.outputs)

    @property
    def mutated(self) -> list[int]:
        """The positions of the inputs that `forward` changes."""
        return [position for position, item in enumerate(self.inputs) if item.name in self.mutates]

    @property
    def arguments(self) -> dict[str, str]:
        """The keyword that passes each piece of state, by its path; tied ones share one."""
        return {item.path: item.tied_to or item.arg for item in self.state}

    def to_json(self) -> dict[str, Any]:
        """The fixed format: the seed system's field names beside ours."""
        tensors = [TensorSpec.of(leaf) for item in self.inputs for leaf in leaves(item.value)]
        return asdict(self) | {
            "signature": self.signature,
            "data_layout": "strided",
            "dtype": tensors[0].dtype if tensors else (self.outputs[0].dtype if self.outputs else None),
            "input_shape": [list(t.shape) for t in tensors],
            "output_shape": [list(o.shape) for o in self.outputs],
            "weights_original": {s.path: list(s.shape) for s in self.state},
            "weights_fused": {s.arg: list(s.shape) for s in self.state if s.tied_to is None},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Contract:
        """Raises KeyError naming the missing field; derived fields are ignored."""
        shapes: Sequence[str] = ("shape",)
        fields = {name: data[name] for name in cls.__dataclass_fields__}
        fields["inputs"] = [Input(**item) for item in data["inputs"]]
        fields["state"] = [State(**_tuples(item, shapes)) for item in data["state"]]
        fields["outputs"] = [Output(**_tuples(item, shapes)) for item in data["outputs"]]
        fields["variants"] = Variants.of(data["variants"])
        return cls(**fields)


def _tuples(item: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return item | {name: tuple(item[name]) for name in names}
