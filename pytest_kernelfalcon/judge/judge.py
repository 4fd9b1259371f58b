"""The judge: contracts from problems, verdicts on candidates. Everything that runs foreign code is another process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control, DeadlineExceeded
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.judge import platforms, sanitizer
from pytest_kernelfalcon.judge.baking import HANGS_ON_VALUES, NotBakeable, Words, baked, difference, named
from pytest_kernelfalcon.judge.checks import CHECKS, Check
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.compiled import Compiled
from pytest_kernelfalcon.judge.figures import Figures
from pytest_kernelfalcon.judge.finding import Costly, Finding, Found, UnsupportedHere
from pytest_kernelfalcon.judge.gates import GATES, Gate, GateName, Patience
from pytest_kernelfalcon.judge.host import Child, Ended, Line, Overdue, Zygote, Zygotes, lacking
from pytest_kernelfalcon.judge.launch_plan import shown
from pytest_kernelfalcon.judge.platforms import Platform, Unavailable
from pytest_kernelfalcon.judge.platforms.cpu import Cpu
from pytest_kernelfalcon.judge.references import References
from pytest_kernelfalcon.judge.trial import Trial
from pytest_kernelfalcon.judge.verdict import JudgeError, Verdict
from pytest_kernelfalcon.judge.warm import Warm

MAX_REFERENCES = 4
"""Problems whose reference process is kept warm."""
COMPILING = ("parse", "trace", "compile")
"""The stages, first of all, after which a kernel's figures are known."""

__all__ = ["Judge", "Unavailable"]


