"""Running: at the form that stands for the problem, then at varied sizes, types, strides and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.variants import DECLARED
from pytest_kernelfalcon.judge.cases import Case, Memory, find_failing, single, varied
from pytest_kernelfalcon.judge.checks.outputs import judge_outputs
from pytest_kernelfalcon.judge.finding import LOUD, Costly, Finding, Found, NotTaken, TooCostly, UnsupportedHere
from pytest_kernelfalcon.judge.platforms import Form
from pytest_kernelfalcon.judge.trial import How, Trial

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SHRUNK_FORM = "shrunk_form"
MAX_TRIES = 4
"""Draws of hypothesis for each case wanted: some are repetitions, or sizes that the candidate does not serve."""


def each_form(trial: Trial) -> None:
    """One case, fully watched, of each form that the platform runs: the declared sizes where it can, and those to vary.

    Where the declared sizes are too large to run here, smaller ones stand for them and must be served.
    """
    ran, why = False, ""
    forms = trial.platform.forms(trial.contract, trial.programs)
    if not forms:
        trial.fail(Cause.TRIVIAL_SHRUNK)
    for form in forms:
        try:
            _run(trial, Case.of(form.sizes), How(watch=True, races=True))
        except Costly as costly:
            why = str(costly)
            continue
        except UnsupportedHere as unsupported:
            _not_served(trial, form, unsupported, ran)
            continue
        trial.form, ran = form, True
        if form.declared:
            trial.ran_declared = True
    if not ran:
        trial.fail(Cause.NOT_RUNNABLE, detail=why)
    if not trial.ran_declared:
        trial.flag(SHRUNK_FORM)


def _not_served(trial: Trial, form: Form, unsupported: UnsupportedHere, ran: bool) -> None:
    if form.declared:
        trial.fail(Cause.UNSUPPORTED_DECLARED, detail=str(unsupported))
    if not ran:
        trial.fail(Cause.UNSUPPORTED_SHRUNK, detail=str(unsupported))
    trial.unserved(Case.of(form.sizes), str(unsupported))


def varied_cases(trial: Trial) -> None:
    """The gate's number of cases at what hypothesis draws: the problem's variants one by one, as many as the gate
    wants, then sizes with layouts and with types or values. The failing case is shrunk to the simplest.
    """
    from hypothesis.strategies import sampled_from

    assert trial.form is not None
    contract, gate = trial.contract, trial.gate
    alone = single(trial.form.sizes, contract.variants)
    if alone:
        _search(trial, "alone", sampled_from(alone), min(gate.variants, len(alone)))
    drawn = varied(trial.form.sizes, trial.form.admitted, contract.variants)
    _search(trial, "drawn", drawn, max(gate.cases - trial.cases, gate.drawn))


def _search(trial: Trial, name: str, cases: SearchStrategy[Case], wanted: int) -> None:
    search = _Search(trial, trial.cases + wanted)
    memory = Memory(trial.examples, f"{trial.contract.signature} {name}")
    simplest = find_failing(cases, search.fails, MAX_TRIES * wanted, memory)
    if search.stopped is not None:
        raise search.stopped
    if simplest is not None and (found := search.known[simplest]) is not None:
        raise found


def declared_kernels(trial: Trial) -> None:
    """Where smaller sizes stood for the declared ones, every kernel that those launch must have been run."""
    if trial.ran_declared:
        return
    never = sorted({launch["kernel"] for launch in trial.plan} - trial.kernels_run)
    if never:
        named = ", ".join(f"`{name}`" for name in never)
        trial.fail(Cause.NOT_RUNNABLE, detail=f"only the problem's own sizes, too large to run here, launch {named}")


class _Search:
    """Remembers every case, and follows one cause only while hypothesis shrinks."""

    def __init__(self, trial: Trial, enough: int) -> None:
        self.trial, self._enough = trial, enough
        self.known: dict[Case, Found | None] = {}
        self.stopped: BaseException | None = None
        self._cause: Cause | None = None

    def fails(self, case: Case) -> bool:
        enough = self._cause is None and self.trial.cases >= self._enough
        if self.stopped is not None or enough or (self.trial.ended and case not in self.known):
            return False
        try:
            found = self._look(case)
        except BaseException as error:  # cancelled, or our own failure: hypothesis must not shrink it
            self.stopped = error
            return False
        if found is None:
            return False
        self._cause = self._cause or found.finding.cause
        return found.finding.cause == self._cause

    def _look(self, case: Case) -> Found | None:
        if case not in self.known:
            self.known[case] = None
            try:
                _run(self.trial, case, How())
            except Found as found:
                if case.dtype != DECLARED and found.finding.cause in LOUD:
                    self.trial.unserved(case, found.finding.message)
                else:
                    self.known[case] = found
            except TooCostly as costly:  # who could leave out cases so would leave out those that it is wrong for
                facts = {"detail": f"{costly}, at sizes that the problem takes here"}
                raise Found(Finding(Cause.NOT_RUNNABLE, self.trial.stage, facts, case=case.to_json())) from None
            except Costly:
                self.trial.flag("costly_case_left_out")
            except NotTaken:
                self.trial.flag("variant_left_out")
            except UnsupportedHere as unsupported:
                self.trial.unserved(case, str(unsupported))
        return self.known[case]


def _run(trial: Trial, case: Case, how: How) -> None:
    judge_outputs(trial, trial.run(case, how))
    trial.cases += 1
