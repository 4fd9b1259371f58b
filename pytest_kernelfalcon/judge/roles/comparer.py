"""Role `comparer`: hold a kernel's bytes against the expected ones. PYTEST_DONT_REWRITE

Runs our code only. Requests {"got": [{"dtype", "shape", "offset", "nbytes"}], "expected": the reference's "outputs"}
with two memory files; answers {"figures"}, one entry an output, of which the parent decides (judge/accuracy.py).
"""

from __future__ import annotations

import os
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.wire import Channel

LENIENT_ULPS = 64
"""Where eager overflows and fp64 does not, a finite value within this many ulps of fp64 is as right as eager's."""


def serve(channel: Channel, job: dict[str, Any]) -> None:
    while True:
        request, (got_fd, expected_fd) = channel.receive()
        got, expected = blobs.Blob(got_fd), blobs.Blob(os.dup(expected_fd))
        os.close(expected_fd)
        pairs = zip(request["got"], request["expected"], strict=True)
        channel.send({"figures": [figures(*tensors(got, expected, mine, want)) for mine, want in pairs]})


def tensors(got: blobs.Blob, expected: blobs.Blob, mine: dict[str, Any], want: dict[str, Any]) -> Any:
    """(kernel's, eager's, fp64) tensors of one output; shapes and dtypes were compared by the parent."""
    value = got.tensor(mine, mine["dtype"], mine["shape"])
    eager = expected.tensor(want["eager"], want["dtype"], want["shape"])
    truth = expected.tensor(want["truth"], want["truth"]["dtype"], want["shape"])
    return value, eager, truth


def figures(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """What the parent needs to decide on one output; see `exact` and `close` for the keys."""
    if value.numel() == 0:
        return {"kind": "empty", "total": 0}
    return close(value, eager, truth) if eager.is_floating_point() else exact(value, eager, truth)


def exact(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """Integers and booleans: a decision is right if eager or fp64 takes it. Keys: differ, total, worst."""
    wrong = (value != eager) & (value != truth)
    count = int(wrong.sum())
    worst = _worst(wrong.to(torch.float32), value, eager, truth) if count else None
    return {"kind": "exact", "total": value.numel(), "differ": count, "worst": worst}


def close(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """Floating point. Keys: nan, inf (elements wrong in kind), rms, eager_rms, top, eager_top (errors against fp64),
    floor (half an ulp of the output's dtype at the RMS of the truth), worst; all in the output's units.
    """
    limits = torch.finfo(eager.dtype)
    mine, theirs, exactly = value.double(), eager.double(), truth.double()
    over = exactly.abs() > limits.max
    nan_wrong = (mine.isnan() & ~theirs.isnan()) | (~mine.isnan() & theirs.isnan() & exactly.isnan())
    allowed = (theirs.isinf() & (mine == theirs)) | (over & (mine.sign() == exactly.sign()))
    inf_wrong = (mine.isinf() & ~allowed) | (~mine.isinf() & exactly.isinf() & theirs.isinf() & (mine != theirs))
    odd = ~theirs.isfinite() & exactly.isfinite() & ~over & mine.isfinite()
    inf_wrong |= odd & ((mine - exactly).abs() > LENIENT_ULPS * limits.eps * exactly.abs())
    clamped = over & exactly.isfinite() & mine.isfinite()
    inf_wrong |= clamped & (mine != theirs)
    plain = mine.isfinite() & theirs.isfinite() & exactly.isfinite() & ~over
    result = {"kind": "close", "total": value.numel(), "nan": int(nan_wrong.sum()), "inf": int(inf_wrong.sum())}
    if result["nan"] or result["inf"]:
        wrong = nan_wrong if result["nan"] else inf_wrong
        return result | {"worst": _worst(wrong.float(), value, eager, truth)}
    error = torch.where(plain, (mine - exactly).abs(), torch.zeros((), dtype=torch.float64))
    errors = _errors(mine, theirs, exactly, plain, limits.eps)
    return result | errors | {"worst": _worst(error, value, eager, truth)}


def _errors(mine: Any, theirs: Any, exactly: Any, plain: Any, eps: float) -> dict[str, float]:
    """Scaled by the largest magnitude, so that squares neither overflow nor vanish."""
    zero = torch.zeros((), dtype=torch.float64)
    magnitude = torch.where(plain, exactly, zero)
    scale = float(magnitude.abs().max()) or 1.0
    count = max(int(plain.sum()), 1)

    def rms(x: torch.Tensor) -> float:
        return float((torch.where(plain, x, zero) / scale).square().sum().div(count).sqrt()) * scale

    def top(x: torch.Tensor) -> float:
        return float(torch.where(plain, x, zero).abs().max())

    return {
        "rms": rms(mine - exactly),
        "eager_rms": rms(theirs - exactly),
        "top": top(mine - exactly),
        "eager_top": top(theirs - exactly),
        "floor": 0.5 * eps * rms(exactly),
    }


def _worst(badness: torch.Tensor, value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """The element where `badness` is greatest: its index, the kernel's value, eager's, and fp64's."""
    flat = int(badness.reshape(-1).argmax())
    index = [int(i) for i in torch.unravel_index(torch.tensor(flat), badness.shape)] if badness.dim() else []
    pick = [t.reshape(-1)[flat].item() for t in (value, eager, truth)]
    return {"index": index, "got": pick[0], "eager": pick[1], "want": pick[2]}
