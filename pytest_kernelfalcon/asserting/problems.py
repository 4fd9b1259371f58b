"""The problem that `assert_kernel` puts together: a text in KernelBench's format, as any problem file is.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from pytest_kernelfalcon.asserting import references
from pytest_kernelfalcon.asserting.entries import describe
from pytest_kernelfalcon.asserting.inputs import described, is_tensor, names_of
from pytest_kernelfalcon.asserting.modules import CannotJudge, Module
from pytest_kernelfalcon.asserting.texts import Texts
from pytest_kernelfalcon.contracts.problem import Problem, definitions

CALLED = """
class Model(torch.nn.Module):
    def forward(self, *inputs):
        return {call}


kf_named(Model, {names!r})
"""
METHOD = """
def Model():
    model = {model}
    model.forward = model.{name}
    return model
"""
OWN = {"Model", "get_inputs", "get_init_inputs", "base64", "functools", "pickle"}


@dataclass(frozen=True)
class Made:
    """own: lines of the problem up to here are the user's file's; later ones are ours. fixed: no size was named."""

    problem: Problem
    own: int
    fixed: bool


def problem(
    reference: Any,
    inputs: Any,
    caller: Mapping[str, Any],
    place: str,
    part: Callable[[Module], Module] = lambda module: module,
) -> Made:
    """reference: a callable or a torch.nn.Module. inputs: a sequence or a dict of tensors and plain values, or a
    function whose parameters are sizes with integers as defaults. place: what messages name where no file of the
    user's is in it. part: gives of a module of the user's what may be looked at. Raises CannotJudge.
    """
    texts = Texts(part)
    known = references.parameters(getattr(reference, "forward", reference))
    by_name = isinstance(inputs, Mapping)
    names = known if callable(inputs) else names_of(inputs, known)
    model = _model(reference, texts, names, by_name, caller)
    drawn = _function(inputs, texts, caller) if callable(inputs) else _given(inputs, names)
    own = len(texts.first.lines) if texts.first else 0
    text = "\n" * own + "\n".join([_library(), f"kf_embed({_json(texts.embedded())})", model, drawn, INIT])
    shown = texts.first.shown if texts.first else place
    return Made(Problem(shown, text), own, not callable(inputs))


INIT = "\n\ndef get_init_inputs():\n    return []\n"


def _library() -> str:
    """The text of `embedded`, with what generated lines use besides."""
    text = resources.files(__package__).joinpath("embedded.py").read_text(encoding="utf-8")
    return text.replace("import sys\n", "import sys\nimport base64\nimport functools\nimport pickle\n", 1)


def _json(data: object) -> str:
    return f"json.loads({json.dumps(data)!r})"


def _model(reference: Any, texts: Texts, names: Sequence[str], by_name: bool, caller: Mapping[str, Any]) -> str:
    if hasattr(reference, "named_parameters") and not isinstance(reference, type):
        if by_name:
            raise CannotJudge("inputs by name go with a function; `reference` is a torch.nn.Module. Fix: give a list.")
        return f"\ndef Model():\n    return {references.model(reference, texts)}\n"
    if hasattr(owner := getattr(reference, "__self__", None), "named_parameters") and not by_name:
        return METHOD.format(model=references.model(owner, texts), name=reference.__name__)
    if isinstance(reference, type):
        raise CannotJudge(f"`reference` is the class {reference.__name__}. Fix: pass an instance of it, or a function.")
    taken = references.expression(reference, "`reference`", texts, caller)
    pairs = ", ".join(f"{name}=inputs[{k}]" for k, name in enumerate(names))
    call = f"kf_reference({pairs})" if by_name else "kf_reference(*inputs)"
    plain = [name for name in names if name.isidentifier()]
    return f"kf_reference = {taken}\n" + CALLED.format(call=call, names=plain)


def _given(inputs: Any, names: Sequence[str]) -> str:
    if is_tensor(inputs) or not isinstance(inputs, Sequence | Mapping) or isinstance(inputs, str):
        raise CannotJudge(
            f"`inputs` is {describe(inputs)}. Fix: give a list or a dict of them, or a function that makes them, whose "
            "parameters are sizes: `def inputs(rows=128): return [torch.randn(rows, 64)]`."
        )
    if not all(name.isidentifier() for name in names):
        raise CannotJudge(f"`inputs` has the keys {list(names)}. Fix: give the reference's parameter names.")
    values = list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)
    return f"\ndef get_inputs():\n    return kf_drawn({described(values, names)!r})"


def _function(inputs: Any, texts: Texts, caller: Mapping[str, Any]) -> str:
    """Its parameters become constants of the problem, which the judge classes and varies."""
    taken = references.expression(inputs, "`inputs`", texts, caller)
    reserved = OWN | definitions(_library(), "embedded.py")
    sizes = {}
    for parameter in inspect.signature(inputs).parameters.values():
        if parameter.default is parameter.empty:
            raise CannotJudge(
                f"`inputs` has the parameter `{parameter}` without a default. Fix: give the size that it declares."
            )
        if type(parameter.default) is int and parameter.kind is not parameter.POSITIONAL_ONLY:
            sizes[parameter.name] = parameter.default
    if taken_names := sorted(reserved & sizes.keys()):
        raise CannotJudge(f"`inputs` has a parameter `{taken_names[0]}`, a name that a problem has. Fix: rename it.")
    constants = "".join(f"{name} = {value}\n" for name, value in sizes.items())
    call = ", ".join(f"{name}={name}" for name in sizes)
    return f"kf_inputs = {taken}\n{constants}\ndef get_inputs():\n    return kf_listed(kf_inputs({call}))"
