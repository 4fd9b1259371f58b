"""What tests call: `assert_kernel`, alone or bound to the problem of a marker.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeVar

import pytest
from _pytest.outcomes import Failed  # pytest.fail.Exception, under a name that types can be made of

from pytest_kernelfalcon import running
from pytest_kernelfalcon.asserting import court, kernels, problems
from pytest_kernelfalcon.asserting.gathering import Candidate
from pytest_kernelfalcon.asserting.modules import CannotJudge
from pytest_kernelfalcon.asserting.problems import Made
from pytest_kernelfalcon.contracts.causes import ProblemError, fix
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.gates import GATES
from pytest_kernelfalcon.judge.verdict import Verdict

MARKER = "kernelfalcon"
OWN = __name__.partition(".")[0]
Found = TypeVar("Found")
FIXED = (
    "note: sizes were not varied, since the inputs are given; to have it, give a function whose parameters are sizes: "
    "def inputs(rows=128): return [torch.randn(rows, 64)]"
)


class KernelRefused(Failed, AssertionError):
    """A kernel that is not right; `verdict` has the details."""

    __module__ = "builtins"  # as pytest's own: summaries show the name alone

    def __init__(self, text: str, verdict: Verdict) -> None:
        super().__init__(text, pytrace=False)
        self.verdict = verdict


def assert_kernel(
    kernel: object,
    reference: Any = None,
    inputs: Any = None,
    *,
    gate: Literal["seed", "accept"] = "accept",
) -> Verdict:
    """Holds a Triton wrapper against a PyTorch callable, and returns the verdict.

    kernel: a function that launches Triton kernels, called with the inputs positionally and, where the reference is a
    torch.nn.Module, with its state by keyword (dots as underscores); or the path of a file with `kernel_function`,
    which is never imported here (`path.py::name` for another name).
    reference: a function, or a torch.nn.Module with its state.
    inputs: a function that makes them, whose parameters with integers as defaults are sizes, which the judge varies;
    or a list or dict of tensors and plain values: others like them are drawn, of the same sizes.
    gate: `accept`, or the quicker `seed`.

    Raises KernelRefused, an AssertionError, where the kernel is wrong, and CannotJudge, a TypeError and a ValueError,
    for what cannot be judged as it is given; skips the test where the judge cannot tell on this platform.
    docs/assert_kernel.md has more.
    """
    __tracebackhide__ = True
    caller = _caller()
    if reference is None or inputs is None:
        raise CannotJudge(
            "assert_kernel needs a reference and inputs. Fix: give both; or name a problem file in the marker: "
            '@pytest.mark.kernelfalcon(problem="problems/x.py").'
        )
    _check(gate)
    found = _told(lambda: kernels.candidate(kernel, caller.f_globals, _folders(caller)))
    made = _told(lambda: problems.problem(reference, inputs, caller.f_globals, _shown(caller)))
    return _judged(found, made, gate, _place(caller, found))


def bound(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """The fixture's value: `assert_kernel`, or with the marker a function that takes the kernel alone."""
    marker = request.node.get_closest_marker(MARKER)
    if marker is None:
        return assert_kernel
    try:
        problem, gate = _marked(marker, request.path)
    except (CannotJudge, ProblemError) as error:
        raise Failed(f"{request.node.nodeid}: {error}", pytrace=False) from None

    def of_problem(kernel: object) -> Verdict:
        """Holds a kernel against the problem of the marker; see `assert_kernel`."""
        __tracebackhide__ = True
        caller = _caller()
        found = _told(lambda: kernels.candidate(kernel, caller.f_globals, _folders(caller)))
        return _judged(found, Made(problem, sys.maxsize, False), gate, _place(caller, found))

    return of_problem


