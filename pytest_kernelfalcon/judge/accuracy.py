"""What error is acceptable: the kernel's against fp64, relative to eager's own and to what honest arithmetic has.

    RMS error of the kernel   ≤ 4 × max(RMS error of eager,   half an ulp at the RMS of the truth,  honest RMS error)
    worst error of the kernel ≤ 8 × max(worst error of eager, two ulps at the RMS of the truth,   honest worst error)

Eager's error is pooled over a verdict's cases of one kind (type and values), as a fraction of the truth's RMS: in a
case of few elements it can be small by luck, and among adversarial values it is large by intent. Honest errors are
derived from the problem's operations (roles/leeway.py), and asked for only where a kernel is refused without: eager may
add up in a wider type than any kernel. Measured on honest and dishonest kernels: docs/accuracy.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause

RMS_BOUND = 4.0
WORST_BOUND = 8.0
FLOOR_TO_WORST = 4.0
SENSE = 2.0**-6
"""Of the truth's RMS: an honest error beyond it would let anything pass."""


@dataclass
class Judgement:
    """One output in one case. ratio: the RMS error over eager's; cause is None when it is right."""

    cause: Cause | None
    ratio: float
    facts: dict[str, Any] = field(default_factory=dict)
    worst: dict[str, Any] | None = None


@dataclass
class Pool:
    """Eager's largest errors so far, by output and kind of case, as fractions of the floor."""

    rms: dict[tuple[int, str], float] = field(default_factory=dict)
    top: dict[tuple[int, str], float] = field(default_factory=dict)

    def bounds(self, output: int, kind: str, figures: dict[str, Any]) -> tuple[float, float]:
        """Eager's RMS and worst error to hold this case against, in the output's units."""
        floor = figures["floor"]
        if floor == 0:
            return figures["eager_rms"], figures["eager_top"]
        self.add(output, kind, figures["eager_rms"] / floor, figures["eager_top"] / floor)
        key = output, kind
        return self.rms[key] * floor, self.top[key] * floor

    def add(self, output: int, kind: str, rms: float, top: float) -> None:
        """Eager's errors in one more draw."""
        key = output, kind
        self.rms[key] = max(self.rms.get(key, 1.0), rms)
        self.top[key] = max(self.top.get(key, FLOOR_TO_WORST), top)


@dataclass(frozen=True)
class Honest:
    """RMS and worst error that honest arithmetic has in one output of one case, in the output's units."""

    rms: float = 0.0
    top: float = 0.0

    def within(self, figures: dict[str, Any]) -> Honest:
        """No more of it than makes sense: an answer without a meaning must not pass."""
        most = SENSE * figures["scale"]
        return Honest(min(self.rms, most), min(self.top, most * FLOOR_TO_WORST))


def decide(output: int, figures: dict[str, Any], pool: Pool, kind: str = "", honest: Honest = Honest()) -> Judgement:
    """Whether one output is right, given the comparer's figures in a case of that kind."""
    match figures["kind"]:
        case "empty":
            return Judgement(None, 0.0)
        case "exact":
            return _exact(output, figures)
    worst = _worst(output, figures)
    for key, cause in (("nan", Cause.NAN_MISMATCH), ("inf", Cause.INF_MISMATCH)):
        if figures[key]:
            facts = {"output": output, "count": figures[key], "total": figures["total"]}
            return Judgement(cause, float("inf"), facts, worst)
    bounds, least = pool.bounds(output, kind, figures), honest.within(figures)
    rms_bound, worst_bound = max(bounds[0], least.rms), max(bounds[1], least.top)
    rms, top = _over(figures["rms"], rms_bound), _over(figures["top"], worst_bound)
    worst["error_over_eager"] = top
    if rms <= RMS_BOUND and top <= WORST_BOUND:
        return Judgement(None, rms, worst=worst)
    facts = {"output": output, "rms": rms, "rms_bound": RMS_BOUND, "top": top, "top_bound": WORST_BOUND}
    return Judgement(Cause.INACCURATE, rms, facts, worst)


def _exact(output: int, figures: dict[str, Any]) -> Judgement:
    if not figures["differ"]:
        return Judgement(None, 0.0)
    facts = {"output": output, "count": figures["differ"], "total": figures["total"]}
    return Judgement(Cause.VALUES_DIFFER, float("inf"), facts, _worst(output, figures))


def _worst(output: int, figures: dict[str, Any]) -> dict[str, Any]:
    element = figures["worst"]
    return {"output": output, "index": element["index"], "got": element["got"], "want": element["want"]}


def _over(error: float, bound: float) -> float:
    if error == 0:
        return 0.0
    return error / bound if bound > 0 else float("inf")
