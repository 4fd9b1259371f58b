"""The checks, cheapest first. Adding one is a function in a file of this folder and one line in `CHECKS`.

A check looks at a `Trial` and either returns, or raises `Found` with the cause and the place. What it learns (the
plan, compile figures, sizes that are not served) it leaves in the trial for the verdict and for later checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pytest_kernelfalcon.judge.checks import (
    compiled,
    conforming,
    declared,
    interpreted,
    repeated,
    running,
    sanitized,
    source,
)
from pytest_kernelfalcon.judge.gates import GateName
from pytest_kernelfalcon.judge.trial import Trial


class Check(NamedTuple):
    """stage: the verdict's name for it. gates: which gates make it."""

    stage: str
    look: Callable[[Trial], None]
    gates: Sequence[GateName] = ("seed", "accept")


CHECKS: list[Check] = [
    Check("parse", source.starts),
    Check("trace", declared.plan),
    Check("compile", compiled.for_targets),
    Check("interpret", interpreted.beside),
    Check("run", running.each_form),
    Check("compile", compiled.after_reads),
    Check("run", repeated.same_tensors),
    Check("run", repeated.configurations),
    Check("run", running.varied_cases),
    Check("run", running.declared_kernels),
    Check("compile", compiled.other_types, gates=("accept",)),
    Check("repeat", repeated.program_orders, gates=("accept",)),
    Check("repeat", repeated.same_plans, gates=("accept",)),
    Check("conform", conforming.used_for_real, gates=("accept",)),
    Check("conform", conforming.used_at_declared_sizes, gates=("accept",)),
    Check("sanitize", sanitized.by_tools, gates=("accept",)),
]
