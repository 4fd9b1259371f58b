"""What is wrong for every seed alike is asked once in a run: a key that is refused, a model that is not there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome
from pytest_kernelfalcon.store import files

FOR_ALL = (
    CallOutcome.WRONG_KEY,
    CallOutcome.DENIED,
    CallOutcome.NO_CREDIT,
    CallOutcome.UNKNOWN_MODEL,
    CallOutcome.WRONG_URL,
)


@dataclass(frozen=True)
class Halts:
    """folder: shared by the run's workers; None outside a run, where nothing is shared."""

    folder: Path | None

    def reason(self, author: str) -> str | None:
        """Why this author need not be asked."""
        if self.folder is None or (found := files.read_json(self._file(self.folder, author))) is None:
            return None
        return str(found["reason"])

    def add(self, author: str, failed: CallFailed) -> None:
        if self.folder is not None and failed.outcome in FOR_ALL:
            files.write_json(self._file(self.folder, author), {"author": author, "reason": str(failed)})

    def _file(self, folder: Path, author: str) -> Path:
        return folder / f"halt-{hashlib.sha256(author.encode()).hexdigest()[:16]}.json"
