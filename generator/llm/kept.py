"""A provider whose every call is kept, so that a search can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.generator.llm.exchange import Exchange, Left, finish
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.prompts import Scene
from pytest_kernelfalcon.generator.llm.provider import Answer, Around, Request


@dataclass
class Kept(Around):
    """Asks `provider`. folder: of the round, where each call is kept. author, scene: what the prompts are made for."""

    folder: Path
    author: str
    scene: Scene

    def ask(self, request: Request, control: Control) -> Answer:
        """See `Provider`. What ends otherwise than by an answer, a failure or `control` was no call."""
        number = Exchange(self.author, self.scene, request).begin(self.folder)
        try:
            answer = self.provider.ask(request, control)
        except CallFailed as failed:
            finish(self.folder, number, failed)
            raise
        except Cancelled as left:
            finish(self.folder, number, Left(left.reason))
            raise
        except DeadlineExceeded:
            finish(self.folder, number, Left("its time was up"))
            raise
        finish(self.folder, number, answer)
        return answer
