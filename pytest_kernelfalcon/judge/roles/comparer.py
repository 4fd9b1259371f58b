"""Role `comparer`: hold a kernel's bytes against the expected ones. PYTEST_DONT_REWRITE

Runs our code only. Requests {"got": [{"dtype", "shape", "offset", "nbytes"}], "expected": the reference's "outputs"}
with two memory files; answers {"figures"}, one entry an output, of which the parent decides (judge/accuracy.py).
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.wire import Channel

LENIENT_ULPS = 64
"""Where eager overflows and fp64 does not, a finite value within this many ulps of fp64 is as right as eager's."""
CHUNK = 1 << 24
"""Elements compared at a time: their copies in fp64 are what comparing takes beside the tensors themselves."""

Part = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Of one output: some elements as the kernel, eager and fp64 have them."""


def serve(channel: Channel, job: dict[str, Any]) -> None:
    answer(channel, blobs.Host())


def answer(channel: Channel, place: blobs.Place) -> None:
    """Every request, where the tensors lie at that place."""
    while True:
        request, (got_fd, expected_fd) = channel.receive()
        got = _place(got_fd, place).open(got_fd, request["got"])
        expected = place.open(expected_fd, [piece for output in request["expected"] for piece in pieces_of(output)])
        pairs = zip(request["got"], request["expected"], strict=True)
        channel.send({"figures": [figures(*tensors(got, expected, mine, want)) for mine, want in pairs]})
        got.close()
        expected.close()
        place.rest()


def _place(fd: int, place: blobs.Place) -> blobs.Place:
    """A regular file is memory of this machine, wherever else tensors lie: a module used for real gave its bytes."""
    return blobs.Host() if stat.S_ISREG(os.fstat(fd).st_mode) else place


def pieces_of(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Where all that is known of an expected output lies."""
    return [output["eager"], output["truth"], *output["also"]]


def tensors(got: blobs.Blob, expected: blobs.Blob, mine: dict[str, Any], want: dict[str, Any]) -> Any:
    """(kernel's, eager's, fp64, other decisions) of one output; shapes and dtypes were compared by the parent."""
    value = blobs.tensor(got, mine, mine["dtype"], mine["shape"])
    eager = blobs.tensor(expected, want["eager"], want["dtype"], want["shape"])
    truth = blobs.tensor(expected, want["truth"], want["truth"]["dtype"], want["shape"])
    also = [blobs.tensor(expected, piece, want["truth"]["dtype"], want["shape"]) for piece in want["also"]]
    return value.to(eager.device), eager, truth, also


def figures(
    value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, also: Sequence[torch.Tensor] = ()
) -> dict[str, Any]:
    """What the parent needs to decide on one output; see `exact` and `close` for the keys."""
    if value.numel() == 0:
        return {"kind": "empty", "total": 0}
    return close(value, eager, truth) if eager.is_floating_point() else exact(value, eager, truth, also)


def exact(
    value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, also: Sequence[torch.Tensor]
) -> dict[str, Any]:
    """Integers and booleans: a decision is right if eager or fp64 takes it, or fp64 on inputs within an ulp (`also`).

    Keys: differ, total, worst.
    """
    differ, worst = 0, Worst(value.shape)
    for start, (mine, theirs, exactly) in _parts(value, eager, truth):
        wrong = (mine != theirs) & (mine != exactly)
        for other in also:
            wrong &= mine != other.reshape(-1)[start : start + CHUNK]
        differ += int(wrong.sum())
        worst.look(start, wrong, (mine, theirs, exactly))
    return {"kind": "exact", "total": value.numel(), "differ": differ, "worst": worst.element if differ else None}


