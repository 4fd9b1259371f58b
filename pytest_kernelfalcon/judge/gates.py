"""Gates: how thoroughly a candidate is judged, and how long the judge waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GateName = Literal["seed", "accept"]


@dataclass(frozen=True)
class Gate:
    """cases: distinct calls compared. variants: how many of them are of one variant alone (another type, layout, kind
    of values); drawn: how many mix these with other sizes, at least. targets: compute capabilities to compile for.
    operations: what one call may take in the interpreter (see `interpreter.Budget`). configurations: how many of an
    autotuned kernel's are tried. orders: orders of the programs that the first case is repeated in. traces: how many
    more plans must be the same.
    """

    name: GateName
    cases: int
    variants: int
    drawn: int
    targets: tuple[int, ...]
    operations: int
    configurations: int
    orders: tuple[str, ...] = ()
    traces: int = 0

    def targets_with(self, own: int | None) -> tuple[int, ...]:
        """own: the device's, which comes first; None where kernels run on none."""
        return self.targets if own is None else tuple(dict.fromkeys((own, *self.targets)))


@dataclass(frozen=True)
class Patience:
    """Seconds that the judge waits: for a problem to be inspected, one message of a wrapper, one call's kernels, one
    case's reference or comparison, and the compiler.
    """

    inspect: float = 90.0
    trace: float = 10.0
    run: float = 30.0
    reference: float = 60.0
    compile: float = 120.0


GATES: dict[GateName, Gate] = {
    "seed": Gate("seed", cases=8, variants=3, drawn=3, targets=(90,), operations=20_000, configurations=2),
    "accept": Gate(
        "accept",
        cases=24,
        variants=32,
        drawn=8,
        targets=(80, 90, 100),
        operations=60_000,
        configurations=256,
        orders=("reverse", "shuffled"),
        traces=100,
    ),
}
