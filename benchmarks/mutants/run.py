"""Judging mutants: by several processes at a time, into a file that a later run goes on with."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice

from benchmarks.measure import WORKER, begin
from benchmarks.mutants.draw import Mutant
from benchmarks.mutants.record import Record
from benchmarks.results import Appending
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.problem import sha256

GROUP = 8
"""Mutants of one problem that a worker judges at a time: the problem is inspected once for them."""
MORE = 1.2
"""How many are judged for each that is wanted: some do not run."""
KNOWN: dict[str, Contract] = {}
"""Of a worker process: the contracts of the problems that it has met."""


@dataclass
class Run:
    """known: records of earlier runs by problem and mutant."""

    platform: str
    jobs: int
    known: dict[tuple[str, str], Record]
    drawn: list[Mutant] = field(default_factory=list)

    def until(self, source: Iterator[Mutant], count: int, file: Appending) -> list[Record]:
        """Records of the first of `source` up to the `count`th that ran, or of all there are."""
        context = multiprocessing.get_context("spawn")
        given = (self.platform, context.Event(), None)
        with ProcessPoolExecutor(self.jobs, context, initializer=begin, initargs=given) as pool:
            while (missing := count - self._ran(count)) > 0:
                more = [*islice(source, int(missing * MORE) + 1)]
                if not more:
                    break
                self.drawn += more
                new = [mutant for mutant in more if _key(mutant) not in self.known]
                for future in as_completed([pool.submit(_judge, group) for group in _groups(new)]):
                    for record in future.result():
                        self.known[record.problem_sha256, record.kernel_sha256] = record
                        file.add(record.to_json())
        return self._first(count)

    def _ran(self, count: int) -> int:
        return sum(record.kind != "stillborn" for record in self._first(count))

    def _first(self, count: int) -> list[Record]:
        found: list[Record] = []
        for mutant in self.drawn:
            if count == 0:
                break
            found.append(self.known[_key(mutant)])
            count -= found[-1].kind != "stillborn"
        return found


def _key(mutant: Mutant) -> tuple[str, str]:
    return mutant.original.problem.sha256, sha256(mutant.source)


def _groups(drawn: Sequence[Mutant]) -> Iterator[list[Mutant]]:
    """Of one problem each, the long ones first."""
    by_name: dict[str, list[Mutant]] = {}
    for mutant in drawn:
        by_name.setdefault(mutant.original.name, []).append(mutant)
    for group in sorted(by_name.values(), key=len, reverse=True):
        for start in range(0, len(group), GROUP):
            yield group[start : start + GROUP]


def _judge(group: Sequence[Mutant]) -> list[Record]:
    """In a worker: verdicts at the gate *accept*. What stops the judge itself stops the run."""
    (worker,) = WORKER
    problem = group[0].original.problem
    if problem.sha256 not in KNOWN:
        KNOWN[problem.sha256] = worker.judge.inspect(problem, worker.control)
    records = []
    for mutant in group:
        start = time.monotonic()
        verdict = worker.judge.judge(KNOWN[problem.sha256], mutant.source, "accept", worker.control)
        records.append(Record.of(mutant, verdict, time.monotonic() - start))
    return records
