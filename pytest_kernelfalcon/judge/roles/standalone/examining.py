"""Calls of the candidate, and all that is wrong with them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from itertools import combinations
from types import ModuleType
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles.held import mapped, tensors_in
from pytest_kernelfalcon.judge.roles.standalone.asked import Asked, Shown
from pytest_kernelfalcon.judge.roles.standalone.calling import call, poison
from pytest_kernelfalcon.judge.roles.standalone.comparing import Pool, outputs, same
from pytest_kernelfalcon.judge.roles.standalone.drawing import (
    Drawn,
    after_forward,
    chosen,
    draw,
    eager_and_truth,
    renewed,
)
from pytest_kernelfalcon.judge.roles.standalone.watching import watched

DRAWS = 3
"""Draws over which eager's error is pooled."""


def examine(asked: Asked, problem: ModuleType, kernel: ModuleType, on_cpu: bool) -> Shown:
    """Calls the candidate, and says all that is wrong."""
    device, shown, pool = "cpu" if on_cpu else "cuda", Shown(), Pool()
    draws = [draw(problem, asked, asked.seed + number, device) for number in range(DRAWS)]
    first, kept = draws[0], mapped(draws[0].inputs, torch.clone)
    changes = [not same(x, y) for x, y in zip(after_forward(first), tensors_in(kept), strict=True)]
    expected = [eager_and_truth(drawn, changes) for drawn in draws]
    for eager, truth in expected:
        for index, (mine, exact) in enumerate(zip(tensors_in(eager), tensors_in(truth), strict=True)):
            if mine.is_floating_point():
                pool.add(index, mine, exact)
    with watched(on_cpu):
        got = call(kernel, first, 0, on_cpu)
        outputs([got, chosen(first.inputs, changes)], *expected[0], pool, asked, shown)
        touched(first, kept, changes, got, shown)
        apart(got, expected[0][0][0], shown)
        again = renewed(first, kept)
        if not any(changes):
            unwritten(got, call(kernel, again, 1, on_cpu), shown)
            for drawn, (eager, truth) in list(zip(draws, expected, strict=True))[1:2]:
                print("the same tensors, with other values:")
                later = call(kernel, renewed(first, drawn.inputs, drawn), 0, on_cpu)
                outputs([later, []], eager, truth, pool, asked, shown)
    if on_cpu and asked.cause == "race" and not any(changes):
        with watched(on_cpu, reverse=True):
            other = call(kernel, renewed(first, kept, draws[0]), 0, on_cpu)
        same_order = all(same(x, y) for x, y in zip(tensors_in(got), tensors_in(other), strict=True))
        if not same_order:
            shown.say("the result is another one when the programs run in reverse order")
    return shown


def touched(drawn: Drawn, kept: Any, changes: list[bool], got: Any, shown: Shown) -> None:
    """Inputs that the candidate wrote to, and outputs that are an input's memory."""
    mine = tensors_in(drawn.inputs)
    for index, (now, then, may) in enumerate(zip(mine, tensors_in(kept), changes, strict=True)):
        if not may and not same(now, then):
            shown.say(f"input {index} is modified, which `forward` does not do")
    places = {tensor.untyped_storage().data_ptr() for tensor in mine if tensor.numel()}
    for index, tensor in enumerate(tensors_in(got)):
        if tensor.untyped_storage().data_ptr() in places and not any(changes):
            shown.say(f"output {index} is the memory of an input")


def apart(got: Any, eager: Any, shown: Shown) -> None:
    """Outputs that begin at the same memory, though those of `forward` lie apart."""
    both = enumerate(zip(tensors_in(got), tensors_in(eager), strict=False))
    for (first, (one, mine)), (second, (other, theirs)) in combinations(both, 2):
        shared = mine.untyped_storage().data_ptr() == theirs.untyped_storage().data_ptr()
        if not shared and one.numel() and one.data_ptr() == other.data_ptr():
            shown.say(f"outputs {first} and {second} are the same memory, which those of `forward` are not")


def unwritten(first: Any, second: Any, shown: Shown) -> None:
    """Elements that hold one poison after one call and the other after the other were never written."""
    for index, (one, other) in enumerate(zip(tensors_in(first), tensors_in(second), strict=False)):
        left = (one == poison(one.dtype, 0)) & (other == poison(other.dtype, 1))
        if one.dtype != torch.bool and bool(left.any()):
            shown.say(f"output {index}: {int(left.sum())} of {left.numel()} elements are never written")
