"""Whether an answer that computes nothing would be right: then no kernel could be told from it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from pytest_kernelfalcon.contracts.variants import DRAWN
from pytest_kernelfalcon.judge.accuracy import Pool, decide
from pytest_kernelfalcon.judge.roles.broken import Broken
from pytest_kernelfalcon.judge.roles.comparer import figures
from pytest_kernelfalcon.judge.roles.held import tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, forward, outputs_of
from pytest_kernelfalcon.judge.roles.reference import refresh
from pytest_kernelfalcon.judge.roles.truth import mutated, truth_of
from pytest_kernelfalcon.judge.roles.variants import vary

KINDS = ("large", "offset")


def trivial_answer(draw: Callable[[int], Instance], mutates: list[int]) -> tuple[int, str] | None:
    """The first output and the answer without a computation that satisfies it, by the judge's own measure, where there
    is such an answer for each output; else None.

    draw: makes the problem with a seed. An answer must do for two draws, as one may be flat by chance, and for the
    kinds of values beside them that the problem takes: a clamp that ordinary numbers never reach is told from none so.
    """
    remaining: set[tuple[int, str]] | None = None
    for seed, kind in enumerate((DRAWN, DRAWN, *KINDS)):
        instance = draw(seed)
        refresh(instance, set())
        vary(instance, kind=kind)
        try:
            count, answers = _satisfied(instance, draw(seed + 1), mutates)
        except Broken:
            if kind == DRAWN:
                raise
            continue
        remaining = answers if remaining is None else remaining & answers
        if {index for index, _ in remaining} != set(range(count)):
            return None
    return min(remaining) if remaining else None


def _satisfied(instance: Instance, other: Instance, mutates: list[int]) -> tuple[int, set[tuple[int, str]]]:
    """How many outputs there are, and which are satisfied by what."""
    given = [tensor.clone() for tensor in tensors_in(instance.inputs)]
    truth, _ = truth_of(instance, mutates)
    eager, others = _outcome(instance, mutates), _outcome(other, mutates)
    answers = set()
    for index, (value, right) in enumerate(zip(eager, truth if truth is not None else eager, strict=True)):
        another = others[index] if index < len(others) and others[index].shape == value.shape else None
        for name, guess in _guesses(value, given, another):
            if decide(index, figures(guess, value, right), Pool()).cause is None:
                answers.add((index, name))
    return len(eager), answers


def _outcome(instance: Instance, mutates: list[int]) -> list[torch.Tensor]:
    """What a kernel must compute: the outputs, and the inputs that `forward` changes."""
    _, outputs = outputs_of(forward(instance, instance.inputs))
    return [*outputs, *mutated(instance.inputs, mutates)]


def _guesses(
    value: torch.Tensor, given: list[torch.Tensor], another: torch.Tensor | None
) -> Iterator[tuple[str, torch.Tensor]]:
    yield "zeros", torch.zeros_like(value)
    if value.numel() > 1:
        yield (
            "a constant",
            torch.full_like(value, value.reshape(-1).median().item() if value.dtype != torch.bool else 1),
        )
    for position, tensor in enumerate(given):
        if tensor.shape == value.shape and tensor.dtype == value.dtype:
            yield f"input {position}", tensor
    if another is not None:
        yield "the output for other inputs", another.contiguous()
