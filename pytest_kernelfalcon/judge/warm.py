"""A process that knows no candidate, and is kept for several questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.child import Child, Ended

Answer = tuple[dict[str, Any], list[int]]
"""With the files that came with it."""


@dataclass
class Warm:
    """opened: gives the process in use, or a new one where that has ended. seconds: for one answer.

    ended: whether the last question had no answer.
    """

    role: str
    opened: Callable[[], Child]
    seconds: float
    control: Control
    ended: bool = False

    def start(self) -> None:
        """Lets it begin to start, while others work."""
        self.opened()

    def ask(self, request: dict[str, Any], files: Sequence[int] = ()) -> Answer:
        """Raises `Ended` and `Overdue`.

        One that was killed is asked once more, in a new process: the question, its draw and its answer are the same, so
        that nobody gains by it.
        """
        try:
            return self._once(request, files)
        except Ended as ended:
            if not ended.killed:
                raise
        return self._once(request, files)

    def _once(self, request: dict[str, Any], files: Sequence[int]) -> Answer:
        self.ended = True
        child = self.opened()
        child.send(request, files)
        answer = child.receive(self.control, self.seconds)
        self.ended = False
        return answer
