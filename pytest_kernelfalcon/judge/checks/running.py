"""Running: at the form that stands for the problem, then at varied data sizes."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.cases import Case, find_failing, varied
from pytest_kernelfalcon.judge.checks.outputs import judge_outputs
from pytest_kernelfalcon.judge.finding import Costly, Found, UnsupportedHere
from pytest_kernelfalcon.judge.platforms import Form
from pytest_kernelfalcon.judge.trial import How, Trial

SHRUNK_FORM = "shrunk_form"
MAX_TRIES = 4
"""Draws of hypothesis for each case wanted: some are repetitions, or sizes that the candidate does not serve."""


def each_form(trial: Trial) -> None:
    """One case, fully watched, of each form that the platform runs: the declared sizes where it can, and those to vary.

    Where the declared sizes are too large to run here, smaller ones stand for them and must be served.
    """
    ran = False
    for form in trial.platform.forms(trial.contract, trial.programs):
        try:
            _run(trial, Case.of(form.sizes), How(watch=True, races=True))
        except Costly:
            continue
        except UnsupportedHere as unsupported:
            _not_served(trial, form, unsupported, ran)
            continue
        trial.form, ran = form, True
        if form.declared:
            trial.ran_declared = True
    if not ran:
        trial.fail(Cause.NOT_RUNNABLE, detail=f"one call takes more than {trial.gate.operations} operations")
    if not trial.ran_declared:
        trial.flag(SHRUNK_FORM)


def _not_served(trial: Trial, form: Form, unsupported: UnsupportedHere, ran: bool) -> None:
    if form.declared:
        trial.fail(Cause.UNSUPPORTED_DECLARED, detail=str(unsupported))
    if not ran:
        trial.fail(Cause.UNSUPPORTED_SHRUNK, detail=str(unsupported))
    _remember(trial, Case.of(form.sizes), unsupported)


def varied_sizes(trial: Trial) -> None:
    """The gate's number of cases at sizes that hypothesis draws; the failing one is shrunk to the simplest."""
    assert trial.form is not None
    search = _Search(trial)
    cases = varied(trial.form.sizes, trial.form.admitted)
    simplest = find_failing(cases, search.fails, MAX_TRIES * trial.gate.cases)
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

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.known: dict[Case, Found | None] = {}
        self.stopped: BaseException | None = None
        self._cause: Cause | None = None

    def fails(self, case: Case) -> bool:
        enough = self._cause is None and self.trial.cases >= self.trial.gate.cases
        if self.stopped is not None or enough:
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
                self.known[case] = found
            except Costly:
                self.trial.flag("costly_case_left_out")
            except UnsupportedHere as unsupported:
                _remember(self.trial, case, unsupported)
        return self.known[case]


def _remember(trial: Trial, case: Case, unsupported: UnsupportedHere) -> None:
    entry = {"sizes": dict(case.sizes), "detail": str(unsupported)}
    if entry not in trial.unsupported:
        trial.unsupported.append(entry)


def _run(trial: Trial, case: Case, how: How) -> None:
    judge_outputs(trial, trial.run(case, how))
    trial.cases += 1
