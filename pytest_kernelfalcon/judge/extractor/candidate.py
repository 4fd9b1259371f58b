"""The whole of a candidate: every @triton.jit function is taken, or refused with its line."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, replace
from keyword import iskeyword

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor.checker import check
from pytest_kernelfalcon.judge.extractor.emit import Segment, check_start, segment
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.kernels import Kernels
from pytest_kernelfalcon.judge.extractor.nested import hidden
from pytest_kernelfalcon.judge.extractor.refusal import Refusal, Refused, construct, quoted
from pytest_kernelfalcon.judge.extractor.source import TOO_DEEP, Source, read

ENTRY_POINT = "kernel_function"
ENTRY_POINTS = (ENTRY_POINT, "ModelNew")
"""Ours, and KernelBench's: either will do."""


@dataclass(frozen=True)
class _Taken:
    """uses: the module-level names that it reads, each with the first line."""

    segment: Segment
    uses: dict[str, int]


def extract(source: str) -> Kernels:
    """The kernels of a candidate's source. Nothing of it is executed.

    Raises Refused for what concerns the whole source: SOURCE_UNREADABLE, SOURCE_SYNTAX, NO_ENTRY_POINT. A kernel that
    is not taken is in `Kernels.refused`.
    """
    try:
        return _extract(read(source))
    except RecursionError:
        raise Refused(Refusal(Cause.SOURCE_SYNTAX, TOO_DEEP, None)) from None


def _extract(source: Source) -> Kernels:
    names = ModuleNames.of(source.tree)
    elsewhere = hidden(source.tree, names)
    if not names.defined & set(ENTRY_POINTS):
        raise Refused(Refusal(Cause.NO_ENTRY_POINT, f"defines no function `{ENTRY_POINT}`", None))
    taken: dict[str, _Taken] = {}
    refused = dict(elsewhere)
    for name, kernel in names.kernels.items():
        again = elsewhere[name].line if name in elsewhere else names.again.get(name)
        if again is not None:
            refused[name] = Refusal(Cause.KERNEL_DUPLICATE, "it is defined more than once", again, name)
            continue
        try:
            taken[name] = _take(kernel, source, names)
        except Refused as exception:
            refused[name] = replace(exception.refusal, kernel=name)
    _refuse_callers(taken, refused)
    environment = {
        used: names.globals[used] for each in taken.values() for used in each.uses if used not in names.kernels
    }
    return Kernels.of({name: each.segment for name, each in taken.items()}, refused, environment)


def _take(kernel: ast.FunctionDef, source: Source, names: ModuleNames) -> _Taken:
    found = segment(kernel, source, names)
    above = found.line - 1
    try:
        uses = check(found.kernel, names)
        check_start(found)
    except Refused as exception:
        relative = exception.refusal.line
        raise Refused(replace(exception.refusal, line=relative and relative + above)) from None
    uses = {name: line + above for name, line in uses.items()}
    for name, line in {kernel.name: kernel.lineno, **uses}.items():
        if name.startswith("__") or iskeyword(name) or (name == "triton" and names.globals[name].path != "triton"):
            raise construct(line, f"the name {quoted(name)} is reserved")
    return _Taken(found, uses)


def _refuse_callers(taken: dict[str, _Taken], refused: dict[str, Refusal]) -> None:
    """A kernel goes where the kernels that it uses go: moves callers of refused ones from `taken` to `refused`."""
    callers: defaultdict[str, list[str]] = defaultdict(list)
    for name, each in taken.items():
        for used in each.uses:
            callers[used].append(name)
    pending = list(refused.items())
    while pending:
        gone, root = pending.pop()
        for caller in callers[gone]:
            if caller in taken:
                through = "" if gone == root.kernel else f", and through it {quoted(root.kernel)}"
                detail = f"it uses {quoted(gone)}{through}, which is refused (line {root.line}: {root.detail})"
                refused[caller] = Refusal(Cause.KERNEL_CONSTRUCT, detail, taken.pop(caller).uses[gone], caller)
                pending.append((caller, root))
