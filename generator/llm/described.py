"""A contract in the words of a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract, SizeClass, State, TensorSpec
from pytest_kernelfalcon.contracts.trees import Tree, skeleton
from pytest_kernelfalcon.generator.llm.readable import readable


def facts(contract: Contract) -> dict[str, Any]:
    """What the template of the first prompt is filled with."""
    return {
        "problem": readable(contract.source["code"]),
        "signature": signature(contract),
        "inputs": [f"`{item.name}`: {_tree(item.value)}" for item in contract.inputs],
        "state": [_state(state) for state in contract.state],
        "outputs": list(_outputs(contract)),
        "mutates": contract.mutates,
        "data_sizes": _sizes(contract, "data"),
        "model_sizes": _sizes(contract, "model"),
        "dtypes": contract.variants.dtypes,
        "operations": list(dict.fromkeys(contract.ops)),
    }


def signature(contract: Contract) -> str:
    names = [item.name for item in contract.inputs]
    state = [state.arg for state in contract.state if state.tied_to is None]
    return f"kernel_function({', '.join([*names, *(['*', *state] if state else [])])})"


def _sizes(contract: Contract, kind: SizeClass) -> list[str]:
    return [f"{name} = {contract.declared[name]}" for name, one in contract.sizes.items() if one == kind]


def _tree(tree: Tree) -> str:
    ((kind, content),) = tree.items()
    match kind:
        case "t":
            return _tensor(TensorSpec.of(content))
        case "v" | "f":
            return f"the value {content!r}"
        case "dict":
            return "{" + ", ".join(f"{key!r}: {_tree(item)}" for key, item in content.items()) + "}"
    return f"{kind} of [{'; '.join(_tree(item) for item in content)}]"


def _tensor(spec: TensorSpec) -> str:
    strides = "" if _is_contiguous(spec) else f", strides {list(spec.stride)}"
    return f"{spec.dtype} {list(spec.shape)}{strides}"


def _is_contiguous(spec: TensorSpec) -> bool:
    wanted = 1
    for size, stride in zip(reversed(spec.shape), reversed(spec.stride), strict=True):
        if size != 1 and stride != wanted:
            return False
        wanted *= size
    return True


def _state(state: State) -> str:
    if state.tied_to is not None:
        return f"`{state.path}` shares the memory of `{state.tied_to}` and is not passed"
    return f"`{state.arg}` (`{state.path}`): {state.dtype} {list(state.shape)}, a {state.kind} of the model"


def _outputs(contract: Contract) -> Iterator[str]:
    for output in contract.outputs:
        alias = f", the memory of `{output.alias}`" if output.alias else ""
        yield f"{output.dtype} {list(output.shape)}{alias}"
    if not isinstance(shape := skeleton(contract.output_tree), str):
        yield f"them nested as {shape}"
