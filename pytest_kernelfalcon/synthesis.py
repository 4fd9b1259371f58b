"""One problem from plan to kept kernel: what its items do, pulled in any order and by any process of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from pytest_kernelfalcon import comparison, junit, messages
from pytest_kernelfalcon.composer.compose import compose
from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.contracts.plan import Plan
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.fuser import extract
from pytest_kernelfalcon.messages import Failure
from pytest_kernelfalcon.race import Kernel, Race
from pytest_kernelfalcon.session import Session, Target
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.kept import Manifest, contract_entries

Pulled = TypeVar("Pulled")


@dataclass(frozen=True)
class Ended:
    """How an item ends: for pytest and people. `text` is all that is shown; facts: for reports about the item."""

    state: Literal["passed", "won", "won_earlier", "lost", "cancelled", "skipped", "failed"]
    text: str = ""
    facts: dict[str, object] = field(default_factory=dict)


class Broken(Exception):
    """The problem cannot be planned; the record of the run says why."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


class Synthesis:
    """The work on one problem. Every answer is worked out once in a run and found on disk afterwards."""

    def __init__(self, session: Session, target: Target) -> None:
        self.session, self.target = session, target
        self.mode = target.mode(session.options)
        self.folder = session.run.problem(target.key)
        self.note: Callable[..., None] = partial(session.events.add, problem=target.name)
        self._plan: Plan | None = None

    def seed(self, subgraph: str, number: int) -> Ended:
        try:
            record = self._pull(subgraph, lambda race: race.seed(number))
        except Broken as error:
            return Ended("cancelled", f"the problem is {error.outcome}")
        except Cancelled as error:
            return Ended("cancelled", error.reason)
        facts = junit.of_seed(record)
        if record.state in ("won", "specialised"):
            return Ended("won" if record.run == self.session.run.run_id else "won_earlier", facts=facts)
        return Ended("lost", record.reason, facts)

    def accept(self, subgraph: str) -> Ended:
        try:
            found = self._pull(subgraph, Race.kernel)
        except Broken as error:
            return Ended("skipped", f"the problem is {error.outcome}: {self.target.shown}::compose says why")
        except Cancelled as error:
            return Ended("cancelled", error.reason)
        if isinstance(found, Failure):
            return self._failed(found, found.detail)
        return Ended("passed", facts=junit.of_kernel(found))

    def compose(self) -> Ended:
        """The whole problem; also the one item of a file that its text alone shows to be no problem."""
        if self.mode == "frozen":
            return self._end_frozen()
        kernels: dict[str, Kernel] = {}
        try:
            plan = self.plan()
            comparison.note_before(self.session, self.target, plan, self.note)
            for contract in plan.contracts:
                found = self._pull(contract.id, Race.kernel)
                if isinstance(found, Failure):
                    return self._failed(found, messages.one_line(self.target.shown, contract.id, found))
                kernels[contract.id] = found
            with files.lock(self.folder.composed.with_suffix(".lock"), self.session.run.stopped):
                if not self.folder.composed.exists():  # under `--dist each` another worker may have been here
                    self._keep(plan, kernels)
        except Broken as error:
            return Ended("failed", str(error), {"outcome": error.outcome})
        except Cancelled as error:
            return Ended("cancelled", error.reason)
        facts = junit.of_kernel(next(iter(kernels.values())))  # one subgraph: its facts are the whole's
        return Ended("passed", facts=facts)

    def plan(self) -> Plan:
        """The problem's plan; raises `Broken`, and `Cancelled` when the run is stopped."""
        if self._plan is None:
            with files.lock(self.folder.plan.with_suffix(".lock"), self.session.run.stopped):
                stored = files.read_json(self.folder.plan) or self._make_plan()
            with files.making_of(self.folder.plan):
                if "broken" in stored:
                    raise Broken(**stored["broken"])
                self._plan = Plan.from_json(stored)
        return self._plan

    def _make_plan(self) -> dict[str, Any]:
        control = Control(cancelled=self.session.run.stopped)
        try:
            if isinstance(self.target.problem, ProblemError):
                raise self.target.problem
            stored = extract.plan(self.target.problem, self.session.judge, control).to_json()
        except ProblemError as error:
            return self._break(error)
        self.note("plan", contracts=contract_entries(stored["contracts"]))
        files.write_json(self.folder.plan, stored)
        return stored

    def _break(self, error: ProblemError) -> dict[str, Any]:
        """From now on the problem is broken, for every item of the run."""
        self.note("broken", outcome=error.outcome, cause=str(error.cause), message=error.text, line=error.line)
        stored = {"broken": {"outcome": error.outcome, "text": str(error)}}
        files.write_json(self.folder.plan, stored)
        return stored

    def _pull(self, subgraph: str, what: Callable[[Race], Pulled]) -> Pulled:
        """What a race gives; raises `Broken` where the problem breaks only now, at sizes that it seemed to take."""
        race = Race(self.session, self.target, self.plan().contract(subgraph), self.note)
        try:
            return what(race)
        except ProblemError as error:
            self._plan = None
            raise Broken(**self._break(error)["broken"]) from None

    def _keep(self, plan: Plan, kernels: dict[str, Kernel]) -> None:
        """Writes the composed module, where asked, beside the problem, and last to the run directory."""
        source = compose(plan, {name: kernel.source for name, kernel in kernels.items()})
        verdict = next(iter(kernels.values())).verdict  # one subgraph: its verdict is the module's
        self.note("compose", outcome=verdict["outcome"], cause=None, message="", kernel_sha256=sha256(source))
        if self.session.options.update:
            self._update(plan, kernels, source, verdict)
        files.write(self.folder.composed, source)

    def _update(self, plan: Plan, kernels: dict[str, Kernel], source: str, verdict: dict[str, Any]) -> None:
        author = ",".join(dict.fromkeys(kernel.author for kernel in kernels.values()))
        entries = contract_entries([contract.to_json() for contract in plan.contracts])
        verdicts = {self.session.judge.platform: verdict}
        manifest = Manifest(plan.problem_sha256, sha256(source), author, entries, verdicts, verdict["versions"])
        kept, run = self.target.kept, self.session.run
        with files.lock(run.keeping(kept.kernel), run.stopped):
            if kept.save(source, manifest):
                self.note("kept", kernel=str(kept.kernel))

    def _end_frozen(self) -> Ended:
        comparison.note_before(self.session, self.target, None, self.note)
        regenerate = self.session.options.regenerate(self.target.shown)
        failure = messages.frozen(self.target.shown, self.target.status, regenerate)
        self.note("compose", outcome=failure.outcome, cause=failure.cause, message=failure.message)
        return Ended("failed", failure.detail, junit.of_failure(failure))

    def _failed(self, failure: Failure, text: str) -> Ended:
        """A kept kernel that cannot be judged here is no failure; a search that ends so is."""
        if self.mode == "kept" and failure.outcome == "undecided":
            return Ended("skipped", failure.message, junit.of_failure(failure))
        return Ended("failed", text, junit.of_failure(failure))