def _marked(marker: pytest.Mark, test: Path) -> tuple[Problem, Literal["seed", "accept"]]:
    given: dict[str, Any] = {**dict(zip(("problem", "gate"), marker.args, strict=False)), **marker.kwargs}
    unknown = sorted(given.keys() - {"problem", "gate"})
    if unknown or not isinstance(given.get("problem"), str | Path) or len(marker.args) > 2:
        raise CannotJudge(
            f"the marker {MARKER} takes problem=PATH and gate=NAME, and is given {', '.join(map(repr, given.values()))}"
            '. Fix: write @pytest.mark.kernelfalcon(problem="problems/x.py").'
        )
    _check(gate := given.get("gate", "accept"))
    file = kernels.read(str(given["problem"]), (test.parent, running.configs[-1].rootpath))
    return Problem.load(file.path, file.shown), gate


def _told(make: Callable[[], Found]) -> Found:
    """Wrong usage ends at the line of the test: where we found it out is nothing to its reader."""
    __tracebackhide__ = True
    try:
        return make()
    except CannotJudge as error:
        text = str(error)
    raise CannotJudge(text)


def _check(gate: object) -> None:
    __tracebackhide__ = True
    if gate not in GATES:
        raise CannotJudge(f"gate={gate!r}. Fix: give one of {', '.join(GATES)}.")


def _judged(found: Candidate, made: Made, gate: Literal["seed", "accept"], place: str) -> Verdict:
    __tracebackhide__ = True
    with court.opened() as judge:
        try:
            contract = judge.inspect(made.problem)
            verdict = judge.verdict(contract, found.source, gate)
        except ProblemError as error:
            raise Failed(f"{place} cannot be judged:\n{_broken(error, made)}", pytrace=False) from None
        if verdict.ok:
            return verdict
        notes = judge.repro(found.title.replace(".py", ""), contract, verdict, found.source)
    fixed = [FIXED] if made.fixed else []
    if verdict.outcome == "undecided":
        pytest.skip("; ".join([f"{place} is undecided: {verdict.message}. Fix: {verdict.fix}", *fixed]))
    raise KernelRefused(f"{place} is {_rendered(found, verdict, *notes, *fixed)}", verdict)


def _broken(error: ProblemError, made: Made) -> str:
    """In the lines of the user's file: those behind it are ours."""
    shown = error.line if error.line and error.line <= made.own else None
    return f"{error.path}{f':{shown}' if shown else ''}: {error.outcome}: {error.text}. Fix: {fix(error.cause)}."


def _rendered(found: Candidate, verdict: Verdict, *notes: str) -> str:
    """The verdict with the place in the file of the user's that its line is of."""
    line = (verdict.where or {}).get("line")
    place = found.place(line) if line else None
    module, own = place or (found.module, None)
    if line and own != line:
        verdict = replace(verdict, where={**(verdict.where or {}), "line": own})
        notes = (
            *notes,
            f"note: line {line} of the judged text is {f'{module.shown}:{own}' if own else 'no line of yours'}",
        )
    return verdict_text.render(verdict, module.text, module.shown, *notes)


def _caller() -> FrameType:
    """The frame that called us."""
    if not running.configs:
        raise RuntimeError(
            "assert_kernel needs a pytest run with the plugin kernelfalcon (not `-p no:kernelfalcon`). Fix: call it in "
            "a test; elsewhere, `python -m pytest_kernelfalcon verify PROBLEM KERNEL` judges files."
        )
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == OWN:
        frame = frame.f_back
    if frame is None:
        raise RuntimeError("assert_kernel was called by no Python function of yours. Fix: call it in a test.")
    return frame


def _shown(caller: FrameType) -> str:
    path, here = Path(caller.f_code.co_filename), running.configs[-1].invocation_params.dir
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _place(caller: FrameType, found: Candidate) -> str:
    return f"{_shown(caller)}:{caller.f_lineno}: `{found.title}`"


def _folders(caller: FrameType) -> tuple[Path, ...]:
    """What a kernel's path is relative to: the test's folder, else the root directory."""
    return Path(caller.f_code.co_filename).absolute().parent, running.configs[-1].rootpath
