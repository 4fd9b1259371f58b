"""A plan as the text of `kernel_function`: checks of its arguments, and the steps one after the other."""

from __future__ import annotations

import json
import keyword
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract, TensorSpec
from pytest_kernelfalcon.contracts.trees import Tree
from pytest_kernelfalcon.judge.arguments import declared_arguments
from pytest_kernelfalcon.judge.baking.layout import INDENT, WIDTH, call, literal, numbers, several
from pytest_kernelfalcon.judge.baking.storages import Base, allocated, specs_in
from pytest_kernelfalcon.judge.baking.words import NotBakeable, Words

RESERVED = ("torch", "triton", "tl", "TensorDescriptor", "kernel_function", "expect")
OF_LAUNCHES = ("grid", "warmup", "self")
"""Parameters of Triton's own `run`: a kernel's of the same name is passed by position."""


@dataclass
class Function:
    """`kernel_function`, line by line. expects: whether there is a tensor to check."""

    contract: Contract
    steps: list[dict[str, Any]]
    words: Words
    expects: bool = False
    _taken: set[str] = field(default_factory=set)
    _bases: dict[int, Base] = field(default_factory=dict)

    def __post_init__(self) -> None:
        call_ = declared_arguments(self.contract)
        self._taken = {*RESERVED, *self.words.kernels, *self.words.names}
        self._state = dict(call_["state"])
        if clash := sorted(self._taken & set(self._state)):
            raise NotBakeable(f"the state `{clash[0]}` has the name of a kernel, or of what the kernels use")
        self._taken |= set(self._state)
        self._inputs = [
            (self._fresh(item.name), tree) for item, tree in zip(self.contract.inputs, call_["inputs"], strict=True)
        ]
        for name, tree in [*self._inputs, *self._state.items()]:
            self._hold(name, tree)
        self._device = f"{next(iter(self._bases.values())).name}.device" if self._bases else '"cuda"'

    def _fresh(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._taken or keyword.iskeyword(name):
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name

    def _hold(self, path: str, tree: Tree) -> None:
        """The tensors of an argument."""
        for place, kind, content in _walk(path, tree):
            if kind == "t":
                spec = TensorSpec.of(content)
                self._bases.setdefault(spec.storage, Base(place, spec, True))

    def head(self) -> list[str]:
        names = [name for name, _ in self._inputs] + list(self._state)
        return call("def kernel_function", names, 0, ":")

    def checks(self) -> Iterator[str]:
        """That the arguments are those of the problem's own sizes."""
        for path, tree in [*self._inputs, *self._state.items()]:
            for place, kind, content in _walk(path, tree):
                if kind == "t":
                    self.expects = True
                    spec = TensorSpec.of(content)
                    what = [numbers(spec.shape), numbers(spec.stride), f"torch.{spec.dtype}"]
                    yield from call("expect", [literal(place), place, *what])
                elif kind in ("list", "tuple", "dict"):
                    yield from _unsupported(f"len({place}) != {len(content)}", place)
                else:
                    value = float(content) if kind == "f" else content
                    same = f"repr({place}) != {literal(repr(value))}" if kind == "f" else f"{place} != {literal(value)}"
                    same = f"{place} is not None" if value is None else same
                    yield from _unsupported(same, place)

    def body(self) -> Iterator[str]:
        """The steps."""
        uses: dict[int, list[TensorSpec]] = {}
        for step in self.steps:
            for spec in specs_in(step):
                uses.setdefault(spec.storage, []).append(spec)
        for step in self.steps:
            match step["op"]:
                case "alloc":
                    yield from self._allocate(step, uses.get(step["storage"], []))
                case "fill":
                    zero = step["value"] == 0 and math.copysign(1.0, step["value"]) > 0
                    filled = ("zero_", []) if zero else ("fill_", [literal(step["value"])])
                    yield from call(f"{self._tensor(step['tensor'])}.{filled[0]}", filled[1])
                case "copy":
                    yield from call(f"{self._tensor(step['target'])}.copy_", [self._tensor(step["source"])])
                case "launch":
                    yield from self._launch(step)
                case "result":
                    yield from self._result(step["tree"])

    def _allocate(self, step: dict[str, Any], uses: list[TensorSpec]) -> Iterator[str]:
        name = self._fresh(self._named(step["storage"]))
        base, function, arguments = allocated(name, step["storage"], step["bytes"], uses, self._device)
        self._bases[step["storage"]] = base
        yield from call(f"{name} = {function}", arguments)

    def _named(self, storage: int) -> str:
        """As a kernel's parameter that takes it."""
        for step in self.steps:
            if step["op"] == "launch":
                for name in self.words.parameters[step["kernel"]]:
                    if any(spec.storage == storage for spec in specs_in(step["arguments"][name])):
                        return name.removesuffix("_ptr").removesuffix("_desc")
        return "buffer"

    def _tensor(self, spec: dict[str, Any]) -> str:
        return self._bases[spec["storage"]].expression(TensorSpec.of(spec))

    def _launch(self, step: dict[str, Any]) -> Iterator[str]:
        names = self.words.parameters[step["kernel"]]
        given = {name: self._argument(step["arguments"][name]) for name in names}
        plain = not any(name in OF_LAUNCHES or name in step["options"] for name in given)
        arguments = [f"{name}={value}" if plain else value for name, value in given.items()]
        arguments += [f"{name}={literal(value)}" for name, value in step["options"].items()]
        yield from call(f"{step['kernel']}[{numbers(step['grid'])}]", arguments)

    def _argument(self, value: Any) -> str:
        if not isinstance(value, dict):
            return literal(value)
        if "as" in value:
            return f"triton.reinterpret({self._tensor(value['tensor'])}, {self._dtype(value['as'])})"
        if "tensor" in value:
            return self._tensor(value["tensor"])
        if "dtype" in value:
            return self._dtype(value["dtype"])
        if "kernel" in value:
            return str(value["kernel"])
        if "tuple" in value:
            return several([self._argument(item) for item in value["tuple"]])
        return self._descriptor(value)

    def _dtype(self, name: str) -> str:
        return "tl." + self.words.dtypes[name]

    def _descriptor(self, value: dict[str, Any]) -> str:
        lists = ", ".join(str(list(value[name])) for name in ("shape", "strides", "block"))
        padding = "" if value["padding"] == "zero" else f", padding={literal(value['padding'])}"
        return f"TensorDescriptor({self._tensor(value['descriptor'])}, {lists}{padding})"

    def _result(self, tree: Tree) -> Iterator[str]:
        line = f"{INDENT}return {self._tree(tree)}"
        if len(line) <= WIDTH or "tuple" not in tree:
            yield line
            return
        yield f"{INDENT}return ("
        yield from (f"{INDENT * 2}{self._tree(item)}," for item in tree["tuple"])
        yield f"{INDENT})"

    def _tree(self, tree: Tree) -> str:
        ((kind, content),) = tree.items()
        match kind:
            case "t":
                return self._tensor(content)
            case "tuple" if len(content) == 1:
                return f"({self._tree(content[0])},)"
            case "tuple":
                return ", ".join(map(self._tree, content)) if content else "()"
            case "list":
                return f"[{', '.join(map(self._inner, content))}]"
            case "dict":
                return f"{{{', '.join(f'{literal(key)}: {self._inner(item)}' for key, item in content.items())}}}"
        return literal(float(content) if kind == "f" else content)

    def _inner(self, tree: Tree) -> str:
        text = self._tree(tree)
        return f"({text})" if len(tree.get("tuple", ())) > 1 else text


def _walk(path: str, tree: Tree) -> Iterator[tuple[str, str, Any]]:
    """(expression, kind, content) of a tree's nodes, each before what it holds."""
    ((kind, content),) = tree.items()
    yield path, kind, content
    if kind in ("list", "tuple"):
        for place, item in enumerate(content):
            yield from _walk(f"{path}[{place}]", item)
    elif kind == "dict":
        for key, item in content.items():
            yield from _walk(f"{path}[{json.dumps(key)}]", item)


def _unsupported(condition: str, place: str) -> list[str]:
    text = literal(f"kernelfalcon: unsupported {place}: this is another one than it was baked for")
    return [f"{INDENT}if {condition}:", *call("raise ValueError", [text], 2)]
