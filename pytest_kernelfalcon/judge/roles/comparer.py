"""Role `comparer`: hold a kernel's bytes against the expected ones. PYTEST_DONT_REWRITE

Runs our code only. Requests {"got": [{"dtype", "shape", "offset", "nbytes"}], "expected": the reference's "outputs",
"also": for each the places of what it may be besides} with two memory files, and a third where there is such; answers
{"figures"}, one entry an output, of which the parent decides (judge/accuracy.py).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.roles.errors import JUMP, Errors, Part, Worst, nearest, root_mean_square
from pytest_kernelfalcon.judge.wire import Channel

LENIENT_ULPS = 64
"""Where eager overflows and fp64 does not, a finite value within this many ulps of fp64 is as right as eager's."""
CHUNK = 1 << 24
"""Elements compared at a time: their copies in fp64 are what comparing takes beside the tensors themselves."""


def serve(channel: Channel, job: dict[str, Any]) -> None:
    answer(channel, blobs.Host())


def answer(channel: Channel, place: blobs.Place) -> None:
    """Every request, where the tensors lie at that place."""
    while True:
        request, fds = channel.receive()
        got = _place(fds[0], place).open(fds[0], request["got"])
        expected = place.open(fds[1], [piece for output in request["expected"] for piece in pieces_of(output)])
        others = place.open(fds[2], [piece for pieces in request["also"] for piece in pieces]) if fds[2:] else None
        rows = zip(request["got"], request["expected"], request["also"], strict=True)
        channel.send({"figures": [figures(*tensors(got, expected, others, *row)) for row in rows]})
        for blob in (got, expected, *([others] if others else [])):
            blob.close()
        place.rest()


def _place(fd: int, place: blobs.Place) -> blobs.Place:
    """A regular file is memory of this machine, wherever else tensors lie: a module used for real gave its bytes."""
    return blobs.Host() if stat.S_ISREG(os.fstat(fd).st_mode) else place


def pieces_of(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Where all that is known of an expected output lies."""
    return [output["eager"], output["truth"]]


def tensors(
    got: blobs.Blob,
    expected: blobs.Blob,
    others: blobs.Blob | None,
    mine: dict[str, Any],
    want: dict[str, Any],
    places: list[dict[str, Any]],
) -> Any:
    """(kernel's, eager's, fp64, other decisions) of one output; shapes and dtypes were compared by the parent."""
    value = blobs.tensor(got, mine, mine["dtype"], mine["shape"])
    eager = blobs.tensor(expected, want["eager"], want["dtype"], want["shape"])
    truth = blobs.tensor(expected, want["truth"], want["truth"]["dtype"], want["shape"])
    also = [blobs.tensor(others, piece, want["truth"]["dtype"], want["shape"]) for piece in places] if others else []
    return value.to(eager.device), eager, truth, also


def figures(
    value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, also: Sequence[torch.Tensor] = ()
) -> dict[str, Any]:
    """What the parent needs to decide on one output; see `exact` and `close` for the keys. also: of roles/leeway.py."""
    if value.numel() == 0:
        return {"kind": "empty", "total": 0, "digest": 0}
    found = (close if eager.is_floating_point() else exact)(value, eager, truth, also)
    return found | {"digest": digest(value)}


def digest(value: torch.Tensor) -> int:
    """Of its bits: two runs of a kernel that gives the same have the same."""
    total, flat = 0, blobs.raw(value)
    for start in range(0, flat.numel(), CHUNK):
        part = flat[start : start + CHUNK].long()
        place = torch.arange(start, start + part.numel(), device=part.device)
        total += int(((part + 1) * (place * 0x9E3779B97F4A7C1 + 0x632BE5AB)).sum())
    return total % (1 << 63)


def exact(
    value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, also: Sequence[torch.Tensor]
) -> dict[str, Any]:
    """Integers and booleans: a decision is right if eager or fp64 takes it, or fp64 on values within an ulp (`also`).

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


def close(
    value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, also: Sequence[torch.Tensor]
) -> dict[str, Any]:
    """Floating point. Keys: nan, inf (elements wrong in kind), rms, eager_rms, top, eager_top (errors against fp64, or
    against what another decision gives where that is nearer), floor (half an ulp of the output's dtype at the
    RMS of the truth), scale (that RMS), worst; all in the output's units.
    """
    limits = torch.finfo(eager.dtype)
    nan, inf, odd, errors, worst = 0, 0, Worst(value.shape), Errors(), Worst(value.shape)
    jump = JUMP * 0.5 * limits.eps * root_mean_square(truth, limits.max) if also else 0.0
    for start, part in _parts(value, eager, truth):
        mine, theirs, exactly = (tensor.double() for tensor in part)
        nan_wrong, inf_wrong, plain = _kinds(mine, theirs, exactly, limits)
        nan, inf = nan + int(nan_wrong.sum()), inf + int(inf_wrong.sum())
        odd.look(start, nan_wrong * 2 + inf_wrong.int(), part)
        others = [other.reshape(-1)[start : start + CHUNK].double() for other in also]
        near = nearest(mine, exactly, others, jump), nearest(theirs, exactly, others, jump)
        worst.look(start, errors.add(mine - near[0], theirs - near[1], exactly, plain), part)
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
