"""A run of the past, as its directory has it: what was asked, answered and judged. Nothing in it is believed.

<problem>/subgraphs.json                             the contracts
<problem>/kernels_out/<contract id>/seed<k>/
  record.json                                        how the seed ended; none where it was cancelled
  round<r>/prompt<n>.json, answer<n>.json            see exchange.py
  round<r>/candidate.py, proposal.json, verdict.json what became of it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.plan import Plan
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.generator.llm import exchange
from pytest_kernelfalcon.generator.llm.exchange import Exchange
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.rundir import ProblemDir

NAMED = 10
"""Problems that a message lists."""


class NotRecorded(Exception):
    """The recording has nothing of the kind; the text says what it has."""


@dataclass(frozen=True)
class PastRound:
    """One round. Reading it raises `files.Unreadable`."""

    folder: Path

    @cached_property
    def verdict(self) -> Verdict | None:
        """None where its candidate, if any, was not judged."""
        path = self.folder / "verdict.json"
        data = files.read_json(path)
        with files.making_of(path):
            return None if data is None else Verdict.from_json(data)

    @cached_property
    def candidate(self) -> str | None:
        path = self.folder / "candidate.py"
        with files.making_of(path):
            return path.read_bytes().decode() if path.is_file() else None

    @cached_property
    def author(self) -> str:
        """Whose the candidate was; empty where there was none."""
        path = self.folder / "proposal.json"
        data = files.read_json(path)
        with files.making_of(path):
            return "" if data is None else str(data["author"])

    def calls(self) -> list[tuple[str, list[Exchange]]]:
        """By author, in the order in which they were asked. A call that had no end and was made again is left out."""
        kept = exchange.read(self.folder)
        ended = [one for one in kept[:-1] if one.end is not None and not isinstance(one.end, exchange.Left)]
        return [(author, list(calls)) for author, calls in groupby([*ended, *kept[-1:]], lambda one: one.author)]


@dataclass(frozen=True)
class PastSeed:
    """One seed's search."""

    folder: Path

    @property
    def rounds(self) -> int:
        return sum(1 for _ in self.folder.glob("round*"))

    def round(self, number: int) -> PastRound:
        return PastRound(self.folder / f"round{number}")

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        path = self.folder / "record.json"
        data = files.read_json(path)
        if data is None:
            return "it was cancelled then, or its process died"
        with files.making_of(path):
            return f"it ended there as {data['state']}" + (f": {data['reason']}" if data["reason"] else "")


@dataclass(frozen=True)
class PastContract:
    """A contract as it was, and where its search lies."""

    contract: Contract
    folder: Path

    @property
    def seeds(self) -> list[int]:
        names = [path.name.removeprefix("seed") for path in self.folder.glob("seed*")]
        return sorted(int(name) for name in names if name.isdecimal())

    def seed(self, number: int) -> PastSeed:
        """Raises `NotRecorded`."""
        if number not in self.seeds:
            there = ", ".join(f"seed[{seed}]" for seed in self.seeds) or "none"
            raise NotRecorded(f"seed[{number}] is not recorded; of this search there is {there}")
        return PastSeed(self.folder / f"seed{number}")


@dataclass(frozen=True)
class Recording:
    """path: a run's directory, or a copy of what is listed above."""

    path: Path

    @cached_property
    def contracts(self) -> list[PastContract]:
        """All that were searched for. Raises `files.Unreadable`."""
        return [found for plan in sorted(self.path.glob("*/subgraphs.json")) for found in _of_plan(plan)]

    @property
    def seeds(self) -> int:
        """How many a run needs to repeat all of them."""
        return max((seed + 1 for past in self.contracts for seed in past.seeds), default=0)

    @property
    def rounds(self) -> int:
        return max((past.seed(seed).rounds for past in self.contracts for seed in past.seeds), default=0)

    def find(self, contract: Contract) -> PastContract:
        """The recorded search for the contract: for the same problem text, whatever this version of torch makes of it.

        Raises `NotRecorded`.
        """
        module, wanted = contract.source["module"], sha256(contract.source["code"])
        alike = [one for one in self.contracts if sha256(one.contract.source["code"]) == wanted]
        nearest = sorted(
            alike, key=lambda one: (one.contract.id != contract.id, one.contract.source["module"] != module)
        )
        if nearest:
            return nearest[0]
        names = list(dict.fromkeys(one.contract.source["module"] for one in self.contracts))
        named = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        changed = f", whose text is another than `{contract.id}` of {module} has now" if module in names else ""
        raise NotRecorded(f"no search for {module} is recorded in {self.path}; there is: {named or 'none'}{changed}")


def _of_plan(path: Path) -> Iterator[PastContract]:
    """The contracts of one problem; none of one that was broken."""
    data = files.read_json(path) or {}
    if "broken" in data:
        return
    with files.making_of(path):
        contracts = Plan.from_json(data).contracts
    for contract in contracts:
        folder = ProblemDir(path.parent).contract(Path(contract.id).name)
        if folder.is_dir():
            yield PastContract(contract, folder)
