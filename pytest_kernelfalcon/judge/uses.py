"""Calls of an accepted module for real, and the process that makes them."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.trees import leaves
from pytest_kernelfalcon.judge import steps
from pytest_kernelfalcon.judge.arguments import declared_arguments
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.host import Ended, Overdue
from pytest_kernelfalcon.judge.trial import How, Run, Trial
from pytest_kernelfalcon.judge.wire import close_all

GIVEN = ("inputs", "state", "init", "storages")


class Unusable(Exception):
    """The module's process gave no answer; the text says why."""


@dataclass
class Use:
    """One call. call: its request (see roles/conforming/session.py). plan: what was judged. results: shapes and dtypes.

    inputs: a file. output: another, for the results' bytes. run: the call as it was judged; None where only what the
    wrapper does is looked at, and kernels are not run.
    """

    call: dict[str, Any]
    plan: list[dict[str, Any]]
    results: list[list[Any]]
    inputs: int
    output: int
    run: Run | None


def judged(trial: Trial, case: Case, again: bool, stack: ExitStack) -> Use:
    """A call that tracer and executor make here, on inputs of its own. again: in the memory of the call before.

    Its files are closed with the stack.
    """
    run = trial.run(case, How(told=True))
    stack.callback(close_all, [run.outputs_fd])
    asked, given = trial.call_of(case)
    inputs, tensors = os.dup(given), run.got["tensors"]
    output = _file(max((piece["offset"] + piece["nbytes"] for piece in tensors), default=0) or 1)
    stack.callback(close_all, [inputs, output])
    call = {name: asked[name] for name in (*GIVEN, "mutates")} | {"again": again}
    call["outputs"] = [{"offset": tensor["offset"], "nbytes": tensor["nbytes"]} for tensor in tensors]
    results = [[tensor["shape"], tensor["dtype"]] for tensor in tensors[: len(trial.contract.outputs)]]
    return Use(call, steps.read(run.got["steps"]), results, inputs, output, run)


def at_declared_sizes(trial: Trial, most: int, stack: ExitStack) -> Use | None:
    """A call at the problem's own sizes, without values; None where it would take more than `most` bytes, or its plan
    hangs on values.
    """
    answer = trial.dry(told=True)
    if answer["end"] != "result":
        return None
    plan = steps.read(answer["steps"])
    given = declared_arguments(trial.contract)
    sizes = [piece["nbytes"] for piece in given["storages"]]
    if sum(sizes) + sum(step["bytes"] for step in plan if step["op"] == "alloc") > most:
        return None
    inputs, output = _file(max(sizes, default=0) or 1), _file(1)
    stack.callback(close_all, [inputs, output])
    call = {name: given[name] for name in GIVEN} | {"outputs": [], "mutates": [], "again": False}
    results = [[leaf["shape"], leaf["dtype"]] for leaf in leaves(plan[-1]["tree"])]
    return Use(call, plan, results, inputs, output, None)


def _file(nbytes: int) -> int:
    """Memory of zeros that who writes to it cannot shorten under a reader."""
    fd = os.memfd_create("results", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, nbytes)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


def made(trial: Trial, uses: list[Use], watched: bool, idle: bool, repeats: int) -> dict[str, Any]:
    """The answer of the module's process, which has ended by then. idle: kernels are not run. Raises `Unusable`."""
    job = {"source": trial.source, "paths": trial.contract.arguments, "pick": 0, "operations": trial.gate.operations}
    job |= {"watched": watched, "idle": idle}
    files = [fd for use in uses for fd in (use.inputs, use.output)]
    with trial.zygotes.fork(trial.platform.conformance, job, trial.control) as child:
        try:
            child.send({"calls": [use.call for use in uses], "repeats": repeats}, files)
            answer, fds = child.receive(trial.control, trial.patience.run)
        except Ended as ended:
            raise Unusable(f"its process ends ({ended.how})") from None
        except Overdue as overdue:
            raise Unusable(f"it does not end within {overdue.seconds:.0f} s") from None
    close_all(fds)
    if not _well_formed(answer, len(uses)):
        raise Unusable("its process sends what is no answer")
    return answer


def _well_formed(answer: dict[str, Any], calls: int) -> bool:
    """Whether it has the form that an honest process gives it."""
    repeated = answer.get("repeated")
    return (
        set(answer) == {"calls", "repeated"}
        and isinstance(answer["calls"], list)
        and len(answer["calls"]) == calls
        and all(isinstance(call, dict) and set(call) == {"heard", "results"} for call in answer["calls"])
        and all(call["heard"] is None or _texts(call["heard"]) for call in answer["calls"])
        and (repeated is None or (isinstance(repeated, dict) and set(repeated) == {"number", "heard", "first"}))
        and (repeated is None or type(repeated["number"]) is int)
        and (repeated is None or (_texts(repeated["heard"]) and _texts(repeated["first"])))
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
