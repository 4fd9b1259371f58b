"""Running a kernel over its grid."""

from __future__ import annotations

import math
import random
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.interpreter.arguments import bind
from pytest_kernelfalcon.judge.interpreter.builder import Builder
from pytest_kernelfalcon.judge.interpreter.faults import Budget, BudgetExceeded, Fault, KernelFault, Program, WrongCall
from pytest_kernelfalcon.judge.interpreter.internals import InterpretedFunction
from pytest_kernelfalcon.judge.interpreter.machine import Checks, Order
from pytest_kernelfalcon.judge.interpreter.memory import Memory, Region

LONGEST_DETAIL = 500
"""Characters of a Python error's text that are kept."""


def programs(grid: Program, order: Order, seed: int) -> Iterator[Program]:
    """Every program id once. "shuffled" steps through the grid by a random number that has no divisor in common with
    its size, so that a grid of any size takes no memory."""
    width, height, depth = grid
    count = width * height * depth
    start, step = (count - 1, -1) if order == "reverse" else (0, 1)
    if order == "shuffled" and count > 2:
        source = random.Random(seed)
        start = source.randrange(count)
        step = next(s for s in iter(lambda: source.randrange(2, count), 0) if math.gcd(s, count) == 1)
    elif order == "shuffled":
        start, step = count - 1, -1
    for turn in range(count):
        place = (start + turn * step) % count
        yield place % width, place // width % height, place // (width * height)


def run(
    builder: Builder,
    semantic: Any,
    kernel: Any,
    grid: tuple[int, ...],
    args: Sequence[object],
    regions: Sequence[Region],
    checks: Checks,
    budget: Budget | None,
) -> None:
    """See `launch` of the package."""
    if not isinstance(kernel, InterpretedFunction):
        raise TypeError(f"pass a @triton.jit function, not {type(kernel).__name__}: take autotune and heuristics off")
    shape = _three(grid)
    memory = Memory(regions)
    file = kernel.fn.__code__.co_filename
    builder.begin(memory, checks, budget, file, shape)
    try:
        with np.errstate(all="ignore"):
            arguments = bind(kernel, args, memory, semantic)
            function = kernel.rewrite()
            for program in programs(shape, checks.order, checks.order_seed):
                builder.enter(program)
                function(**arguments)
    except (BudgetExceeded, WrongCall):
        raise
    except Exception as error:
        raise _fault(error, file, builder.grid_idx, kernel.fn.__name__) from error
    finally:
        builder.end()


def _three(grid: tuple[int, ...]) -> Program:
    if not 1 <= len(grid) <= 3 or not all(0 <= size < 2**31 for size in grid):
        raise ValueError(f"grid {grid!r}: pass one to three sizes below 2**31")
    width, height, depth = (*grid, 1, 1)[:3]
    return width, height, depth


def _fault(error: Exception, file: str, program: Program | None, kernel: str) -> KernelFault:
    """What went wrong, with the last line of the kernel's own file that was running."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    line = lines[-1] if lines else None
    if not isinstance(error, Fault):
        text = f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]
        return KernelFault(Cause.KERNEL_RAISED, text, line=line, program=program, kernel=kernel)
    line = error.line if error.line is not None else line
    places = ([f"line {line}"] if line is not None else []) + ([f"program {program}"] if program is not None else [])
    detail = f"{error.action} at {', '.join(places)}: {error.text}".lstrip() if places else error.text
    return KernelFault(error.cause, detail, line=line, program=program, kernel=kernel)
