"""A plan as the text of a module: the checked kernels, and the launches one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.judge.baking.function import Function
from pytest_kernelfalcon.judge.baking.words import NotBakeable, Words

HANGS_ON_VALUES = "its launches hang on values that it reads back, which differ from call to call"
CONSTANTS = ("constexpr", "constant")
EXPECT = '''\
def expect(name, value, shape, stride, dtype):
    """Raises ValueError for a tensor that the launches below are not made for."""
    if (tuple(value.shape), value.stride(), value.dtype) != (shape, stride, dtype):
        raise ValueError(
            f"kernelfalcon: unsupported {name}: {tuple(value.shape)}, strides"
            f" {value.stride()}, {value.dtype}; baked for {shape}, {stride}, {dtype}"
        )
'''


def baked(contract: Contract, steps: list[dict[str, Any]], words: Words, title: str) -> str:
    """The module. steps: every message of a call at the declared sizes. title: its docstring. Raises `NotBakeable`."""
    if any(step["op"] == "read" for step in steps):
        raise NotBakeable(HANGS_ON_VALUES)
    if (other := words.names.get("tl")) and other["path"] != "triton.language":
        raise NotBakeable("its kernels call something else `tl` than Triton's language")
    function = Function(contract, steps, words)
    body = [*function.head(), *function.checks(), *function.body()]
    imports = sorted({"import torch", "import triton", "import triton.language as tl", *_imports(words)})
    if any("TensorDescriptor(" in line for line in body):
        imports.append("from triton.tools.tensor_descriptor import TensorDescriptor")
    constants = [f"{name} = {_constant(of)}" for name, of in words.names.items() if of["kind"] in CONSTANTS]
    parts = [f'"""{title}"""', "\n".join(sorted(imports, key=_order)), "\n".join(constants)]
    top = "\n\n".join(part for part in parts if part)
    rest = [*words.kernels.values(), *([EXPECT.rstrip()] if function.expects else []), "\n".join(body)]
    return "\n\n\n".join([top, *rest]) + "\n"


def named(steps: list[dict[str, Any]]) -> list[str]:
    """The kernels that a plan launches or passes to others."""
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) == {"kernel"} or value.get("op") == "launch":
                found[value["kernel"]] = None
            value = list(value.values())
        for item in value if isinstance(value, list) else []:
            look(item)

    look(steps)
    return list(found)


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _imports(words: Words) -> Iterator[str]:
    for name, known in words.names.items():
        if known["kind"] not in ("module", "object"):
            continue
        module, _, last = known["path"].rpartition(".")
        if known["path"] == name:
            yield f"import {name}"
        elif known["kind"] == "module" and (name != last or not module):
            yield f"import {known['path']} as {name}"
        else:
            yield f"from {module} import {last}" + (f" as {name}" if name != last else "")


def _constant(known: dict[str, Any]) -> str:
    return f"tl.constexpr({known['value']})" if known["kind"] == "constexpr" else known["value"]
