"""A refusal as a script: which causes one can show, and the text of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.contracts.variants import DECLARED, DRAWN
from pytest_kernelfalcon.judge.accuracy import RMS_BOUND, WORST_BOUND
from pytest_kernelfalcon.judge.repro import embed
from pytest_kernelfalcon.judge.verdict import Verdict

MARK = '"""Shows a refusal without pytest-kernelfalcon: '
"""How the first line of a repro.py begins: what begins otherwise is not ours to overwrite."""

COMPILED = (Cause.COMPILE_ERROR, Cause.OUT_OF_RESOURCES, Cause.COMPILE_TIMEOUT, Cause.COMPILE_CRASH)
CALLED = (
    Cause.WRAPPER_IMPORT,
    Cause.WRAPPER_RAISED,
    Cause.WRAPPER_DIED,
    Cause.WRAPPER_TIMEOUT,
    Cause.UNSUPPORTED_DECLARED,
    Cause.KERNEL_RAISED,
    Cause.KERNEL_CRASHED,
    Cause.KERNEL_TIMEOUT,
)
"""Shown by a call at the declared sizes, where the verdict names no case."""
RULES = (
    Cause.SOURCE_UNREADABLE,
    Cause.SOURCE_SYNTAX,
    Cause.NO_ENTRY_POINT,
    Cause.KERNEL_CONSTRUCT,
    Cause.KERNEL_DUPLICATE,
    Cause.TORCH_OPERATION,
    Cause.HOST_DATA,
    Cause.KEPT_TENSOR,
    Cause.DTYPE_CAST,
    Cause.SIDE_STREAM,
    Cause.VALUE_READ,
    Cause.LAUNCH_ARGUMENT,
    Cause.PLAN_INVALID,
    Cause.PLAN_CHANGES,
    Cause.PLAN_FLOOD,
)
"""What the judge forbids, whether or not the results are right: no run shows it."""


@dataclass(frozen=True)
class Repro:
    """text: of the script; None where none can show the refusal, and `why` says why."""

    text: str | None
    why: str = ""


def of(contract: Contract, verdict: Verdict, source: str) -> Repro | None:
    """The script for a refused candidate; None for any other verdict."""
    if verdict.outcome != "refused" or verdict.cause is None:
        return None
    cause = Cause.named(verdict.cause)
    if cause in RULES:
        return Repro(None, "what is refused is forbidden by a rule of the judge, which no run shows")
    if verdict.case is None and cause not in (*CALLED, *COMPILED):
        return Repro(None, "the verdict names no case that a run could show")
    case = verdict.case or {"sizes": contract.declared, "dtypes": DECLARED, "strides": DECLARED, "values": DRAWN}
    facts: dict[str, Any] = {
        "cause": cause.value,
        "message": _plain(verdict.message),
        "headline": _plain(f"{cause}: {verdict.message}"),
        "fix": _plain(verdict.fix),
        "problem": rewrite(contract.source["code"], case["sizes"]),
        "source": source,
        "case": case,
        "sizes": ", ".join(f"{name}={value}" for name, value in case["sizes"].items()),
        "raises": cause in (*CALLED, *COMPILED, Cause.OUT_OF_BOUNDS),
        "target": _target(verdict) if cause in COMPILED else None,
    }
    return Repro(_template().render(facts))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("pytest_kernelfalcon.judge.repro", "."),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.filters |= {"text": _literal, "repr": repr}
    environment.globals |= {
        "imports": embed.imports(),
        "library": embed.library(),
        "rms_bound": RMS_BOUND,
        "worst_bound": WORST_BOUND,
    }
    return environment.get_template("repro.py.j2")


def _literal(text: str) -> str:
    """A Python literal that reads like the text where it can: nothing in it can end the literal early."""
    if "'''" in text or text.endswith(("'", "\\")) or any(not (c.isprintable() or c in "\n\t") for c in text):
        return repr(text)
    return f"r'''{text}'''"


def _plain(text: str) -> str:
    """For a docstring: one line that cannot end it, and no escape."""
    return re.sub(r'[\\"]', "'", "".join(c if c.isprintable() else " " for c in " ".join(text.split())))


def _target(verdict: Verdict) -> int:
    """The compute capability that did not take the kernel; the first wanted where none is named."""
    named = [name for name, figures in verdict.targets.items() if figures["status"] != "ok"]
    return int((named or list(verdict.targets) or ["sm_90"])[0].removeprefix("sm_"))
