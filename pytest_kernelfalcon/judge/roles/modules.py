"""Running a problem's own text: its module, its model, its inputs, its forward.

Whatever the text does wrong ends as `Broken`, with the cause and the last line of the problem that was reached.
"""

from __future__ import annotations

import inspect
import linecache
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy
import torch
from torch import nn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.trees import Tree, TreeError, encode
from pytest_kernelfalcon.judge.roles.broken import Broken, describe, guarded
from pytest_kernelfalcon.judge.roles.held import Held, Storages, state_of

__all__ = [
    "Broken", "Held", "Instance", "Storages", "build", "build_inputs", "build_model", "describe", "forward", "guarded",
    "init_arguments", "init_tree", "load", "outputs_of", "seed_everything", "state_of",
]  # fmt: skip

MODULE = "kernelfalcon_problem"


@dataclass
class Instance:
    """A model with its arguments. dropout_eval: dropout modules were switched off to make `forward` repeatable.

    init: what it was made with, positionally and by keyword.
    """

    module: ModuleType
    model: nn.Module
    inputs: list[Any]
    dropout_eval: bool
    init: tuple[Sequence[Any], dict[str, Any]] = ((), {})


def load(source: str, path: str) -> ModuleType:
    """The module that `source` makes, executed afresh; `path` is what its tracebacks name.

    It stays in `sys.modules` until the next load: dataclasses look their module up there.
    """
    module = ModuleType(MODULE)
    module.__file__ = path
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    sys.modules[MODULE] = module
    with guarded("import", Cause.PROBLEM_IMPORT, path):
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module


def seed_everything(seed: int) -> None:
    """Seeds torch, `random` and numpy, the generators that a problem may draw from.

    Where there is no GPU, torch's own function would note a stack trace for each kind of device: most of its time.
    """
    (torch.manual_seed if torch.cuda.device_count() else torch.default_generator.manual_seed)(seed)
    random.seed(seed)
    numpy.random.seed(seed % 2**32)


def build(module: ModuleType, seed: int) -> Instance:
    """`Model(*get_init_inputs())` and `get_inputs()`, drawn with `seed`; all but dropout stays in train mode."""
    seed_everything(seed)
    init = init_arguments(module)
    model, quiet = build_model(module, *init)
    return Instance(module, model, build_inputs(module), quiet, init)


def init_arguments(module: ModuleType) -> tuple[Sequence[Any], dict[str, Any]]:
    """What `Model` is made with."""
    with guarded("get_init_inputs", Cause.PROBLEM_INIT, str(module.__file__)):
        return _init_arguments(module.Model, module.get_init_inputs())


def init_tree(instance: Instance) -> Tree | None:
    """What the model was made with; None where that is more than a tree without tensors."""
    try:
        return encode([list(instance.init[0]), instance.init[1]], lambda value: None)
    except TreeError:
        return None


def build_model(module: ModuleType, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[nn.Module, bool]:
    """The model, and whether dropout modules had to be switched off."""
    path = str(module.__file__)
    with guarded("Model()", Cause.PROBLEM_INIT, path):
        model = module.Model(*args, **kwargs)
    if not isinstance(model, nn.Module):
        raise Broken(Cause.PROBLEM_INIT, detail=f"`Model` makes a {type(model).__name__}, not a torch.nn.Module")
    return model, _quiet_dropout(model)


def build_inputs(module: ModuleType) -> list[Any]:
    """What `get_inputs()` returns, a list or tuple."""
    with guarded("get_inputs()", Cause.PROBLEM_INPUTS, str(module.__file__)):
        given = module.get_inputs()
    if not isinstance(given, list | tuple):
        raise Broken(Cause.PROBLEM_INPUTS, detail=f"it returns a {type(given).__name__}, not a list")
    return list(given)


def _init_arguments(model: Any, given: Any) -> tuple[Sequence[Any], dict[str, Any]]:
    """KernelBench's `[arg, …]`, or KernelBook's `[[arg, …], {name: arg}]` where only that makes sense."""
    given = list(given)
    if len(given) != 2 or not isinstance(given[0], list | tuple) or not isinstance(given[1], dict):
        return given, {}
    signature = inspect.signature(model)
    if given[1] and set(given[1]) <= set(signature.parameters):
        return given[0], given[1]
    try:
        signature.bind(*given)
    except TypeError:
        return given[0], given[1]
    return given, {}


def _quiet_dropout(model: nn.Module) -> bool:
    """Switches off the modules that are random in train mode; whether there were any."""
    quiet = False
    for module in model.modules():
        match module:
            case nn.modules.dropout._DropoutNd():
                quiet |= module.training and module.p > 0
                module.eval()
            case nn.RReLU():
                quiet |= module.training and module.lower != module.upper
                module.eval()
            case nn.RNNBase() | nn.MultiheadAttention():
                # not eval(): that would send attention along another path
                quiet |= module.training and module.dropout > 0
                module.dropout = 0.0
    return quiet


def forward(instance: Instance, inputs: Sequence[Any]) -> object:
    """`model(*inputs)` without gradients."""
    with guarded("forward", Cause.PROBLEM_FORWARD, str(instance.module.__file__)), torch.no_grad():
        return instance.model(*inputs)


def outputs_of(result: object) -> tuple[Tree, list[torch.Tensor]]:
    """The structure of what `forward` returned, and its tensors in order; there must be at least one."""
    tensors: list[torch.Tensor] = []
    storages = Storages()

    def leaf(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, torch.Tensor):
            return None
        tensors.append(value)
        return storages.spec(value)

    try:
        tree = encode(result, leaf)
    except TreeError as error:
        raise Broken(Cause.PROBLEM_NO_TENSOR, detail=f"a value of type {error}") from None
    if not tensors:
        shown = "None" if result is None else f"a value of type {type(result).__name__}"
        raise Broken(Cause.PROBLEM_NO_TENSOR, detail=shown)
    return tree, tensors
