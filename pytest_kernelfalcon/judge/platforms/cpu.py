"""The platform `cpu`: kernels run in the hardened interpreter, at smaller sizes where a problem's own are too large."""

from __future__ import annotations

import platform

from pytest_kernelfalcon.contracts.contract import DECLARED_FAKE, TRIVIAL_WHEN_SHRUNK, Contract
from pytest_kernelfalcon.judge.platforms import Form

MAX_PROGRAMS = 256
"""How many programs of a problem's own sizes are run, once: about a third of a second."""


class Cpu:
    """The interpreter on this machine's CPU."""

    name = "cpu"
    reference, executor, comparer = "reference", "executor", "comparer"
    conformance = "conformance"
    zygotes = ("plain", "interpreted")
    target = None
    interpreted = False

    @property
    def device(self) -> str:
        return f"Triton interpreter, {platform.machine()}"

    def forms(self, contract: Contract, programs: int) -> list[Form]:
        declared = Form(contract.declared, contract.admitted, declared=True)
        if contract.shrunk is None:
            return [declared]
        shrunk = Form(contract.shrunk, contract.admitted_shrunk, declared=False)
        small = DECLARED_FAKE not in contract.flags and programs <= MAX_PROGRAMS
        if TRIVIAL_WHEN_SHRUNK in contract.flags:
            return [declared] if small else []
        return [declared, shrunk] if small else [shrunk]
