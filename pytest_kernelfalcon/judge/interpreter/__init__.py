"""The hardened Triton interpreter: `@triton.jit` functions on CPU memory, exact, bounded and checked.

It replaces the parts of Triton's own interpreter that are wrong, unsafe or slow. The process must have
TRITON_INTERPRET=1 in its environment before triton is imported, and can never compile a kernel afterwards. Triton's
internals are touched by `install` and not before, so that a version that lacks one is reported there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from pytest_kernelfalcon.judge.interpreter.faults import Budget, BudgetExceeded, KernelFault, WrongCall
from pytest_kernelfalcon.judge.interpreter.machine import Checks
from pytest_kernelfalcon.judge.interpreter.memory import Region

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Checks",
    "KernelFault",
    "Region",
    "WrongCall",
    "install",
    "launch",
    "prewarm",
]

_installed: list[Any] = []


def install() -> None:
    """Patch Triton's interpreter, once in a process; a second call does nothing.

    Raises RuntimeError where TRITON_INTERPRET is not 1, or the installed Triton lacks an internal that is needed.
    """
    if _installed:
        return
    if os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError("set TRITON_INTERPRET=1 in the environment before triton is imported")
    import triton.runtime.interpreter as stock

    from pytest_kernelfalcon.judge.interpreter import language

    builder = language.patch()
    _installed.extend([builder, stock.interpreter_semantic])


def launch(
    kernel: Any,
    grid: tuple[int, ...],
    args: Sequence[object],
    regions: Sequence[Region],
    checks: Checks = Checks(),  # noqa: B008
    budget: Budget | None = None,
) -> None:
    """Run a `@triton.jit` function over a grid, program after program, on CPU memory.

    args: one for each of the kernel's `arg_names`, in that order: CPU tensors, `triton.reinterpret`ed ones, tensor
    descriptors, numbers, None, strings, tl dtypes, jit functions, and tuples of these. regions: the storages that the
    kernel may touch; an access to any other byte is a fault, and reaches no memory. budget: None is unlimited.

    Raises KernelFault, BudgetExceeded; ValueError and TypeError for a call that is wrong itself (WrongCall for an
    argument that lies in no region); RuntimeError before `install`. Memory keeps what was stored until then.
    """
    if not _installed:
        raise RuntimeError("call install() before launch()")
    from pytest_kernelfalcon.judge.interpreter import grid as runner

    builder, semantic = _installed
    runner.run(builder, semantic, kernel, grid, args, regions, checks, budget)


def prewarm() -> None:
    """Run a small kernel, so that the first real launch, also in a fork of this process, is as fast as any."""
    from pytest_kernelfalcon.judge.interpreter import warm

    warm.warm(launch)
