"""What is known of a judged mutant, what the results of a run come to, and which survivors a person has explained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutants.draw import Mutant
from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.verdict import Verdict

EXPLAINED = Path(__file__).parent / "explained.json"
CLASSES = ("stillborn", "refused", "undecided", "accepted")
BEFORE_RUNNING = frozenset({"parse", "extract", "trace", "compile"})
"""Stages: a mutant that ends there never ran."""
NOT_RUN = frozenset({Cause.KERNEL_RAISED, Cause.KERNEL_TIMEOUT, Cause.RESULT_STRUCTURE})
"""Causes of a later stage that are no result either: the interpreter does not compile, a loop does not end."""
Key = tuple[str, str, str, str]
"""Problem, function, and its lines before and after."""


@dataclass(frozen=True)
class Record:
    """One mutant. kind: one of `CLASSES`. diff: of those that are not refused."""

    name: str
    number: int
    platform: str
    operator: str
    function: str
    line: int
    before: str
    after: str
    kind: str
    outcome: str
    cause: str | None
    message: str
    seconds: float
    problem_sha256: str
    kernel_sha256: str
    diff: str = ""

    @classmethod
    def of(cls, mutant: Mutant, verdict: Verdict, seconds: float) -> Record:
        kind = kind_of(verdict)
        original, diff = mutant.original, mutant.diff if kind in CLASSES[2:] else ""
        return cls(
            original.name, mutant.number, verdict.platform, mutant.operator, mutant.function, mutant.line,
            mutant.before, mutant.after, kind, verdict.outcome, verdict.cause, verdict.message, round(seconds, 2),
            original.problem.sha256, verdict.kernel_sha256, diff,
        )  # fmt: skip

    @property
    def key(self) -> Key:
        return self.name, self.function, self.before, self.after

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def kind_of(verdict: Verdict) -> str:
    """Whether the judge refused it, and whether it ran at all before."""
    if verdict.ok:
        return "accepted"
    if verdict.outcome != "refused":
        return "undecided"
    return "stillborn" if verdict.stage in BEFORE_RUNNING or verdict.cause in NOT_RUN else "refused"


def explained(path: Path = EXPLAINED) -> dict[Key, str]:
    """Why these may be accepted. Raises ValueError for an entry without a reason."""
    found = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        if not entry["why"].strip():
            raise ValueError(f"{path}: {entry['problem']}: `{entry['after']}` has no reason")
        found[entry["problem"], entry["function"], entry["before"], entry["after"]] = entry["why"]
    return found


@dataclass(frozen=True)
class Score:
    """counted: mutants that ran. survivors: of these, those that were not refused and that nobody has explained."""

    counted: int
    refused: int
    explained: int
    survivors: Sequence[Record]

    @classmethod
    def of(cls, records: Iterable[Record], known: dict[Key, str]) -> Score:
        ran = [record for record in records if record.kind != "stillborn"]
        alive = [record for record in ran if record.kind != "refused"]
        unexplained = [record for record in alive if record.key not in known]
        return cls(len(ran), len(ran) - len(alive), len(alive) - len(unexplained), unexplained)

    @property
    def percent(self) -> float:
        """Refused ones of those that ran and should be refused."""
        left = self.counted - self.explained
        return 100.0 * self.refused / left if left else 100.0

    def __str__(self) -> str:
        return (
            f"{self.counted} ran: {self.refused} refused, {self.explained} explained, {len(self.survivors)} neither: "
            f"{self.percent:.2f} %"
        )


def table(records: Iterable[Record]) -> list[str]:
    """Operators by classes, as a table in Markdown."""
    counts = Counter((record.operator, record.kind) for record in records)
    lines = [f"| operator | made | {' | '.join(CLASSES)} |", "|" + "---|" * (len(CLASSES) + 2)]
    for operator in [*sorted({operator for operator, _ in counts}), "all"]:
        row = [
            sum(count for (name, its), count in counts.items() if its == kind and operator in (name, "all"))
            for kind in CLASSES
        ]
        lines.append(f"| {operator} | {' | '.join(map(str, [sum(row), *row]))} |")
    return lines
