"""Compiling for real GPUs: registers, spills and shared memory, with no GPU here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.compiled import Rows
from pytest_kernelfalcon.judge.finding import LOUD, Finding, Found, UnsupportedHere
from pytest_kernelfalcon.judge.host import Ended, Overdue
from pytest_kernelfalcon.judge.trial import Trial

UNFIT = ("too_large", "not_there")
"""A target has not the memory, or not the instructions, for a launch: another may have."""


def after_reads(trial: Trial) -> None:
    """The plan of a wrapper that reads what its kernels computed is known only from a run."""
    if HOST_READS in trial.flags:
        for_targets(trial)


def for_targets(trial: Trial) -> None:
    """One target at least must take every launch, the device's own where there is one; another that a launch does not
    fit is listed. An error refuses.
    """
    rows = compile_plan(trial, trial.plan)
    for row in rows:
        _list(trial, row)
    for row in rows:
        if row["status"] == "error":
            facts = {"kernel": row["kernel"], "target": row["target"], "detail": row["detail"]}
            raise Found(Finding(Cause.COMPILE_ERROR, trial.stage, facts, row["line"]))
    own = f"sm_{trial.platform.target}"
    needed = [trial.targets[own]] if own in trial.targets else list(trial.targets.values())
    if needed and all(figures["status"] in UNFIT for figures in needed):
        row = next(row for row in rows if row["status"] in UNFIT)
        facts = {"kernel": row["kernel"], "detail": row["detail"]}
        raise Found(Finding(Cause.OUT_OF_RESOURCES, trial.stage, facts, row["line"]))


def other_types(trial: Trial) -> None:
    """What runs in another floating type must compile in it too, for one target, or it is not served in it."""
    for dtype in trial.contract.variants.dtypes:
        if HOST_READS in trial.flags or any(entry["dtypes"] == dtype for entry in trial.unsupported):
            continue
        case = Case.of(trial.contract.declared, dtype=dtype)
        try:
            answer = trial.dry(dtype=dtype)
        except UnsupportedHere as unsupported:
            trial.unserved(case, str(unsupported))
            continue
        except Found as found:
            if found.finding.cause not in LOUD:
                raise
            trial.unserved(case, found.finding.message)
            continue
        if answer["end"] == "unreadable":
            trial.unserved(case, "in this type alone it reads what its kernels compute, and cannot be compiled before")
            continue
        for row in compile_plan(trial, answer["plan"], trial.wanted_targets[:1]):
            if row["status"] == "error":
                trial.unserved(case, f"`{row['kernel']}` does not compile for {row['target']}: {row['detail']}")


def compile_plan(trial: Trial, launches: list[dict[str, Any]], targets: Sequence[int] | None = None) -> Rows:
    """Rows of the compile role (judge/roles/compile.py), from the cache where this was compiled before.

    targets: all that are wanted, unless given.
    """
    request = {"launches": launches, "targets": list(targets or trial.wanted_targets)}
    job = {"source": trial.source} | request
    key = hashlib.sha256(json.dumps([job, trial.versions], sort_keys=True).encode()).hexdigest()
    if (known := trial.compiled.get(key)) is not None:
        return known
    try:
        rows: Rows = trial.compiler().ask(request, trial.control, trial.patience.compile)["rows"]
    except Overdue as overdue:
        trial.fail(Cause.COMPILE_TIMEOUT, seconds=overdue.seconds)
    except Ended as ended:
        trial.fail(Cause.COMPILE_CRASH, detail=ended.how)
    trial.compiled.put(key, rows)
    return rows


def _list(trial: Trial, row: dict[str, Any]) -> None:
    """A target's figures are its worst kernel's."""
    before = trial.targets.setdefault(row["target"], {"status": "ok", "registers": 0, "spills": 0, "shared": 0})
    if row["status"] != "ok":
        before["status"] = row["status"]
    for name in ("registers", "spills", "shared"):
        before[name] = max(before[name], row.get(name) or 0)
