"""The author `scripted/<folder>`: candidates from files, round by round. For tests and for trying the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round


@dataclass(frozen=True)
class Scripted:
    """Round `r` of seed `k` is `seed<k>/round<r>.py` in the folder, or `round<r>.py` where that is not there."""

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
        for path in (self.folder / f"seed{seed}" / file, self.folder / file):
            if path.is_file():
                return Proposal(path.read_text(encoding="utf-8"), str(path.relative_to(self.folder)))
        return Exhausted(f"no {file} for seed {seed} in {self.folder}")
