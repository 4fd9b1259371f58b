"""The problem's model and inputs as the judge makes them, and what it gives for them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import copy
import importlib.util
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles.held import held_in, mapped, tensors_in
from pytest_kernelfalcon.judge.roles.modules import _init_arguments, _quiet_dropout
from pytest_kernelfalcon.judge.roles.reference import refresh_held, same_draw
from pytest_kernelfalcon.judge.roles.standalone.asked import Asked
from pytest_kernelfalcon.judge.roles.variants import _everywhere, retyped, varied
from pytest_kernelfalcon.judge.roles.widen import Widen, double_by_default, widened, widened_model, working_bytes


@dataclass
class Drawn:
    """A model and its inputs, as one call is given them."""

    model: Any
    init: Any
    inputs: list[Any]


def module_of(text: str, name: str) -> ModuleType:
    """The module that `text` makes, from a file of its own: Triton reads a kernel's text from there."""
    path = Path(tempfile.mkdtemp(prefix="repro-")) / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def seeded(seed: int) -> None:
    """torch, `random`, and numpy where the problem uses it."""
    torch.manual_seed(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)


def draw(problem: ModuleType, asked: Asked, seed: int, device: str) -> Drawn:
    """Model and inputs as the judge makes them: flat state and inputs that never change are drawn afresh, then values,
    type and layout of the case.
    """
    once = []
    for other in (1, 2):
        seeded(other)
        once.append(list(problem.get_inputs()))
    fixed = {i for i, pair in enumerate(zip(*once, strict=False)) if same_draw(*pair)}
    seeded(seed)
    init = _init_arguments(problem.Model, problem.get_init_inputs())
    drawn = Drawn(problem.Model(*init[0], **init[1]), init, list(problem.get_inputs()))
    _quiet_dropout(drawn.model)
    drawn.model.to(device)
    _everywhere(drawn, lambda x: x.to(device))
    refresh_held([item for item in held_in(drawn.model) if item.tied_to is None], drawn.inputs, fixed)
    varied(drawn, asked.dtype, asked.strides, asked.values, retyped)
    return drawn


def eager_and_truth(drawn: Drawn, changes: list[bool]) -> tuple[Any, Any]:
    """What the model gives in its own precision, and in fp64 (or eager again, where it does not run so): each
    [result, the inputs that it changes].
    """
    copies = mapped(drawn.inputs, torch.clone)
    with torch.no_grad():
        eager = [copy.deepcopy(drawn.model)(*copies), chosen(copies, changes)]
    given = [*tensors_in(drawn.inputs), *(item.tensor for item in held_in(drawn.model))]
    model, inputs = widened_model(drawn.model), widened(drawn.inputs)
    try:
        with torch.no_grad(), double_by_default(), Widen(working_bytes(given)):
            return eager, [model(*inputs), chosen(inputs, changes)]
    except Exception as error:
        print(f"the model does not run in fp64 ({type(error).__name__}): eager stands for it")
        return eager, eager


def chosen(inputs: Any, changes: list[bool]) -> list[torch.Tensor]:
    """The tensors of the inputs that `forward` changes, whose content is compared like an output's."""
    return [tensor for tensor, may in zip(tensors_in(inputs), changes, strict=True) if may]


def after_forward(drawn: Drawn) -> list[torch.Tensor]:
    """The inputs as `forward` leaves copies of them."""
    inputs = mapped(drawn.inputs, torch.clone)
    with torch.no_grad():
        copy.deepcopy(drawn.model)(*inputs)
    return tensors_in(inputs)


def renewed(drawn: Drawn, values: Any, state: Drawn | None = None) -> Drawn:
    """The very same tensors, holding these values (and that state)."""
    pairs = list(zip(tensors_in(drawn.inputs), tensors_in(values), strict=True))
    if state is not None:
        mine, theirs = held_in(drawn.model), held_in(state.model)
        pairs += [(one.tensor, other.tensor) for one, other in zip(mine, theirs, strict=True)]
    with torch.no_grad():
        for mine_, theirs_ in pairs:
            if mine_.shape == theirs_.shape:
                mine_.copy_(theirs_)
    return drawn
