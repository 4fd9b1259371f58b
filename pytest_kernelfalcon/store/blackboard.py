"""The blackboard of one contract: what its seeds share. All correctness of the order of work lies here.

    kernels_out/<contract id>/       this run
      winner.json                    the seed that won: whoever links the file first
      accept.json                    what became of the winner (see synthesis.py)
      refused/<sha256>               kernels that won here and were refused at accept
      seed<k>/claim                  locked while somebody works on the seed
      seed<k>/started                there while, or since, somebody worked on it
      seed<k>/record.json            how it ended
    state/<key>/winner.json          the last winner of any run; it saves work and is judged again (see state.py)

Nobody waits for an order: whoever needs a kernel pulls it with `obtain`, which helps with what is not done yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pytest_kernelfalcon.contracts.control import Cancelled
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.state import State

WINNER = "winner.json"

SeedState = Literal["won", "late", "specialised", "lost", "exhausted", "crashed"]


@dataclass(frozen=True)
class SeedRecord:
    """How a seed ended.

    state: `won`; `late` (right, but another had won); `specialised` (right at the declared sizes: wins only if
    nothing better does); `lost` (rounds used up, or refused at accept); `exhausted` (its authors had nothing);
    `crashed` (its process died). source: the kernel of the first three. verdict: the kernel's, else the last one,
    as JSON; round: the round that it judged. rounds: how many were judged. restored: how many kept the verdict of an
    earlier run. run: the run that found it. spent: what was said where the budget ended it, else empty.
    """

    seed: int
    state: SeedState
    run: str
    reason: str = ""
    author: str = ""
    round: int | None = None
    rounds: int = 0
    restored: int = 0
    source: str = ""
    verdict: dict[str, Any] | None = None
    missing: list[str] = field(default_factory=list)
    spent: str = ""


Attempt = Callable[[int, Callable[[], str | None]], SeedRecord]
"""Works on a seed to its end: `attempt(seed, cancelled)`. After an exception the seed can be taken up again."""


class NoKernel(Exception):
    """Every seed has ended and none has a kernel."""

    def __init__(self, records: Sequence[SeedRecord]) -> None:
        super().__init__(f"{len(records)} seeds ended without a kernel")
        self.records = list(records)


@dataclass(frozen=True)
class Board:
    """folder: this contract's part of the run directory. state: what outlives runs.

    adopts: whether a winner that another run found may win here. stopped: why all work should stop, or None.
    ended: told of every seed that ends in this process.
    """

    folder: Path
    state: State
    run: str
    seeds: int
    adopts: Callable[[SeedRecord], bool]
    stopped: Callable[[], str | None]
    ended: Callable[[SeedRecord], None]

    def winner(self) -> SeedRecord | None:
        """The seed that won, in this run or in an earlier one."""
        own = _load(self.folder / WINNER)
        if own is not None:
            return own
        earlier = self._earlier()
        if earlier is None or not self.adopts(earlier) or self._refused(earlier).exists():
            return None
        files.publish(self.folder / WINNER, _dump(earlier))
        return _load(self.folder / WINNER)

    def _earlier(self) -> SeedRecord | None:
        """The last winner of any run."""
        data = self.state.read(WINNER)
        try:
            return None if data is None else SeedRecord(**data)
        except TypeError as error:
            self.state.set_aside(WINNER, f"{self.state.folder / WINNER}: not a winner: {error}")
            return None

    def record(self, seed: int) -> SeedRecord | None:
        return _load(self._seed(seed) / "record.json")

    def cancelled(self) -> str | None:
        """Why a seed that is being worked on should stop."""
        if reason := self.stopped():
            return reason
        winner = self.winner()
        return won_by(winner, self.run) if winner else None

    def run_seed(self, seed: int, attempt: Attempt) -> SeedRecord:
        """The seed's end: worked out here, unless somebody did or does. Raises `Cancelled` where a winner spares it."""
        while True:
            if record := self.record(seed):
                return record
            winner = self.winner()
            if winner is not None and winner.seed == seed:
                return winner
            if reason := self.cancelled():
                raise Cancelled(reason)
            if record := self._take(seed, attempt):
                return record
            time.sleep(files.POLL_S)

    def obtain(self, attempt: Attempt) -> SeedRecord:
        """The winner; helps with seeds that nobody has taken and waits for the others.

        Raises `NoKernel` when all have ended without one, `Cancelled` when the run is stopped.
        """
        while True:
            if winner := self.winner():
                return winner
            if reason := self.stopped():
                raise Cancelled(reason)
            records = [self.record(seed) for seed in range(self.seeds)]
            if self._promote(records, "late"):
                continue
            open_seeds = [seed for seed, record in enumerate(records) if record is None]
            if open_seeds:
                self._help(open_seeds, attempt)
            elif not self._promote(records, "specialised"):
                raise NoKernel([record for record in records if record])

    def withdraw(
        self, winner: SeedRecord, state: Literal["lost", "specialised"], reason: str, verdict: dict[str, Any]
    ) -> None:
        """Takes the win away: the winner was refused at accept, or is only `specialised`. Others may win then."""
        if state == "lost":
            files.publish(self._refused(winner), "")
        if state == "specialised" or winner.run == self.run:
            ended = replace(winner, state=state, reason=reason, verdict=verdict)
            files.write(self._seed(winner.seed) / "record.json", _dump(ended))
        earlier = self._earlier()
        if earlier is not None and earlier.source == winner.source:
            self.state.remove(WINNER)
        (self.folder / WINNER).unlink(missing_ok=True)

    def _take(self, seed: int, attempt: Attempt) -> SeedRecord | None:
        """Works on the seed unless somebody else holds it or has ended it."""
        folder = self._seed(seed)
        with files.try_lock(folder / "claim") as mine:
            if not mine or self.record(seed):
                return None
            record = self._attempt(seed, folder / "started", attempt)
            if record.state == "won" and not self._win(record):
                record = replace(record, state="late", reason="right, but another seed had won")
            files.write(folder / "record.json", _dump(record))
        self.ended(record)
        return record

    def _attempt(self, seed: int, started: Path, attempt: Attempt) -> SeedRecord:
        if started.exists():  # nobody holds the seed and it has no record: whoever started it died
            return SeedRecord(seed, "crashed", self.run, reason="the process that worked on it died")
        files.mark(started)
        try:
            return attempt(seed, self.cancelled)
        except BaseException:
            started.unlink(missing_ok=True)
            raise

    def _win(self, record: SeedRecord) -> bool:
        won = files.publish(self.folder / WINNER, _dump(record))
        if won:
            self.state.write(WINNER, asdict(record))
        return won

    def _promote(self, records: Sequence[SeedRecord | None], state: SeedState) -> bool:
        """Whether one of the records could win after all."""
        for record in records:
            if record is not None and record.state == state:
                self._win(record)
                return True
        return False

    def _help(self, seeds: Sequence[int], attempt: Attempt) -> None:
        for seed in seeds:
            with suppress(Cancelled):  # by a winner, or with the run: `obtain` looks again
                if self._take(seed, attempt):
                    return
        time.sleep(files.POLL_S)

    def _seed(self, seed: int) -> Path:
        return self.folder / f"seed{seed}"

    def _refused(self, record: SeedRecord) -> Path:
        return self.folder / "refused" / sha256(record.source)


def won_by(winner: SeedRecord, run: str) -> str:
    return f"seed[{winner.seed}] won" + ("" if winner.run == run else " in an earlier run")


def _load(path: Path) -> SeedRecord | None:
    """Of this run. Raises `files.Unreadable`."""
    data = files.read_json(path)
    with files.making_of(path):
        return None if data is None else SeedRecord(**data)


def _dump(record: SeedRecord) -> str:
    return files.to_json(asdict(record)) + "\n"