class Judge:
    """Starts its zygotes at the first need; `close` (or leaving a `with`) ends every process.

    platform: `auto`, `cpu`, `cuda`. sandbox: `require` refuses to run where something of it is missing, `off` does
    without. cache: a directory for compile results and for the structures of failing cases, or None. Raises
    `Unavailable` for a platform or a sandbox that is not here. opened: a line to a zygote of that kind which another
    process started (see lending.py); without it the judge starts its own. sanitize: run compute-sanitizer at the gate
    accept. place: see `platforms.choose`.
    """

    def __init__(
        self,
        platform: str = "auto",
        sandbox: Literal["auto", "require", "off"] = "auto",
        cache: Path | None = None,
        patience: Patience | None = None,
        opened: Callable[[str], Line] | None = None,
        sanitize: bool = False,
        place: int = 0,
    ) -> None:
        self._platform = platforms.choose(platform, place)
        self._sanitizer = sanitizer.find(self._platform.name, place) if sanitize else None
        self._sandbox = sandbox
        self._patience = patience or Patience()
        self._zygotes = Zygotes(self._platform.zygotes, opened or partial(Zygote, sandbox=sandbox, place=place))
        self._compiled = Compiled(cache / "compiled" if cache else None)
        self._examples = cache / "examples" if cache else None
        self._lacking: list[str] | None = None
        self._references: dict[tuple[str, str], Child] = {}
        self._comparers: dict[str, Child] = {}
        self._allowed = False
        if sandbox == "require" and opened is None:
            self._require(self.lacking())

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def platform(self) -> str:
        return self._platform.name

    @property
    def device(self) -> str:
        return self._platform.device

    @property
    def targets(self) -> tuple[int, ...]:
        """Compute capabilities that an accepted kernel compiles for: the device's own first."""
        return GATES["accept"].targets_with(self._platform.target)

    def lacking(self) -> list[str]:
        """What this machine does not grant of the sandbox; nothing where none is wanted."""
        if self._lacking is None:
            self._lacking = [] if self._sandbox == "off" else lacking(self._platform.zygotes)
        return self._lacking

    def start(self) -> None:
        """Begin to start the zygotes without waiting for them."""
        self._zygotes.start()

    def close(self) -> None:
        for child in (*self._references.values(), *self._comparers.values()):
            child.close()
        self._references.clear()
        self._comparers.clear()
        self._zygotes.close()

    def inspect(self, problem: Problem, control: Control) -> Contract:
        """The problem as a contract, found by running it. Raises `ProblemError` where it is broken or inadmissible."""
        self._allow(control)
        try:
            return self._inspected(problem, control)
        except _Killed:  # by somebody else, unless it happens again
            return self._inspected(problem, control)

    def _inspected(self, problem: Problem, control: Control) -> Contract:
        job = {"source": problem.text, "path": problem.path, "id": "model"}
        phase = "import"
        with self._zygotes.fork("inspect", job, control) as child:
            while True:
                try:
                    answer, _ = child.receive(control, self._patience.inspect)
                except Overdue as overdue:
                    raise ProblemError(
                        problem.path, Cause.PROBLEM_HANG, detail=phase, seconds=overdue.seconds
                    ) from None
                except Ended as ended:
                    raise _ended(problem.path, phase, ended) from None
                told = _told(problem.path, phase, answer)
                if isinstance(told, Contract):
                    return told
                phase = told

    def judge(self, contract: Contract, source: str, gate: GateName, control: Control) -> Verdict:
        """A verdict on a candidate's source. Raises `JudgeError` where the judge itself fails, `Cancelled` when
        stopped, and `ProblemError` where the problem breaks at sizes that it took before.
        """
        self._allow(control)
        trial = self._trial(contract, source.replace("\r\n", "\n"), GATES[gate], control)
        return self._verdict(
            trial, self._examine(trial, [check for check in CHECKS if gate in check.gates], control), source
        )

    def figures(self, contract: Contract, source: str, control: Control) -> Figures:
        """What a kernel takes on each target of the gate *accept*, of compiling alone where its plan does not hang on
        what it computes. Raises as `judge` does.
        """
        self._allow(control)
        source = source.replace("\r\n", "\n")
        trial = self._trial(contract, source, GATES["accept"], control)
        finding = self._examine(trial, list(takewhile(lambda check: check.stage in COMPILING, CHECKS)), control)
        if finding is None and HOST_READS in trial.flags:
            verdict = self.judge(contract, source, "accept", control)
            return Figures(verdict.targets, verdict.cause or "", verdict.message)
        return Figures(trial.targets, finding.cause.value if finding else "", finding.message if finding else "")

    def _examine(self, trial: Trial, checks: Sequence[Check], control: Control) -> Finding | None:
        """What the first check found that found something; the trial is closed then."""
        finding: Finding | None = None
        try:
            for check in checks:
                if not trial.seconds or check.stage != trial.stage:
                    control.begun(stage=check.stage)
                with trial.clock(check.stage):
                    check.look(trial)
        except Found as found:
            finding = found.finding
        except UnsupportedHere as unsupported:
            facts = {"detail": f"that it does not support sizes that it served before: {unsupported}"}
            finding = Finding(Cause.WRAPPER_RAISED, trial.stage, facts)
        except Costly as costly:
            finding = Finding(Cause.NOT_RUNNABLE, trial.stage, {"detail": str(costly)})
        except DeadlineExceeded:
            finding = Finding(Cause.NOT_RUNNABLE, trial.stage, {"detail": "the time given for it is over"})
        finally:
            trial.close()
        return finding

    def bake(self, contract: Contract, source: str, title: str, control: Control) -> str:
        """An accepted candidate as a module for the problem's own sizes, without its Python. title: its docstring.

        Raises `NotBakeable`.
        """
        with closing(self._trial(contract, source, GATES["accept"], control)) as trial:
            try:
                trial.start()
                answer = trial.dry(told=True)
            except (Found, UnsupportedHere) as error:
                raise NotBakeable(str(error)) from None
            if answer["end"] == "unreadable":
                raise NotBakeable(HANGS_ON_VALUES)
            steps = [json.loads(step) for step in answer["steps"]]
            return baked(contract, steps, self._words(source, named(steps), control), title)

    def _words(self, source: str, kernels: list[str], control: Control) -> Words:
        """What a baked module's text needs of the kernels. Only our code reads them: raises `JudgeError`."""
        with self._zygotes.fork("bake", {"source": source}, control) as child:
            try:
                return Words(**child.ask({"kernels": kernels}, control, self._patience.trace))
            except (Ended, Overdue) as error:
                raise JudgeError(f"the {child.role} process does not tell of the kernels: {error}") from None

    def difference(self, contract: Contract, source: str, other: str, control: Control) -> str:
        """What another candidate does otherwise at the problem's own sizes, in words; empty if nothing."""
        with (
            closing(self._trial(contract, source, GATES["accept"], control)) as one,
            closing(self._trial(contract, other, GATES["accept"], control)) as two,
        ):
            try:
                one.start()
                two.start()
                return difference(one, two)
            except (Found, UnsupportedHere) as error:
                return f"it does not run: {error}"
            except Costly:
                return ""  # it cannot be run here; its plan is the same

    def _allow(self, control: Control) -> None:
        """Once: hold the sandbox against what was asked for."""
        if self._allowed:
            return
        missing = self._zygotes.missing(control)
        if self._sandbox == "require":
            self._require(missing)
        self._allowed = True

    def _require(self, missing: list[str]) -> None:
        if missing:
            raise Unavailable(
                f"the sandbox is not complete here: this machine lacks {'; '.join(missing)}. Fix: have it grant that "
                "(docs/sandbox.md says how), or choose the sandbox `auto`, which does without and says so"
            )

    def _trial(
        self, contract: Contract, source: str, gate: Gate, control: Control, platform: Platform | None = None
    ) -> Trial:
        platform = platform or self._platform
        asked = self._patience.reference
        reference = Warm(
            platform.reference, partial(self._reference, platform.reference, contract, control), asked, control
        )
        comparer = Warm(platform.comparer, partial(self._compare, platform.comparer, control), asked, control)
        reference.start()  # both, while the candidate is read
        comparer.start()
        return Trial(
            contract=contract,
            source=source,
            gate=gate,
            platform=platform,
            control=control,
            zygotes=self._zygotes,
            references=References(contract, reference),
            comparer=comparer,
            patience=self._patience,
            compiled=self._compiled,
            versions=self._zygotes.any(control).versions,
            examples=self._examples,
            interpreted=partial(self._trial, contract, source, gate, control, Cpu()) if platform.interpreted else None,
            sanitizer=self._sanitizer,
            flags=list(contract.flags),
        )

    def _reference(self, role: str, contract: Contract, control: Control) -> Child:
        """The problem's own warm process: it knows no candidate."""
        key = role, sha256(contract.source["code"])
        child = self._references.pop(key, None)
        if child is None or child.closed:
            child = self._zygotes.fork(role, {}, control)
        self._references[key] = child
        while len(self._references) > MAX_REFERENCES:
            self._references.pop(next(iter(self._references))).close()
        return child

    def _compare(self, role: str, control: Control) -> Child:
        if role not in self._comparers or self._comparers[role].closed:
            self._comparers[role] = self._zygotes.fork(role, {}, control)
        return self._comparers[role]

    def _verdict(self, trial: Trial, finding: Finding | None, source: str) -> Verdict:
        outcome = finding.outcome if finding else ("specialised" if trial.specialised else "accepted")
        if trial.host_reads:
            trial.flag(HOST_READS)
        verdict = Verdict(
            outcome=outcome,
            stage=finding.stage if finding else "done",
            targets=trial.targets,
            worst=trial.worst,
            unsupported=trial.unsupported,
            cases=trial.cases,
            host_reads=trial.host_reads,
            platform=self.platform,
            device=self.device,
            sandbox=self._zygotes.missing(Control()),
            flags=trial.flags,
            problem_sha256=sha256(trial.contract.source["code"]),
            kernel_sha256=sha256(source),
            versions=trial.versions,
            seconds=trial.seconds,
        )
        if finding:
            verdict.cause, verdict.message, verdict.fix = finding.cause.value, finding.message, finding.fix
            verdict.case, verdict.worst = finding.case, finding.worst
            verdict.where = _where(finding)
        return verdict


