"""Launch arguments and options: scalars, tensors inside their storages, dtypes, kernels and tuples of these."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import ITEMSIZE, TensorSpec
from pytest_kernelfalcon.judge.launch_plan.bounds import Invalid, integers, need, shown
from pytest_kernelfalcon.judge.launch_plan.tensors import Storages

OPTIONS: dict[str, tuple[type, Collection[Any]]] = {
    "num_warps": (int, (1, 2, 4, 8, 16, 32)),
    "num_stages": (int, range(17)),
    "num_ctas": (int, (1, 2, 4, 8, 16)),
    "maxnreg": (int, range(16, 257)),
    "enable_fp_fusion": (bool, (True, False)),
}
"""Launch options that a candidate may set; others (`ir_override`, `extern_libs`, …) change what is compiled."""
MAX_TEXT = 200
MAX_TUPLE = 64
MAX_DEPTH = 4
MAX_BLOCK = 2**20
"""Elements of a block: Triton's own limit (`TRITON_MAX_TENSOR_NUMEL`)."""
DESCRIPTOR_ALIGNMENT = 16
"""Bytes: of a descriptor's base and of its strides but the last, which is 1."""


def check_options(options: Any, kernel: str, line: int | None) -> None:
    need(isinstance(options, dict), "launch options")
    for name, value in options.items():
        kind, allowed = OPTIONS.get(name, (type(None), ()))
        if type(value) is not kind or value not in allowed:
            detail = f"launch option {shown(name, 40)}={shown(value, 40)} is not allowed"
            raise Invalid(Cause.LAUNCH_ARGUMENT, line, kernel=kernel, detail=detail)


class Arguments:
    """kernels: names of those in the checked source. dtypes: names of tl dtypes."""

    def __init__(self, storages: Storages, kernels: Collection[str], dtypes: Collection[str]) -> None:
        self._storages, self._kernels, self._dtypes = storages, kernels, dtypes

    def argument(self, value: Any, depth: int = 0) -> Any:
        """A launch argument: a scalar, or one of
        {"tensor"}, {"tensor", "as": tl dtype}, {"dtype"}, {"kernel"}, {"tuple"},
        {"descriptor", "shape", "strides", "block", "padding"}; tensors come back as `TensorSpec`.
        """
        if value is None or type(value) in (bool, float):
            return value
        if type(value) is str:
            need(len(value) <= MAX_TEXT and value.isprintable(), f"the text {shown(value)!r} as an argument")
            return value
        if type(value) is int:
            need(-(2**63) <= value < 2**64, "an integer over 64 bits")
            return value
        need(isinstance(value, dict) and depth < MAX_DEPTH, f"argument {shown(value)}")
        match sorted(value):
            case ["tensor"]:
                return {"tensor": self._storages.tensor(value["tensor"])}
            case ["as", "tensor"]:
                kind = self._named(value["as"], self._dtypes, "reinterpretation as")
                return {"tensor": self._storages.tensor(value["tensor"]), "as": kind}
            case ["dtype"]:
                return {"dtype": self._named(value["dtype"], self._dtypes, "tl dtype")}
            case ["kernel"]:
                return {"kernel": self._named(value["kernel"], self._kernels, "a kernel that is not in the file,")}
            case ["tuple"]:
                items = value["tuple"]
                need(isinstance(items, list) and len(items) <= MAX_TUPLE, f"a tuple of over {MAX_TUPLE} arguments")
                return {"tuple": [self.argument(item, depth + 1) for item in items]}
            case ["block", "descriptor", "padding", "shape", "strides"]:
                return self._descriptor(value)
        raise Invalid(Cause.PLAN_INVALID, detail=f"argument {shown(value)}")

    def _named(self, name: Any, known: Collection[str], what: str) -> str:
        need(isinstance(name, str) and name in known, f"{what} {shown(name, 60)}")
        return str(name)

    def _descriptor(self, value: dict[str, Any]) -> dict[str, Any]:
        """Held to all that Triton's own class asks for (triton.tools.tensor_descriptor)."""
        shape = integers(value["shape"], 1, 2**31 - 1, 5, "a descriptor's shape")
        strides = integers(value["strides"], 0, 2**40, 5, "a descriptor's strides")
        block = integers(value["block"], 1, MAX_BLOCK, 5, "a descriptor's block")
        need(len(shape) == len(strides) == len(block) > 0, "a descriptor's rank")
        base = self._storages.tensor(value["descriptor"])
        self._storages.tensor(plain(base) | {"shape": list(shape), "stride": list(strides)})
        size = ITEMSIZE[base.dtype]
        aligned = all(n * size % DESCRIPTOR_ALIGNMENT == 0 for n in (base.offset, *strides[:-1]))
        need(aligned and strides[-1] == 1, f"a descriptor of strides {strides} at element {base.offset}")
        elements = 1
        for n in block:
            elements *= n
        need(elements <= MAX_BLOCK and all(n & (n - 1) == 0 for n in block), f"a descriptor's block {block}")
        padding = value["padding"]
        good = padding == "zero" or (padding == "nan" and "float" in base.dtype)
        need(good, f"a descriptor's padding {shown(padding, 40)}")
        return {"descriptor": base, "shape": shape, "strides": strides, "block": block, "padding": padding}


def plain(spec: TensorSpec) -> dict[str, Any]:
    """The descriptor that a message holds."""
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


def all_tensors(arguments: Iterable[Any]) -> list[TensorSpec]:
    """The tensors in the checked arguments of a launch."""
    return [spec for value in arguments for spec in tensors_of(value)]
