"""Two calls' results held against each other, bit by bit but for the sign of zero, by the comparer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_kernelfalcon.judge.trial import Run, Trial

WRONG = ("differ", "nan", "inf", "top")
"""Of the comparer's figures, those that are zero where nothing differs."""


def differences(trial: Trial, got: list[dict[str, Any]], fd: int, run: Run) -> Iterator[tuple[int, dict[str, Any]]]:
    """(output, its worst element) for each output that differs from that of `run`. got: where its bytes are in `fd`."""
    tensors = run.got["tensors"]
    request = {"got": got, "expected": [_expected(tensor) for tensor in tensors], "also": [[] for _ in tensors]}
    files = [fd, run.outputs_fd]
    for output, figures in enumerate(trial.compared(request, files)):
        if figures["kind"] != "empty" and any(figures.get(name) for name in WRONG):
            element = figures["worst"]
            yield output, {"output": output, **{name: element[name] for name in ("index", "got", "want")}}


def _expected(tensor: dict[str, Any]) -> dict[str, Any]:
    """What an executor gave, as the comparer is told of expected values."""
    piece = {"offset": tensor["offset"], "nbytes": tensor["nbytes"]}
    shape, dtype = tensor["shape"], tensor["dtype"]
    return {"shape": shape, "dtype": dtype, "eager": piece, "truth": piece | {"dtype": dtype}}
