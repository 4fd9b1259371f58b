"""One contract's kernel: raced for by seeds, or kept from before; judged in full once in the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_kernelfalcon import messages, repros
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.author import Proposal, Round
from pytest_kernelfalcon.generator.search import Keeping, Tried, search
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.verdict import JUDGE_VERSION, Verdict
from pytest_kernelfalcon.messages import Failure
from pytest_kernelfalcon.session import DECIDING, Session, Target, versions
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.blackboard import Board, NoKernel, SeedRecord
from pytest_kernelfalcon.store.kept import Manifest
from pytest_kernelfalcon.store.rundir import ProblemDir
from pytest_kernelfalcon.store.state import Rounds, State, StoredRound


@dataclass(frozen=True)
class Kernel:
    """An accepted kernel. seed and round: None for a kept one. verdict: the accept gate's, as JSON."""

    source: str
    author: str
    seed: int | None
    round: int | None
    verdict: dict[str, Any]


@dataclass(frozen=True)
class Race:
    """The work on one contract. `note` adds to the record of the run."""

    session: Session
    target: Target
    contract: Contract
    note: Callable[..., None]

    @property
    def folder(self) -> ProblemDir:
        return self.session.run.problem(self.target.key)

    def seed(self, number: int) -> SeedRecord:
        """The seed's end; raises `Cancelled` where a winner spares it."""
        return self._board().run_seed(number, self._attempt)

    def kernel(self) -> Kernel | Failure:
        """The accepted kernel, or why there is none. Raises `Cancelled` when the run is stopped, and JudgeError."""
        stored_at = self.folder.contract(self.contract.id) / "accept.json"
        with files.lock(stored_at.with_suffix(".lock"), self.session.run.stopped):
            stored = files.read_json(stored_at)
            if stored is not None:
                with files.making_of(stored_at):
                    return Kernel(**stored["kernel"]) if "kernel" in stored else Failure(**stored["failure"])
            kept = self.target.mode(self.session.options) == "kept"
            found = self._judge_kept() if kept else self._judge_winners()
            files.write_json(stored_at, {"kernel" if isinstance(found, Kernel) else "failure": asdict(found)})
        return found

    def _judge_winners(self) -> Kernel | Failure:
        """Judges winners in full until one stands. One that does not makes room for the other seeds."""
        board = self._board()
        while True:
            try:
                winner = board.obtain(self._attempt)
            except NoKernel as ended:
                return self._no_kernel(ended.records)
            verdict = self._judge(winner.source, author=winner.author, seed=winner.seed, round=winner.round)
            data = verdict.to_json()
            if verdict.outcome == "accepted" or (verdict.ok and winner.state == "specialised"):
                return Kernel(winner.source, winner.author, winner.seed, winner.round, data)
            self._correct(winner, verdict)
            if verdict.ok:
                board.withdraw(winner, "specialised", "right at the declared sizes only", data)
            else:
                board.withdraw(winner, "lost", f"{verdict.outcome} at accept: {verdict.message}", data)

    def _correct(self, winner: SeedRecord, verdict: Verdict) -> None:
        """A later run goes on from what the gate *accept* has found, and does not win with the kernel again."""
        if verdict.lasting and winner.round is not None:
            self._rounds(winner.seed).correct(winner.round, winner.source, verdict.to_json())

    def _judge_kept(self) -> Kernel | Failure:
        place = self.target.kept
        source, manifest = place.read() or "", Manifest.load(place.manifest)
        author = manifest.author if manifest else ""
        verdict = self._judge(source, author=author, seed=None, round=None)
        if verdict.ok:
            return Kernel(source, author, None, None, verdict.to_json())
        regenerate = self.session.options.regenerate(self.target.shown)
        notes = repros.said(self._repro)
        return messages.kept_not_accepted(self.target.shown, str(place.kernel), source, verdict, regenerate, *notes)

    def _judge(self, source: str, **found_by: object) -> Verdict:
        self._begun(gate="accept")
        control = Control(cancelled=self.session.run.stopped, begun=self._begun)
        verdict = self.session.judge.judge(self.contract, source, "accept", control)
        files.write(self.folder.judged(self.contract.id, verdict.kernel_sha256), source)
        facts = {"outcome": verdict.outcome, "cause": verdict.cause, "message": verdict.message}
        self.note("accept", subgraph=self.contract.id, **facts, **found_by, verdict=verdict.to_json())
        repros.write(self._repro, self.contract, verdict, source)
        return verdict

    @property
    def _repro(self) -> Path:
        """Of what the gate *accept* refused: a kept kernel, or the last winner that did not stand."""
        return self.folder.contract(self.contract.id) / repros.NAME

    def _no_kernel(self, records: list[SeedRecord]) -> Failure:
        shown, last = self.target.shown, self._last_verdict(records)
        failure = messages.no_kernel(shown, self.contract.id, records, last, self.session.options.go_on(shown))
        facts = {"outcome": failure.outcome, "cause": failure.cause, "message": failure.message}
        self.note("no_kernel", subgraph=self.contract.id, **facts)
        return failure

    def _last_verdict(self, records: list[SeedRecord]) -> str:
        """The last verdict of the first seed that has one, in full, with the line that it speaks of."""
        for record in records:
            if record.verdict is None or record.round is None:
                continue
            candidate = self.folder.round(self.contract.id, record.seed, record.round) / "candidate.py"
            if candidate.is_file():  # an earlier run's candidate is in that run's directory
                source = candidate.read_text(encoding="utf-8")
                notes = repros.said(candidate.with_name(repros.NAME)) or repros.said(self._repro)
                return verdict_text.render(Verdict.from_json(record.verdict), source, str(candidate), *notes)
        return ""

    def _attempt(self, seed: int, cancelled: Callable[[], str | None]) -> SeedRecord:
        session, rounds = self.session, self._rounds(seed)
        earlier = [] if session.options.fresh else _tried(rounds.load())
        stored: list[StoredRound] = []
        keeping = Keeping(
            partial(self._record_round, seed, rounds, stored),
            partial(_save_proposal, rounds, stored),
            partial(self.folder.round, self.contract.id, seed),
        )
        noted = partial(self.note, subgraph=self.contract.id, seed=seed)
        control = Control(cancelled=cancelled, begun=partial(self._begun, seed=seed), noted=noted)
        most = session.options.rounds
        result = search(self.contract, session.authors, session.judge, seed, most, control, keeping, earlier)
        last = result.kernel or (result.tried[-1] if result.tried else None)
        return SeedRecord(
            seed,
            result.state,
            session.run.run_id,
            reason=result.reason,
            author=last.author if last else "",
            round=last.number if last else None,
            rounds=result.judged,
            restored=sum(tried.restored for tried in result.tried),
            source=result.kernel.round.proposal.source if result.kernel else "",
            verdict=last.round.verdict.to_json() if last else None,
            missing=list(result.missing),
            spent=result.spent,
        )

    def _begun(self, stage: str = "", **facts: object) -> None:
        """Notes what begins. There are many stages: what they are of is what this process began before."""
        if stage:
            self.session.events.add("begin", stage=stage)
        else:
            self.note("begin", subgraph=self.contract.id, **facts)

    def _record_round(self, seed: int, rounds: Rounds, stored: list[StoredRound], tried: Tried) -> None:
        """First of all what saves the work: a run that is killed here has judged for later ones."""
        folder = self.folder.round(self.contract.id, seed, tried.number)
        verdict, proposal = tried.round.verdict.to_json(), tried.round.proposal
        stored.append(StoredRound(tried.author, proposal.note, proposal.source, verdict))
        if not tried.restored:
            rounds.save(stored)
        files.write(folder / "candidate.py", tried.round.proposal.source)
        files.write_json(
            folder / "proposal.json",
            {"author": proposal.past.author if proposal.past else tried.author, "note": proposal.note},
        )
        files.write_json(folder / "verdict.json", verdict)
        repros.write(folder / repros.NAME, self.contract, tried.round.verdict, tried.round.proposal.source)
        place = {"subgraph": self.contract.id, "seed": seed, "round": tried.number}
        how = {"author": tried.author, "note": tried.round.proposal.note, "repeated": tried.repeated}
        how["restored"] = tried.restored
        self.note("round", **place, **how, verdict=verdict)

    def _record_seed(self, record: SeedRecord) -> None:
        facts = {"state": record.state, "reason": record.reason, "author": record.author, "rounds": record.rounds}
        facts["restored"] = record.restored
        self.note("seed", subgraph=self.contract.id, seed=record.seed, **facts, missing=record.missing)

    def _board(self) -> Board:
        session = self.session
        names = {author.name for author in session.authors if registry.resumes(author.name)}
        return Board(
            folder=self.folder.contract(self.contract.id),
            state=self._state(),
            run=session.run.run_id,
            seeds=session.options.seeds,
            adopts=lambda record: not session.options.fresh and record.author in names,
            stopped=session.run.stopped,
            ended=self._record_seed,
        )

    def _rounds(self, seed: int) -> Rounds:
        return Rounds(self._state(), [author.name for author in self.session.authors], seed)

    def _state(self) -> State:
        """What earlier runs left that judged as this one does."""
        judge = self.session.judge
        judged_by = (judge.platform, judge.device, JUDGE_VERSION, *(versions()[name] for name in DECIDING))
        key = hashlib.sha256(" ".join((self.contract.signature, *judged_by)).encode()).hexdigest()
        return State(self.session.run.state(key), lambda text: self.note("set_aside", message=text))


UNJUDGED = Verdict("undecided", "none", message="a run ended before it was judged")


def _save_proposal(rounds: Rounds, stored: Sequence[StoredRound], author: str, proposal: Proposal) -> None:
    """Before it is judged: a run that is killed meanwhile has not asked in vain."""
    rounds.save([*stored, StoredRound(author, proposal.note, proposal.source, UNJUDGED.to_json())])


def _tried(stored: Sequence[StoredRound]) -> list[Tried]:
    return [
        Tried(number, one.author, Round(Proposal(one.source, one.note), Verdict.from_json(one.verdict), one.author))
        for number, one in enumerate(stored)
    ]
