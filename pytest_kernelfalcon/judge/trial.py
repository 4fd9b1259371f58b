"""A trial: one candidate before the judge, and the processes that it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.trees import leaves
from pytest_kernelfalcon.contracts.variants import DECLARED
from pytest_kernelfalcon.judge.accuracy import Judgement, Pool
from pytest_kernelfalcon.judge.arguments import declared_arguments, storage_names
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.compiled import Compiled
from pytest_kernelfalcon.judge.finding import Finding, Found, TooCostly, UnsupportedHere
from pytest_kernelfalcon.judge.gates import Gate, Patience
from pytest_kernelfalcon.judge.host import Child, Ended, Overdue, Zygotes
from pytest_kernelfalcon.judge.platforms import Form, Platform
from pytest_kernelfalcon.judge.references import References
from pytest_kernelfalcon.judge.sanitizer import Sanitizer
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.warm import Warm
from pytest_kernelfalcon.judge.wire import Channel, close_all

LONGEST = 4
"""Times that a call may take what its parts may take each: a kernel, or what the wrapper does before one."""


@dataclass
class How:
    """How one call is made. same: with the tensors of the call before, holding other values. watch: record which
    bytes are written. told: the answer holds every message of the wrapper, as `steps`. races: look for two programs
    that write one element. order: of the programs.
    """

    same: bool = False
    watch: bool = False
    told: bool = False
    races: bool = False
    order: str = "forward"
    pick: int = 0


@dataclass
class Run:
    """One call that ended with a result. expected: the reference's answer. got: the executor's, with its outputs'
    memory file. digests: of the outputs' bits, once they are compared.
    """

    case: Case
    expected: dict[str, Any]
    got: dict[str, Any]
    outputs_fd: int
    digests: list[int] = field(default_factory=list)


@dataclass
class Trial:
    """Everything that the checks share.

    reference, comparer: the one in use, or a new one where that has ended. examples: where structures of failing cases
    are kept. interpreted: begins a trial of the same candidate in the interpreter, on platforms that ask for it.
    sanitizer: where one was asked for. undecided_kinds: of cases, in which eager's large errors do not come from
    decisions. read: what the wrapper read back in each case.

    `close` ends every process of it but the reference and the comparer.
    """

    contract: Contract
    source: str
    gate: Gate
    platform: Platform
    control: Control
    zygotes: Zygotes
    references: References
    comparer: Warm
    patience: Patience
    compiled: Compiled
    versions: dict[str, str]
    examples: Path | None = None
    interpreted: Callable[[], Trial] | None = None
    sanitizer: Sanitizer | None = None
    pool: Pool = field(default_factory=Pool)
    undecided_kinds: set[str] = field(default_factory=set)
    form: Form | None = None
    ran_declared: bool = False
    kernels_run: set[str] = field(default_factory=set)
    plan: list[dict[str, Any]] = field(default_factory=list)
    read: dict[Case, list[Any]] = field(default_factory=dict)
    host_reads: int = 0
    programs: int = 0
    tuned: int = 1
    cases: int = 0
    ratio: float = 0.0
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsupported: list[dict[str, Any]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    worst: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    stage: str = "parse"
    _stack: ExitStack = field(default_factory=ExitStack)
    _executor: Child | None = None
    _tracer: Child | None = None
    _compiler: Child | None = None

    def close(self) -> None:
        self._stack.close()
        self.references.forget()

    @contextmanager
    def clock(self, stage: str) -> Iterator[None]:
        self.stage = stage
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - start, 4)

    def fail(self, cause: Cause, *, line: int | None = None, **facts: Any) -> NoReturn:
        raise Found(Finding(cause, self.stage, facts, line))

    def flag(self, *names: str) -> None:
        self.flags.extend(name for name in names if name not in self.flags)

    def unserved(self, case: Case, detail: str) -> None:
        """Remember a case that the candidate does not serve, and says so."""
        entry = case.to_json() | {"detail": detail}
        if entry not in self.unsupported:
            self.unsupported.append(entry)
        if case.dtype != DECLARED:
            self.flag(f"not_in_{case.dtype}")

    @property
    def wanted_targets(self) -> tuple[int, ...]:
        """Compute capabilities to compile for: the device's own first."""
        return self.gate.targets_with(self.platform.target)

    @property
    def specialised(self) -> bool:
        """Whether it left out a case in the problem's own types. Others are a gift: a kernel may refuse them loudly,
        and is flagged for it; what it computes in them must be right.
        """
        return any(entry["dtypes"] == DECLARED for entry in self.unsupported)

    @property
    def ended(self) -> bool:
        """Whether nobody is left to run another case, or to say what it must give: a crash, or a fault of the device,
        ends the executor.
        """
        return (self._executor is not None and self._executor.closed) or self.references.ended

    def start(self) -> None:
        """Fork tracer and executor; until the candidate is parsed, extracted and imported."""
        left, right = Channel.pair()
        try:
            job: dict[str, Any] = {"source": self.source, "paths": self.contract.arguments}
            self._tracer = self._keep(self.zygotes.fork("tracer", job, self.control, [left.fileno()]))
            job |= {"seconds": self.patience.trace, "output_bytes": self.contract.output_bytes}
            self._executor = self._keep(self.zygotes.fork(self.platform.executor, job, self.control, [right.fileno()]))
        finally:
            left.close()
            right.close()
        answer, _ = self._listen(self.patience.trace * 2)
        self._end(answer, None)

    def compiler(self) -> Child:
        """The process that compiles the candidate's kernels, forked at the first need."""
        if self._compiler is None:
            self._compiler = self._keep(self.zygotes.fork("compile", {"source": self.source}, self.control))
        return self._compiler

    def _keep(self, child: Child) -> Child:
        return self._stack.enter_context(child)

    def dry(self, pick: int = 0, dtype: str = DECLARED, times: int = 1, told: bool = False) -> dict[str, Any]:
        """The launch plan at the problem's own sizes, without memory or data. {"end": "unreadable"} where the plan
        hangs on what a kernel computes. times: traces, that must be alike. Raises `UnsupportedHere`.
        """
        call = declared_arguments(self.contract, dtype) | {"times": times, "read": []}
        return self._call(call, How(pick=pick, told=told), None, dry=True)[0]

    def again(self, case: Case, times: int) -> None:
        """Traces of a case that has been run, that must be alike: what its wrapper read back then it reads again."""
        call = self._arguments(self.expect(case)[0]) | {"times": times, "read": self.read[case]}
        self._call(call, How(), case, dry=True)

    def run(self, case: Case, how: How | None = None) -> Run:
        """One call on real memory. Raises `Found`, `UnsupportedHere`, `Costly`, or `TooCostly` of the candidate."""
        call, inputs_fd = self.call_of(case)
        answer, fds = self._call(call, how or How(), case, fds=[inputs_fd])
        self.plan = self.plan or answer["plan"]
        self.tuned = max(self.tuned, answer["tuned"])
        self.read[case] = answer["read"]
        self.host_reads = max(self.host_reads, len(answer["read"]))
        self.kernels_run.update(answer["kernels"])
        return Run(case, self.expect(case)[0], answer, fds[0])

    def dry_of(self, call: dict[str, Any]) -> dict[str, Any]:
        """The plan of that call, without memory, with every message that the wrapper sent under "steps"."""
        return self._call(call | {"times": 1, "read": []}, How(told=True), None, dry=True)[0]

    def call_of(self, case: Case) -> tuple[dict[str, Any], int]:
        """What the executor is told of a case, and the file of its inputs. Raises `Costly` or `NotTaken`."""
        expected, (inputs_fd, _) = self.expect(case)
        return self._arguments(expected), inputs_fd

    def _arguments(self, expected: dict[str, Any]) -> dict[str, Any]:
        """What a call is given."""
        return {
            "inputs": expected["inputs"],
            "state": expected["state"],
            "init": expected["init"],
            "storages": expected["storages"],
            "names": storage_names(self.contract, expected),
            "mutates": [leaf for i in self.contract.mutated for leaf in leaves(expected["inputs"][i])],
        }

    def expect(self, case: Case) -> tuple[dict[str, Any], list[int]]:
        """The reference's answer for a case, with its files. Raises `Costly` or `NotTaken`."""
        answer, fds = self.references.of(case)
        self.flag(*answer["flags"])
        return answer, fds

    def leeway(self, case: Case) -> tuple[list[dict[str, Any]], list[int]]:
        """What the outputs may be besides (roles/reference.py), one entry each, with its file; none where unknown.

        Raises `Found` where the reference ends of the question, or takes too long: a machine's load decides nothing.
        """
        try:
            return self.references.leeway(case)
        except ProblemError as error:
            if not self.references.ended:
                return [], []
            detail = f"results seem wrong, and what honest arithmetic gives cannot be found out: {error.text}"
            raise Found(Finding(Cause.NOT_RUNNABLE, self.stage, {"detail": detail}, case=case.to_json())) from None

    def compare(
        self, run: Run, also: list[list[dict[str, Any]]] | None = None, fds: Sequence[int] = ()
    ) -> list[dict[str, Any]]:
        """The comparer's figures, one an output. also: for each, where in a file lies what it may be besides."""
        expected_fd = self.references.of(run.case)[1][1]
        outputs = run.expected["outputs"]
        request = {"got": run.got["tensors"], "expected": outputs, "also": also or [[] for _ in outputs]}
        files = [run.outputs_fd, expected_fd, *fds]
        return self.compared(request, files)

    def compared(self, request: dict[str, Any], files: Sequence[int]) -> list[dict[str, Any]]:
        """The comparer's answer (roles/comparer.py); raises `JudgeError` where it gives none, for only our code runs
        there.
        """
        try:
            answer, new = self.comparer.ask(request, files)
        except (Ended, Overdue) as error:
            raise JudgeError(f"the {self.comparer.role} process gives no figures: {error}") from None
        close_all(new)
        figures: list[dict[str, Any]] = answer["figures"]
        return figures

    def note(self, judgement: Judgement) -> None:
        """Remember the largest error of an accepted output."""
        if judgement.ratio >= self.ratio and judgement.worst is not None:
            self.ratio, self.worst = judgement.ratio, judgement.worst

    def _call(
        self, call: dict[str, Any], how: How, case: Case | None, *, dry: bool = False, fds: list[int] | None = None
    ) -> tuple[dict[str, Any], list[int]]:
        assert self._executor is not None
        request = call | vars(how) | {"dry": dry, "operations": self.gate.operations}
        try:
            self._executor.send({"call": request}, fds or [])
        except Ended as ended:
            self._gone(ended, "?")
        answer, new = self._listen(self.patience.trace * 2 if dry else self.patience.run)
        self._end(answer, case)
        return answer, new

    def _listen(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """The executor's answer; what it says of the kernel in hand names the one that hangs or crashes.

        seconds: to the next kernel or the answer; `LONGEST` times as long in all.
        """
        assert self._executor is not None
        running, until = "?", time.monotonic() + LONGEST * seconds
        while True:
            try:
                answer, fds = self._executor.receive(self.control, min(seconds, until - time.monotonic()))
            except Ended as ended:
                self._gone(ended, running)
            except Overdue as overdue:
                if running == "?":
                    self.fail(Cause.WRAPPER_TIMEOUT, seconds=overdue.seconds)
                self.stage = "run"
                self.fail(Cause.KERNEL_TIMEOUT, kernel=running, seconds=max(overdue.seconds, seconds))
            if "running" not in answer:
                return answer, fds
            running = str(answer["running"])

    def _gone(self, ended: Ended, running: str) -> NoReturn:
        self.stage = "run"
        self.fail(Cause.KERNEL_CRASHED, kernel=running, detail=ended.how)

    def _end(self, answer: dict[str, Any], case: Case | None) -> None:
        """Turn an answer that is no result into what it means."""
        shown = case.to_json() if case else None
        match answer["end"]:
            case "fail":
                stage = answer["stage"] if answer["stage"] != "trace" else self.stage
                cause, facts = Cause.named(answer["cause"]), answer["facts"]
                raise Found(Finding(cause, stage, facts, answer["line"], answer["program"], shown))
            case "unsupported":
                raise UnsupportedHere(answer["detail"])
            case "costly":
                raise TooCostly(answer["detail"])
            case "ready" | "result" | "unreadable":
                return
        raise JudgeError(f"the executor answers {answer['end']!r}")
