"""Captures a model, renders its kernels, runs them in the hardened interpreter and compares with eager.

Needs TRITON_INTERPRET=1 in the environment.
"""

import functools
import importlib
import itertools
import json
import math
import sys
import tempfile
import traceback
import types
from dataclasses import replace
from pathlib import Path

import torch
from triton.runtime.interpreter import InterpretedFunction

from pytest_kernelfalcon.contracts.contract import Contract, Input, Output, State
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.trees import encode
from pytest_kernelfalcon.generator.author import Exhausted
from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import Pointwise
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.judge import interpreter
from pytest_kernelfalcon.judge.roles.graph import capture
from pytest_kernelfalcon.judge.roles.graph_inputs import parameter_names
from pytest_kernelfalcon.judge.roles.held import Storages, state_of

RECIPE = Pointwise()


def run_launch(self, *args, grid, warmup=False, num_warps=4, **named):
    """In the place of a real launch: the same call, in the interpreter."""
    values = dict(zip(self.arg_names, args, strict=False)) | named
    tensors = [value for value in values.values() if isinstance(value, torch.Tensor)]
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    regions = [interpreter.Region(str(start), start, size) for start, size in storages.items() if size]
    interpreter.launch(self, grid, [values[name] for name in self.arg_names], regions)


def prepare():
    interpreter.install()
    InterpretedFunction.run = run_launch


def named(module):
    """A function as a module, so that a test can write either."""
    if isinstance(module, torch.nn.Module):
        return module
    model = torch.nn.Module()
    model.forward = module
    return model


def contract_of(module, inputs):
    """The contract of a model as it is called with `inputs`, without sizes that vary."""
    model, storages = named(module), Storages()
    held = state_of(model)
    graph = capture(model, inputs, held)
    outputs = []
    with torch.no_grad():
        result = model(*clone(inputs))

    def leaf(value):
        if not torch.is_tensor(value):
            return None
        outputs.append(Output(tuple(value.shape), str(value.dtype)[6:]))
        return {}

    tree = encode(result, leaf)
    encoded = [encode(value, lambda x: storages.spec(x) if torch.is_tensor(x) else None) for value in inputs]
    return Contract(
        id="test", source={}, output_tree=tree, outputs=outputs, ops=[], sizes={}, declared={}, admitted={},
        shrunk=None, admitted_shrunk={}, graph=graph,
        inputs=[Input(*pair) for pair in zip(parameter_names(model, len(inputs)), encoded, strict=True)],
        state=[State(h.arg, h.path, tuple(h.tensor.shape), str(h.tensor.dtype)[6:], h.kind, h.tied_to) for h in held],
    )  # fmt: skip


def clone(value):
    if torch.is_tensor(value):
        copy = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
        return copy.copy_(value)
    if isinstance(value, list | tuple):
        return type(value)(clone(item) for item in value)
    return {k: clone(item) for k, item in value.items()} if isinstance(value, dict) else value


def rendered(module, inputs, **options):
    contract = contract_of(module, inputs)
    match = RECIPE.match(contract)
    assert not isinstance(match, Refusal), match
    way = replace(RECIPE.configurations(match)[0], **options)
    return RECIPE.render(match, way)


@functools.cache
def folder():
    return tempfile.mkdtemp()


counter = itertools.count()


def load(source):
    """The candidate as a module, from a file, which Triton reads."""
    path = f"{folder()}/candidate{next(counter)}.py"
    with open(path, "w") as file:
        file.write(source)
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    exec(compile(source, path, "exec"), module.__dict__)
    return module.kernel_function


def flat(result):
    if torch.is_tensor(result):
        return [result]
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    values = result if isinstance(result, list | tuple) else []
    return [tensor for item in values for tensor in flat(item)]


def compare(source, module, inputs):
    """Runs the candidate beside eager; `inputs` may be of other sizes than those that it was made for."""
    model = named(module)
    ours, theirs = clone(inputs), clone(inputs)
    state = {held.arg: held.tensor.detach().clone() for held in state_of(model) if held.tied_to is None}
    with torch.no_grad():
        want = model(*theirs)
    got = load(source)(*ours, **state)
    assert len(flat(got)) == len(flat(want))
    for ours_, theirs_ in zip([*flat(got), *flat(ours)], [*flat(want), *flat(theirs)], strict=True):
        same(ours_, theirs_)


TOLERANCE = {torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float32: 3e-6, torch.float64: 1e-13}


def same(got, want):
    assert got.shape == want.shape, f"shape {tuple(got.shape)} instead of {tuple(want.shape)}"
    assert got.dtype == want.dtype, f"dtype {got.dtype} instead of {want.dtype}"
    tolerance = TOLERANCE.get(want.dtype, 0)
    torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance, equal_nan=True)


def check(module, inputs, *more, **options):
    """Right on `inputs`, and on the inputs in `more` with the same text. Returns the text."""
    source = rendered(module, inputs, **options)
    try:
        for given in (inputs, *more):
            compare(source, module, given)
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{source}") from error
    return source


def every_way(module, inputs, *more):
    """Right in every configuration that computes differently; their number."""
    match = RECIPE.match(contract_of(module, inputs))
    ways = [way for way in RECIPE.configurations(match) if way.block == 1024]
    for way, given in itertools.product(ways, (inputs, *more)):
        compare(RECIPE.render(match, way), module, given)
    return len(ways)


def refusal(module, inputs):
    """Why the author has nothing."""
    answer = CookbookAuthor().propose(contract_of(module, inputs), [], 0, Control())
    assert isinstance(answer, Exhausted), answer
    return answer


ODD = [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, 1e30, -1e30, 100.0, -100.0, 20.5]


def special(*shape):
    """Random numbers with NaN, infinities, zeros of both signs, halves and large magnitudes among them."""
    x = 3 * torch.randn(*shape)
    x.view(-1)[: len(ODD)] = torch.tensor(ODD)[: x.numel()]
    return x


def main():
    """Runs every `case_` of the modules beside this one; prints the failures as JSON, a text or null each."""
    prepare()
    results = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem == "harness":
            continue
        for name, case in vars(importlib.import_module(path.stem)).items():
            if name.startswith("case_"):
                torch.manual_seed(0)
                try:
                    results[f"{path.stem}-{name}"] = case()
                except Exception:
                    results[f"{path.stem}-{name}"] = traceback.format_exc()
    print(json.dumps(results))


if __name__ == "__main__":
    sys.modules["harness"] = sys.modules["__main__"]
    main()
