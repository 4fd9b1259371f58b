"""Arguments of one call, as the executor is told of them."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

from pytest_kernelfalcon.contracts.contract import ITEMSIZE, Contract
from pytest_kernelfalcon.contracts.trees import Tree, leaves
from pytest_kernelfalcon.contracts.variants import DECLARED


def storage_names(contract: Contract, expected: dict[str, Any]) -> list[str]:
    """Each storage by the first argument that uses it, for messages about memory."""
    names = [f"storage {i}" for i in range(len(expected["storages"]))]
    trees = [*zip((item.name for item in contract.inputs), expected["inputs"], strict=True), *expected["state"].items()]
    for name, tree in reversed(trees):
        for leaf in leaves(tree):
            names[leaf["storage"]] = name
    return names


def declared_arguments(contract: Contract, dtype: str = DECLARED) -> dict[str, Any]:
    """A call at the declared sizes, in the problem's own floating type or another: inputs with their own storages,
    state contiguous.
    """
    ends: dict[int, int] = {}
    types = {contract.variants.working: dtype} if dtype != DECLARED else {}
    inputs = [_retyped(item.value, types) for item in contract.inputs]
    for tree in inputs:
        for leaf in leaves(tree):
            last = leaf["offset"] + sum((n - 1) * s for n, s in zip(leaf["shape"], leaf["stride"], strict=True))
            size = (last + 1) * ITEMSIZE[leaf["dtype"]] if all(leaf["shape"]) else 0
            ends[leaf["storage"]] = max(ends.get(leaf["storage"], 0), size)
    sizes = [ends[i] for i in sorted(ends)]
    state: dict[str, Any] = {}
    for item in contract.state:
        if item.tied_to is None:
            stride = _contiguous(item.shape)
            kept = types.get(item.dtype, item.dtype)
            spec = {"shape": list(item.shape), "stride": stride, "offset": 0, "dtype": kept, "storage": len(sizes)}
            state[item.arg] = {"t": spec}
            sizes.append(math.prod(item.shape) * ITEMSIZE[kept])
    storages = [{"offset": 0, "nbytes": n} for n in sizes]
    given = {"inputs": inputs, "state": state, "init": contract.init}
    return given | {"storages": storages, "names": [], "mutates": []}


def _retyped(tree: Tree, types: dict[str, str]) -> Tree:
    copy = deepcopy(tree)
    for leaf in leaves(copy):
        leaf["dtype"] = types.get(leaf["dtype"], leaf["dtype"])
    return copy


def _contiguous(shape: tuple[int, ...]) -> list[int]:
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= max(size, 1)
    return strides
