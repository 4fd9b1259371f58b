"""The author `scripted/<folder>`: candidates from files, round by round. For tests and for trying the search."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round

WAITS = re.compile(r"# waits ([0-9]+(?:\.[0-9]+)?) s$", re.MULTILINE)
"""A line of a candidate: how long the author takes to propose it, as a model would."""
POLL_S = 0.05


@dataclass(frozen=True)
class Scripted:
    """Round `r` of seed `k` is `<problem stem>/seed<k>/round<r>.py` in the folder; where that is not there, the same
    without the first, the second, or both of its folders.
    """

    name: str
    folder: Path

    @classmethod
    def of(cls, folder: str) -> Scripted:
        """Raises ValueError where there is no such folder."""
        from pytest_kernelfalcon.generator.registry import UnknownAuthor

        path = Path(folder).absolute()
        if not folder or not path.is_dir():
            raise UnknownAuthor(f"'scripted/{folder}': {str(path)!r} is no folder. Fix: name a folder of candidates.")
        return cls(f"scripted/{folder}", path)

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        control.check()
        file = f"round{len(history)}.py"
        stem = Path(contract.source["module"]).stem
        for place in (f"{stem}/seed{seed}", stem, f"seed{seed}", ""):
            path = self.folder / place / file
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                _wait(text, control)
                return Proposal(text, str(path.relative_to(self.folder)))
        return Exhausted(f"no {file} for seed {seed} in {self.folder}")


def _wait(text: str, control: Control) -> None:
    end = time.monotonic() + sum(float(seconds) for seconds in WAITS.findall(text))
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, POLL_S))
        control.check()