def close(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """Floating point. Keys: nan, inf (elements wrong in kind), rms, eager_rms, top, eager_top (errors against fp64),
    floor (half an ulp of the output's dtype at the RMS of the truth), worst; all in the output's units.
    """
    limits = torch.finfo(eager.dtype)
    nan, inf, odd, errors, worst = 0, 0, Worst(value.shape), Errors(), Worst(value.shape)
    for start, part in _parts(value, eager, truth):
        mine, theirs, exactly = (tensor.double() for tensor in part)
        nan_wrong, inf_wrong, plain = _kinds(mine, theirs, exactly, limits)
        nan, inf = nan + int(nan_wrong.sum()), inf + int(inf_wrong.sum())
        odd.look(start, nan_wrong * 2 + inf_wrong.int(), part)
        worst.look(start, errors.add(mine, theirs, exactly, plain), part)
    result = {"kind": "close", "total": value.numel(), "nan": nan, "inf": inf}
    if nan or inf:
        return result | {"worst": odd.element}
    return result | errors.figures(limits.eps) | {"worst": worst.element}


def _parts(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> Iterator[tuple[int, Part]]:
    """The tensors piece by piece, each with the number of its first element."""
    flat = value.reshape(-1), eager.reshape(-1), truth.reshape(-1)
    for start in range(0, value.numel(), CHUNK):
        mine, theirs, exactly = (tensor[start : start + CHUNK] for tensor in flat)
        yield start, (mine, theirs, exactly)


def _kinds(mine: torch.Tensor, theirs: torch.Tensor, exactly: torch.Tensor, limits: torch.finfo) -> Any:
    """Which elements are NaN, or infinite, where they must not be or are not where they must; and which are plain."""
    plain = mine.isfinite() & theirs.isfinite() & (exactly.abs() <= limits.max)
    if bool(plain.all()):
        none = torch.zeros_like(plain)
        return none, none, plain
    over = exactly.abs() > limits.max
    nan_wrong = (mine.isnan() & ~theirs.isnan()) | (~mine.isnan() & theirs.isnan() & exactly.isnan())
    allowed = (theirs.isinf() & (mine == theirs)) | (over & (mine.sign() == exactly.sign()))
    inf_wrong = (mine.isinf() & ~allowed) | (~mine.isinf() & exactly.isinf() & theirs.isinf() & (mine != theirs))
    odd = ~theirs.isfinite() & exactly.isfinite() & ~over & mine.isfinite()
    inf_wrong |= odd & ((mine - exactly).abs() > LENIENT_ULPS * limits.eps * exactly.abs())
    clamped = over & exactly.isfinite() & mine.isfinite()
    inf_wrong |= clamped & (mine != theirs)
    return nan_wrong, inf_wrong, plain


@dataclass
class Errors:
    """Errors against fp64 over the plain elements, scaled where they are squared: squares overflow, and vanish."""

    count: int = 0
    norms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("mine", "eager", "truth"), 0.0))
    tops: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("mine", "eager"), 0.0))

    def add(self, value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, plain: torch.Tensor) -> torch.Tensor:
        """One piece, in fp64; returns the kernel's errors, element by element."""
        zero = torch.zeros((), dtype=torch.float64, device=value.device)
        exactly = torch.where(plain, truth, zero)
        mine = torch.where(plain, value - exactly, zero).abs()
        theirs = torch.where(plain, eager - exactly, zero).abs()
        self.count += int(plain.sum())
        for name, error in (("mine", mine), ("eager", theirs), ("truth", exactly.abs())):
            top = float(error.max())
            self.norms[name] = math.hypot(self.norms[name], top * float((error / (top or 1.0)).square().sum().sqrt()))
            if name in self.tops:
                self.tops[name] = max(self.tops[name], top)
        return mine

    def figures(self, eps: float) -> dict[str, float]:
        root = math.sqrt(max(self.count, 1))
        return {
            "rms": self.norms["mine"] / root,
            "eager_rms": self.norms["eager"] / root,
            "top": self.tops["mine"],
            "eager_top": self.tops["eager"],
            "floor": 0.5 * eps * self.norms["truth"] / root,
        }


class Worst:
    """The element where something is greatest: its index, the kernel's value, eager's, and fp64's."""

    def __init__(self, shape: torch.Size) -> None:
        self._shape = shape
        self._most = -1.0
        self.element: dict[str, Any] = {}

    def look(self, start: int, badness: torch.Tensor, part: Part) -> None:
        flat = int(badness.to(torch.float64).argmax())
        most = float(badness[flat])
        if most <= self._most:
            return
        self._most = most
        place = torch.unravel_index(torch.tensor(start + flat), self._shape) if self._shape else ()
        got, eager, want = (tensor[flat].item() for tensor in part)
        self.element = {"index": [int(i) for i in place], "got": got, "eager": eager, "want": want}
