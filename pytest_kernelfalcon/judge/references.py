"""What the problem's own process says of a trial's cases: inputs, expected values, and what is right besides."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.child import Ended, Overdue
from pytest_kernelfalcon.judge.finding import Costly, NotTaken
from pytest_kernelfalcon.judge.warm import Answer, Warm
from pytest_kernelfalcon.judge.wire import close_all

KEPT_BYTES = 2 << 30
"""Of inputs and expected values that are kept for comparing again, beside those in use."""


@dataclass
class References:
    """Answers of the role `reference` (roles/reference.py). secret: what the seeds of all cases come from.

    Each raises `Costly` for what takes more memory than there is, `NotTaken` for a variant that the problem does not
    run in after all, and `ProblemError` where it breaks at sizes that it took before, or its process ends.
    """

    contract: Contract
    process: Warm
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _kept: dict[Case, Answer] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether there is nobody left to ask."""
        return self.process.ended

    def of(self, case: Case) -> Answer:
        """Kept, to be compared as often as needed; the files stay ours."""
        if case not in self._kept:
            self._forget_the_oldest()
            self._kept[case] = self._asked({"case": self._draw(case)}, case)
        return self._kept[case]

    def leeway(self, case: Case) -> tuple[list[dict[str, Any]], list[int]]:
        """What the outputs may be besides, one entry each, with its file; none where it takes too much to know."""
        try:
            answer, fds = self._asked({"leeway": self._draw(case)}, case)
        except (Costly, NotTaken):
            return [], []
        return answer["leeway"], fds

    def forget(self) -> None:
        for _, fds in self._kept.values():
            close_all(fds)
        self._kept.clear()

    def _draw(self, case: Case) -> dict[str, Any]:
        """The reference's job for a case."""
        source = rewrite(self.contract.source["code"], dict(case.sizes))
        job = {"source": source, "path": self.contract.source["module"], "mutates": self.contract.mutated}
        kind = {"dtype": case.dtype, "strides": case.strides, "values": case.values}
        return job | kind | {"seed": case.seed(self.secret)}

    def _forget_the_oldest(self) -> None:
        """Answers take memory; one that is wanted again is drawn again from the same seed."""
        while sum(_held_bytes(answer) for answer, _ in self._kept.values()) > KEPT_BYTES:
            close_all(self._kept.pop(next(iter(self._kept)))[1])

    def _asked(self, request: dict[str, Any], case: Case) -> Answer:
        path = self.contract.source["module"]
        try:
            answer, fds = self.process.ask(request)
        except Ended as ended:
            raise ProblemError(path, Cause.PROBLEM_CRASH, detail=f"forward ({ended.how})") from None
        except Overdue as overdue:
            raise ProblemError(path, Cause.PROBLEM_HANG, detail="forward", seconds=overdue.seconds) from None
        if answer.get("broken") == Cause.PROBLEM_MEMORY.value:
            raise Costly("it takes more memory than there is")
        if "broken" in answer and not case.plain:
            raise NotTaken
        if "broken" in answer:
            raise ProblemError(path, Cause.named(answer["broken"]), line=answer["line"], **answer["facts"])
        return answer, fds


def _held_bytes(answer: dict[str, Any]) -> int:
    """Of the files that came with a reference's answer."""
    expected = [piece for output in answer["outputs"] for piece in (output["eager"], output["truth"])]
    return sum(piece["nbytes"] for piece in [*answer["storages"], *expected])
