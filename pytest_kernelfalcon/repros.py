"""Where a repro.py is written, and what is said of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.judge import repro
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store import files, rundir

NAME = "repro.py"


def write(path: Path, contract: Contract, verdict: Verdict, source: str) -> list[str]:
    """Writes the script of a refusal; the line to show for it: where it is, or why there is none. None otherwise."""
    made = repro.of(contract, verdict, source)
    if made is None:
        return []
    if made.text is None:
        return [f"no {NAME}: {made.why}"]
    files.write(path, made.text)
    return said(path)


def said(path: Path) -> list[str]:
    """The line to show for a script that is there."""
    return [f"repro: python {path}"] if path.is_file() else []


def default(problem: Path, kernel: Path) -> Path:
    """Where `verify` writes: below `.fuse` of the folder that it was started in, one place a problem and kernel.

    Raises `rundir.NotWritableError`.
    """
    key = hashlib.sha256(f"{problem.resolve()}\n{kernel.resolve()}".encode()).hexdigest()[:8]
    return rundir.find_root([Path.cwd()]) / "verify" / f"{kernel.stem}-{key}" / NAME


def foreign(path: Path) -> bool:
    """Whether something stands there that is no repro.py of ours."""
    if not path.exists():
        return False
    return not path.is_file() or not path.read_bytes().startswith(repro.MARK.encode())
