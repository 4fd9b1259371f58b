"""What rewritten kernels call: assignment, truth, logic, loops. See control.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.control import helper
from pytest_kernelfalcon.judge.interpreter.internals import unwrap
from pytest_kernelfalcon.judge.interpreter.machine import Machine


class BlockTruth(ValueError):
    """A block of several values where one truth value is needed."""


def assigned(value: Any, semantic: Any) -> Any:
    """What a name holds after an assignment: numbers become tensors, as the compiler makes them."""
    if type(value) is tl.tensor:
        return value
    if type(value) is tuple:
        return tuple(assigned(item, semantic) for item in value)
    return semantic.to_tensor(value, False)


def truth(value: Any) -> bool:
    """Raises BlockTruth for a block, which the compiler refuses too."""
    if isinstance(value, tl.condition):
        return truth(value.condition)
    if not isinstance(value, tl.tensor):
        return bool(unwrap(value))
    data = value.handle.data
    if data.size != 1:
        raise BlockTruth(f"the truth of a block of shape {tuple(data.shape)} is not defined: reduce it to a scalar")
    return bool(data.reshape(-1)[0])


def negated(value: Any) -> Any:
    return value.__not__() if isinstance(value, tl.tensor) else not unwrap(value)


class Logic:
    """One term of an `and` or `or`, and the chain up to it.

    Tensors are all evaluated and combined lane by lane; numbers decide while Python walks the chain.
    """

    method: str
    decides: bool

    def __init__(self, *terms: Any) -> None:
        self._value = terms[0] if terms else not self.decides
        is_tensor = isinstance(self._value, tl.tensor)
        self._tensors = [self._value] if is_tensor else []
        self._decided = not is_tensor and bool(unwrap(self._value)) is self.decides

    def __lt__(self, right: Logic) -> Logic:
        right._tensors = self._tensors + right._tensors
        return right

    def __bool__(self) -> bool:
        return not self._decided

    def result(self) -> Any:
        if self._decided or not self._tensors:
            return self._value
        combined = self._tensors[-1]
        for tensor in reversed(self._tensors[:-1]):
            combined = getattr(tensor, self.method)(combined)
        return combined


class Every(Logic):
    method, decides = "logical_and", False


class Either(Logic):
    method, decides = "logical_or", True


class Loop:
    """A loop of the GPU: its variable is a tensor of the bounds' common type, and its iterations are counted."""

    def __init__(self, machine: Machine, semantic: Any, bounds: tuple[Any, ...]) -> None:
        self._machine, self._semantic = machine, semantic
        bounds = tuple(semantic.to_tensor(unwrap(bound)) for bound in bounds)
        self._type = bounds[0].dtype
        for bound in bounds[1:]:
            self._type = semantic.integer_promote_impl(self._type, bound.dtype)
        self._range = range(*(int(bound) for bound in bounds))

    def __iter__(self) -> Iterator[Any]:
        for value in self._range:
            self._machine.budget.spend()
            yield self._semantic.scalar_constant(value, dtype=self._type)


def helpers(machine: Machine, semantic: Any) -> dict[str, Any]:
    """Everything that rewritten text calls."""

    def again(value: Any) -> bool:
        machine.budget.spend()
        return truth(value)

    def smallest(*values: Any) -> Any:
        return unwrap(tl.core.builtin_min(*values))

    def largest(*values: Any) -> Any:
        return unwrap(tl.core.builtin_max(*values))

    found = {
        "assigned": lambda value: assigned(value, semantic),
        "truth": truth,
        "negated": negated,
        "again": again,
        "every": Every,
        "either": Either,
        "range": lambda *bounds: Loop(machine, semantic, bounds),
        "min": smallest,
        "max": largest,
        "print": lambda *values: None,
    }
    return {helper(name): value for name, value in found.items()}


def loop_range(machine: Machine, semantic: Any) -> Any:
    """tl.range: what only steers the compiler is ignored."""

    def loop(arg1: Any, arg2: Any = None, step: Any = 1, **_options: Any) -> Loop:
        bounds = (0, arg1) if arg2 is None else (arg1, arg2)
        return Loop(machine, semantic, (*bounds, 1 if step is None else step))

    return loop


def static_range(machine: Machine) -> Any:
    """tl.static_range: the variable is a number."""

    def loop(arg1: Any, arg2: Any = None, step: Any = 1, **_options: Any) -> Iterator[int]:
        bounds = (0, arg1) if arg2 is None else (arg1, arg2)
        for value in range(*(int(unwrap(bound)) for bound in (*bounds, 1 if step is None else step))):
            machine.budget.spend()
            yield value

    return loop
