"""Role `bake`: the kernels of a candidate's text, each as a module's text would hold it. PYTEST_DONT_REWRITE

Job {"source"}; request {"kernels": those that a plan names}; answer, for these and what they use, in the file's order:
{"kernels": {name: text}, "parameters": {name: names of its parameters}, "names": {name: {"kind", "path", "value"}},
"dtypes": {name of a tl dtype: its attribute}}. Nothing of the candidate is executed.
"""

from __future__ import annotations

import ast
from typing import Any

import triton.language as tl

from pytest_kernelfalcon.judge.baking.layout import literal, several
from pytest_kernelfalcon.judge.extractor import Kernels, extract
from pytest_kernelfalcon.judge.extractor.folding import Dtype, Value
from pytest_kernelfalcon.judge.wire import Channel

ATTRIBUTES = {value.name: name for name, value in vars(tl).items() if isinstance(value, tl.dtype)}


def preload() -> None:
    extract("def kernel_function(): pass")


def serve(channel: Channel, job: dict[str, Any]) -> None:
    kernels = extract(job["source"])
    request, _ = channel.receive()
    names = reached(kernels, request["kernels"])
    texts = {name: "\n".join(kernels.lines_of(name)).strip() for name in kernels.names if name in names}
    used = {
        name: {"kind": known.kind, "path": known.path, "value": written(known.value)}
        for name, known in kernels.environment.items()
        if name in names
    }
    parameters = {name: parameters_of(texts[name]) for name in texts}
    channel.send({"kernels": texts, "parameters": parameters, "names": used, "dtypes": ATTRIBUTES})


def parameters_of(text: str) -> list[str]:
    """The names of a kernel's parameters, in their order."""
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    return [parameter.arg for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def reached(kernels: Kernels, wanted: list[str]) -> set[str]:
    """All names in these kernels and in the kernels that they use."""
    found: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        if name in kernels.names:
            tree = ast.parse("\n".join(kernels.lines_of(name)))
            pending += [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return found


def written(value: Value) -> str:
    """A constant as Python's text, with `tl` for Triton's language."""
    if isinstance(value, tuple):
        return several([written(item) for item in value])
    if isinstance(value, Dtype):
        return f"tl.{value.path.rpartition('.')[2]}"
    return literal(value)
