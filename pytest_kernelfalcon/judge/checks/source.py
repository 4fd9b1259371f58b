"""The text: is it Python, are its kernels allowed, can it be imported?"""

from __future__ import annotations

from pytest_kernelfalcon.judge.trial import Trial


def starts(trial: Trial) -> None:
    """Fork the candidate's processes: parsing, extracting and importing happen there."""
    trial.start()
