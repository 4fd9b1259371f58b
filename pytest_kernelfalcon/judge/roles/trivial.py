"""Whether an answer that computes nothing would be right: then no kernel could be told from it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.variants import DRAWN
from pytest_kernelfalcon.judge.accuracy import RMS_BOUND, Pool, decide
from pytest_kernelfalcon.judge.roles.broken import Broken
from pytest_kernelfalcon.judge.roles.comparer import figures
from pytest_kernelfalcon.judge.roles.held import tensors_in
from pytest_kernelfalcon.judge.roles.modules import Instance, forward, outputs_of
from pytest_kernelfalcon.judge.roles.reference import own_state, refresh, same_draw
from pytest_kernelfalcon.judge.roles.truth import mutated, truth_of
from pytest_kernelfalcon.judge.roles.variants import vary

KINDS = ("large", "offset", "lowered", "empty_mask", "full_mask")
"""Values beside the drawn ones that may tell: those that leave most problems' domains alone."""
ANOTHER = 100
"""Between the seeds of a draw and of the other one that it is held against."""

EXACT_ELEMENTS, SAMPLE, FAR = 1 << 20, 1 << 16, 0.1
"""Of an output with more elements a sample is looked at first: what is further off there, by its RMS, is no answer."""

Draw = Callable[[int], Instance]


@dataclass(frozen=True)
class Trivial:
    """answer: what would do for that output. near: how near it is. value: the output's one value, if it has one."""

    output: int
    answer: str
    near: str
    value: str | None

    def refuse(self) -> Broken:
        if self.value is not None:
            return Broken(Cause.CONSTANT_OUTPUT, output=self.output, detail=self.value)
        return Broken(Cause.TRIVIAL_ANSWER, output=self.output, detail=self.answer, near=self.near)


def trivial_answer(draw: Draw, mutates: list[int], kinds: Sequence[str]) -> Trivial | None:
    """The first output and the answer without a computation that satisfies it, by the judge's own measure, where there
    is such an answer for each output; else None.

    draw: makes the problem with a seed. kinds: of values, that kernels will be tried on. An answer must do for two
    draws, as one may be flat by chance, and for those of `KINDS` beside them: a clamp that ordinary numbers never reach
    is told from none so.
    """
    fixed = {i for i, pair in enumerate(zip(draw(0).inputs, draw(1).inputs, strict=False)) if same_draw(*pair)}
    suspects = _Suspects(mutates)
    for seed, kind in enumerate((DRAWN, DRAWN, *(kind for kind in KINDS if kind in kinds))):
        one, other = partial(_varied, draw, seed, fixed, kind), partial(_varied, draw, seed + ANOTHER, fixed, kind)
        try:
            suspects.look(one, other())
        except Broken:
            if kind == DRAWN:
                raise
        if not suspects.left:
            return None
    return suspects.first()


def _varied(draw: Draw, seed: int, fixed: set[int], kind: str) -> Instance:
    """As a kernel will meet it; the same one for the same arguments."""
    instance = draw(seed)
    refresh(instance, fixed)
    vary(instance, kind=kind)
    return instance


@dataclass
class _Output:
    """What is known of one output after some draws. answers: those that did for all of them, each with how far it was
    off at worst, over eager's error; None before the first draw. middle: of the first draw. only: the one value that
    it ever had.
    """

    middle: float
    only: torch.Tensor | None
    shown: str
    answers: dict[str, float] | None = None

    @classmethod
    def of(cls, value: torch.Tensor) -> _Output:
        shown = str(value.reshape(-1)[0].item()) if value.numel() else "empty"
        return cls(_middle(value), value.reshape(-1)[:1].clone(), shown)

    def look(self, value: torch.Tensor, found: dict[str, float]) -> None:
        if self.only is not None and not bool(((value == self.only) | (value.isnan() & self.only.isnan())).all()):
            self.only = None
        before = found if self.answers is None else self.answers
        self.answers = {name: max(ratio, found[name]) for name, ratio in before.items() if name in found}


@dataclass
class _Suspects:
    """Every output, over several draws."""

    mutates: list[int]
    outputs: list[_Output] = field(default_factory=list)

    @property
    def left(self) -> bool:
        """Whether each output has some answer."""
        return all(output.answers for output in self.outputs)

    def first(self) -> Trivial:
        output = self.outputs[0]
        assert output.answers
        answer, ratio = next(iter(output.answers.items()))
        near = f"its RMS error is {ratio:.2g} times eager's, and {RMS_BOUND:g} times are accepted"
        value = output.shown if output.only is not None else None
        return Trivial(0, answer, near if ratio else "it is what the judge expects", value)

    def look(self, draw: Callable[[], Instance], other: Instance) -> None:
        """One draw, that can be had again, and another of the same kind."""
        instance = draw()
        given = [(f"input {i}", tensor.clone()) for i, tensor in enumerate(tensors_in(instance.inputs))]
        given += [(f"the state `{item.path}`", item.tensor.detach().clone()) for item in own_state(instance)]
        eager, others = _outcome(instance, self.mutates), _outcome(other, self.mutates)
        self.outputs = self.outputs or [_Output.of(value) for value in eager]
        guesses: list[list[tuple[str, torch.Tensor]]] = []
        for index, (value, output) in enumerate(zip(eager, self.outputs, strict=True)):
            another = others[index] if index < len(others) and others[index].shape == value.shape else None
            made = _guesses(value, output.middle, given, another)
            guesses.append([(name, guess) for name, guess in made if _plausible(guess, value)])
        truth = truth_of(draw(), self.mutates)[0] if all(guesses) else None
        for output, value, exact, some in zip(self.outputs, eager, truth or eager, guesses, strict=True):
            output.look(value, dict(_right(some, value, exact)))


def _plausible(guess: torch.Tensor, eager: torch.Tensor) -> bool:
    """False for what is far off in a part of the elements: of large outputs that is seen without a run in fp64."""
    if eager.numel() <= EXACT_ELEMENTS:
        return True
    step = eager.numel() // SAMPLE
    want, got = (tensor.reshape(-1)[::step].double() for tensor in (eager, guess))
    return bool((got - want).square().mean() <= FAR**2 * want.square().mean())


def _right(
    guesses: Sequence[tuple[str, torch.Tensor]], eager: torch.Tensor, truth: torch.Tensor
) -> Iterator[tuple[str, float]]:
    """Those of the guesses that the judge would accept, with their error over eager's."""
    for name, guess in guesses:
        judgement = decide(0, figures(guess, eager, truth), Pool())
        if judgement.cause is None:
            yield name, judgement.ratio


def _outcome(instance: Instance, mutates: list[int]) -> list[torch.Tensor]:
    """What a kernel must compute: the outputs, and the inputs that `forward` changes."""
    _, outputs = outputs_of(forward(instance, instance.inputs))
    return [*outputs, *mutated(instance.inputs, mutates)]


def _guesses(
    value: torch.Tensor, constant: float, given: list[tuple[str, torch.Tensor]], another: torch.Tensor | None
) -> Iterator[tuple[str, torch.Tensor]]:
    yield "zeros", torch.zeros_like(value)
    yield "a constant", torch.full_like(value, constant)
    for name, tensor in given:
        if tensor.shape == value.shape and tensor.dtype == value.dtype:
            yield name, tensor
    if another is not None:
        yield "the output for other inputs", another.contiguous()


def _middle(value: torch.Tensor) -> float:
    """The median, or the more frequent one of truth values."""
    if not value.numel():
        return 0.0
    return float(value.double().reshape(-1).median())
