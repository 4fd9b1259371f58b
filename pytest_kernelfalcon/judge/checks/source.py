"""The text: is it Python, are its kernels allowed, can it be imported?"""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.trial import Trial

MAX_CHARACTERS = 400_000
"""What is handed to the processes at all; the extractor counts bytes."""


def starts(trial: Trial) -> None:
    """Fork the candidate's processes: parsing, extracting and importing happen there."""
    if len(trial.source) > MAX_CHARACTERS:
        detail = f"it is {len(trial.source)} characters long, at most {MAX_CHARACTERS} are read"
        trial.fail(Cause.SOURCE_UNREADABLE, detail=detail)
    trial.start()
