"""The accepted module used for real, in a process of its own: it must do what its plan says, and give the same values.

A check of honesty. It can only take acceptance away, since the module's own process answers; see docs/architecture.md.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.trees import leaves
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.checks.repeated import NONDETERMINISTIC
from pytest_kernelfalcon.judge.checks.values import judged
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.host import Ended, Overdue
from pytest_kernelfalcon.judge.sameness import differences
from pytest_kernelfalcon.judge.trial import How, Run, Trial
from pytest_kernelfalcon.judge.wire import Malformed, close_all

DRAW = 1 << 20
"""The first of the draws whose values are thrown away: no other check uses them."""
REPEATS = 100
UNSEEN = ("alloc", "fill", "copy", "read", "result")
"""Messages that a call makes only where every torch operation is watched."""


@dataclass
class Use:
    """One call to be made for real. run: the same call as it was judged. inputs: a file. again: in the same memory as
    the call before. output: where the bytes of its results go.
    """

    run: Run
    inputs: int
    output: int
    again: bool = False

    @property
    def plan(self) -> list[dict[str, Any]]:
        return [json.loads(step) for step in self.run.got["steps"]]


def used_for_real(trial: Trial) -> None:
    """Once watched, then as anybody would use it: new values in the same memory, and many calls."""
    assert trial.form is not None
    case = Case.of(trial.form.sizes)
    with ExitStack() as stack:
        uses = [_use(trial, Case.of(trial.form.sizes, DRAW + k), k == 1, stack) for k in range(2)]
        _check(trial, case, uses[:1], watched=True)
        _check(trial, case, uses, watched=False)


def _use(trial: Trial, case: Case, again: bool, stack: ExitStack) -> Use:
    """The call in tracer and executor, on inputs of its own; its files are closed with the stack."""
    run = trial.run(case, How(told=True))
    stack.callback(close_all, [run.outputs_fd])
    inputs = os.dup(trial.expect(case)[1][0])
    stack.callback(close_all, [inputs])
    output = _file(max((piece["offset"] + piece["nbytes"] for piece in run.got["tensors"]), default=0) or 1)
    stack.callback(close_all, [output])
    return Use(run, inputs, output, again)


def _file(nbytes: int) -> int:
    """Memory that who writes to it cannot shorten under a reader."""
    fd = os.memfd_create("results", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, nbytes)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


def _check(trial: Trial, case: Case, uses: list[Use], watched: bool) -> None:
    answer = _answer(trial, case, uses, watched)
    for use, mine in zip(uses, answer["calls"], strict=True):
        want, heard = use.plan, mine["heard"]
        if not watched:
            want = [step for step in want if step["op"] not in UNSEEN]
        if heard is not None:
            _same_steps(trial, case, want, _read(heard, watched))
        shapes = [[tensor["shape"], tensor["dtype"]] for tensor in use.run.got["tensors"]]
        if mine["results"] != shapes[: len(trial.contract.outputs)]:
            _fail(trial, case, f"it returns {str(mine['results'])[:160]}")
        if not watched:
            _same_values(trial, case, use)
    if answer["repeated"] is not None:
        first, later = (_read(answer["repeated"][name], watched) for name in ("first", "heard"))
        _same_steps(trial, case, first, later, f"in call {answer['repeated']['number']} of many, ")


def _answer(trial: Trial, case: Case, uses: list[Use], watched: bool) -> dict[str, Any]:
    """What the module's process says, which has ended by then."""
    contract = trial.contract
    paths = {item.path: item.tied_to or item.arg for item in contract.state}
    reads = HOST_READS in trial.flags
    job = {"source": trial.source, "paths": paths, "pick": 0, "operations": trial.gate.operations}
    job |= {"watched": watched, "idle": watched and not reads}
    repeats = 0 if watched or reads else REPEATS
    files = [fd for use in uses for fd in (use.inputs, use.output)]
    with trial.zygotes.fork(trial.platform.conformance, job, trial.control) as child:
        try:
            child.send({"calls": [_call(trial, use) for use in uses], "repeats": repeats}, files)
            answer, fds = child.receive(trial.control, trial.patience.run)
        except Ended as ended:
            _fail(trial, case, f"its process ends ({ended.how})")
        except Overdue as overdue:
            _fail(trial, case, f"it does not end within {overdue.seconds:.0f} s")
        except Malformed as error:
            _fail(trial, case, str(error))
    close_all(fds)
    if not _well_formed(answer, len(uses)):
        _fail(trial, case, "its process sends what is no answer")
    return answer


