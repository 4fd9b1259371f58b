"""What error is acceptable: the kernel's against fp64, relative to eager's own.

    RMS error of the kernel   ≤ 4 × max(RMS error of eager,   half an ulp at the RMS of the truth)
    worst error of the kernel ≤ 8 × max(worst error of eager, two ulps at the RMS of the truth)

Eager's error is pooled over a verdict's cases of one kind (type and values), as a fraction of the truth's RMS: in a
case of few elements it can be small by luck, and among adversarial values it is large by intent. Measured on honest
and dishonest kernels: see docs/architecture.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause

RMS_BOUND = 4.0
WORST_BOUND = 8.0
FLOOR_TO_WORST = 4.0


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
        key = output, kind
        self.rms[key] = max(self.rms.get(key, 1.0), figures["eager_rms"] / floor)
        self.top[key] = max(self.top.get(key, FLOOR_TO_WORST), figures["eager_top"] / floor)
        return self.rms[key] * floor, self.top[key] * floor


def decide(output: int, figures: dict[str, Any], pool: Pool, kind: str = "") -> Judgement:
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
    rms_bound, worst_bound = pool.bounds(output, kind, figures)
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
