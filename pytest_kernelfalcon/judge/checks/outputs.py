"""One call's results: structure, memory, accuracy."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from typing import Any, NoReturn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.trees import leaves, skeleton
from pytest_kernelfalcon.judge.arguments import storage_names
from pytest_kernelfalcon.judge.checks.values import accurate
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.launch_plan import shown
from pytest_kernelfalcon.judge.overlap import overlap
from pytest_kernelfalcon.judge.trial import Run, Trial


def judge_outputs(trial: Trial, run: Run) -> None:
    """Every check of `OUTPUT_CHECKS` on one call; raises `Found` with the case."""
    try:
        for check in OUTPUT_CHECKS:
            check(trial, run)
    finally:
        os.close(run.outputs_fd)


def _found(trial: Trial, run: Run, cause: Cause, worst: dict[str, Any] | None = None, **facts: Any) -> NoReturn:
    raise Found(Finding(cause, trial.stage, facts, case=run.case.to_json(), worst=worst))


def structure(trial: Trial, run: Run) -> None:
    """Nesting, number, shapes and dtypes of the results."""
    got, want = skeleton(run.got["tree"]), skeleton(run.expected["tree"])
    if got != want:
        shown = _shown(run.got["tree"])
        _found(trial, run, Cause.RESULT_STRUCTURE, detail=f"{shown} where `forward` returns {_nesting(want)}")
    for index, (mine, expected) in enumerate(_pairs(run)):
        if list(mine["shape"]) != expected["shape"]:
            _found(trial, run, Cause.OUTPUT_SHAPE, output=index, got=mine["shape"], want=expected["shape"])
        if mine["dtype"] != expected["dtype"]:
            _found(trial, run, Cause.OUTPUT_DTYPE, output=index, got=mine["dtype"], want=expected["dtype"])


def inputs_kept(trial: Trial, run: Run) -> None:
    """No input or state is changed but those that the problem changes itself."""
    changed = (run.expected["inputs"][position] for position in trial.contract.mutated)
    mutable = {leaf["storage"] for tree in changed for leaf in leaves(tree)}
    for storage in run.got["modified"]:
        if storage not in mutable:
            _found(trial, run, Cause.INPUT_MODIFIED, detail=storage_names(trial.contract, run.expected)[storage])


def own_memory(trial: Trial, run: Run) -> None:
    """An output is memory that a kernel wrote, and an input's only where `forward` returns that input."""
    names = storage_names(trial.contract, run.expected)
    for index, mine in enumerate(run.got["tensors"][: len(trial.contract.outputs)]):
        if mine["storage"] < len(names):
            alias = trial.contract.outputs[index].alias
            if alias is None or names[mine["storage"]] != alias:
                _found(trial, run, Cause.ALIASES_INPUT, output=index, detail=f"`{names[mine['storage']]}`")
        elif mine["storage"] not in run.got["launched"] and mine["nbytes"]:
            _found(trial, run, Cause.PASSTHROUGH, output=index)


def outputs_apart(trial: Trial, run: Run) -> None:
    """Two outputs share memory only where those of `forward` do: who changes one in place changes no other."""
    mine, theirs = list(leaves(run.got["tree"])), list(leaves(run.expected["tree"]))
    for (first, one), (second, another) in combinations(enumerate(mine), 2):
        if theirs[first]["storage"] != theirs[second]["storage"] and overlap(one, another):
            _found(trial, run, Cause.ALIASES_OUTPUT, output=second, other=first)


def written(trial: Trial, run: Run) -> None:
    """Every element of every output was written (known in a watched call only)."""
    for index, mine in enumerate(run.got["tensors"]):
        if mine["unwritten"] > 0:
            total = _elements(mine["shape"])
            _found(trial, run, Cause.UNWRITTEN_OUTPUT, output=index, count=mine["unwritten"], total=total)


OUTPUT_CHECKS: list[Callable[[Trial, Run], None]] = [
    structure,
    inputs_kept,
    own_memory,
    outputs_apart,
    written,
    accurate,
]


def _pairs(run: Run) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(run.got["tensors"], run.expected["outputs"], strict=True))


def _elements(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _shown(tree: dict[str, Any]) -> str:
    return shown(tree["v"]) if "v" in tree else _nesting(skeleton(tree))


def _nesting(nesting: object) -> str:
    return shown(nesting, 300).replace("'", "") if nesting != "tensor" else "a tensor"