def _call(trial: Trial, use: Use) -> dict[str, Any]:
    expected = use.run.expected
    given = {name: expected[name] for name in ("inputs", "state", "init", "storages")}
    mutated = [i for i, item in enumerate(trial.contract.inputs) if item.name in trial.contract.mutates]
    mutates = [leaf for i in mutated for leaf in leaves(expected["inputs"][i])]
    outputs = [{"offset": t["offset"], "nbytes": t["nbytes"]} for t in use.run.got["tensors"]]
    return given | {"outputs": outputs, "mutates": mutates, "again": use.again}


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
        and (repeated is None or (_texts(repeated["heard"]) and _texts(repeated["first"])))
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _read(heard: list[str], watched: bool) -> list[dict[str, Any]]:
    """Messages of the module's process; one that is none is kept as it is, to differ from any."""
    steps: list[dict[str, Any]] = []
    for text in heard:
        try:
            step = json.loads(text)
        except (ValueError, RecursionError):
            step = None
        steps.append(step if isinstance(step, dict) else {"op": text[:80]})
    return steps if watched else [step for step in steps if step.get("op") not in UNSEEN]


def _same_steps(
    trial: Trial, case: Case, plan: Sequence[dict[str, Any]], real: Sequence[dict[str, Any]], when: str = ""
) -> None:
    for number in range(max(len(plan), len(real))):
        want = plan[number] if number < len(plan) else None
        got = real[number] if number < len(real) else None
        if _core(want) != _core(got):
            detail = f"{when}{_shown(got, want)} where {_shown(want, got)} was judged"
            _fail(trial, case, detail, (got or {}).get("line") or (want or {}).get("line"))


def _core(step: dict[str, Any] | None) -> object:
    """A step without its line. NaN is equal to itself."""
    return step and json.dumps({name: value for name, value in step.items() if name != "line"}, sort_keys=True)


def _shown(step: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    """In words, and where both launch one kernel the arguments that differ."""
    if step is None:
        return "nothing"
    match step.get("op"):
        case "launch":
            return f"launch of `{str(step.get('kernel'))[:60]}` {str(step.get('grid'))[:40]}{_arguments(step, other)}"
        case "refuse":
            return f"{step.get('cause')} ({str(step.get('facts'))[:160]})"
        case "raise":
            return f"{str(step.get('type'))[:60]}: {str(step.get('text'))[:160]}"
        case "other":
            return str(step.get("detail"))[:160]
    return json.dumps(step, sort_keys=True)[:160]


def _arguments(step: dict[str, Any], other: dict[str, Any] | None) -> str:
    """Those of a launch that another launch of the kernel has not, or gives another value."""
    if not other or other.get("kernel") != step.get("kernel"):
        return ""
    groups = [(step.get(kind), other.get(kind)) for kind in ("arguments", "options")]
    pairs = [(mine, theirs) for mine, theirs in groups if isinstance(mine, dict) and isinstance(theirs, dict)]
    found = {name: mine[name] for mine, theirs in pairs for name in mine if mine[name] != theirs.get(name)}
    return f" with {json.dumps(found)[:160]}" if found else ""


def _same_values(trial: Trial, case: Case, use: Use) -> None:
    """Bitwise (but for the sign of zero), or, of a kernel whose repeats differ, within the bounds of accuracy."""
    run = use.run
    if NONDETERMINISTIC in trial.flags:
        for output, judgement in enumerate(judged(trial, Run(run.case, run.expected, run.got, use.output))):
            if judgement.cause is not None:
                _fail(trial, case, f"output {output} is wrong", worst=judgement.worst)
        return
    for output, worst in differences(trial, run.got["tensors"], use.output, run):
        _fail(trial, case, f"output {output} has other values", worst=worst)


def _fail(trial: Trial, case: Case, detail: str, line: Any = None, worst: dict[str, Any] | None = None) -> NoReturn:
    place = line if type(line) is int else None
    raise Found(Finding(Cause.NOT_CONFORMING, trial.stage, {"detail": detail}, place, case=case.to_json(), worst=worst))
