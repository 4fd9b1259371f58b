"""Whether two candidates do the same: message by message, and, where it can be run, bit by bit."""

from __future__ import annotations

import os

from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.sameness import differences
from pytest_kernelfalcon.judge.steps import departure, read
from pytest_kernelfalcon.judge.trial import How, Trial


def difference(one: Trial, other: Trial) -> str:
    """In words, empty where there is none; both at the problem's own sizes, on the same inputs. Both have started.

    Which configuration of an autotuned kernel it is does not count.
    """
    plans = [[step for step in read(trial.dry(told=True)["steps"]) if step["op"] != "tune"] for trial in (one, other)]
    found = departure(*plans)
    if found is not None:
        return f"{found.got} where the kernel has {found.want}"
    if not any(form.declared for form in one.platform.forms(one.contract, one.dry()["programs"])):
        return ""  # they cannot be run here
    other.references.secret = one.references.secret
    case = Case.of(one.contract.declared)
    runs = one.run(case, How()), other.run(case, How())
    try:
        values = differences(one, runs[1].got["tensors"], runs[1].outputs_fd, runs[0])
        return next((f"output {output} has other values" for output, _ in values), "")
    finally:
        for run in runs:
            os.close(run.outputs_fd)