def _where(finding: Finding) -> dict[str, Any] | None:
    if finding.line is None and finding.program is None:
        return None
    return {"file": "kernel", "line": finding.line, "program": finding.program}


class _Killed(ProblemError):
    """The problem's process was killed: by its own doing, or by somebody else."""


def _told(path: str, phase: str, answer: dict[str, Any]) -> Contract | str:
    """The contract, or the phase that begins. Raises `ProblemError`: also for what our own code would not say, for the
    problem's runs in that process.
    """
    try:
        if "contract" in answer:
            return Contract.from_json(answer["contract"])
        if "broken" not in answer:
            return shown(answer["phase"])
        error = ProblemError(path, Cause.named(answer["broken"]), line=answer["line"], **answer["facts"])
    except (AttributeError, KeyError, TypeError, ValueError):
        detail = f"{phase} (what it says of itself is no answer)"
        raise ProblemError(path, Cause.PROBLEM_CRASH, detail=detail) from None
    raise error


def _ended(path: str, phase: str, ended: Ended) -> ProblemError:
    left = ended.code is not None and ended.code >= 0
    cause = Cause.PROBLEM_EXIT if left else Cause.PROBLEM_CRASH
    kind = _Killed if ended.killed else ProblemError
    return kind(path, cause, detail=phase if left else f"{phase} ({ended.how})")
