"""The judge's defences, and how a test leaves each of them out to show what passes then.

`python -m tests.cheats.defences` prints the table.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.variants import Variants
from pytest_kernelfalcon.judge import gates
from pytest_kernelfalcon.judge import judge as judging
from pytest_kernelfalcon.judge.accuracy import Judgement
from pytest_kernelfalcon.judge.cases import Case, single, varied
from pytest_kernelfalcon.judge.checks import compiled, conforming, outputs, repeated, running, values
from pytest_kernelfalcon.judge.finding import Found, UnsupportedHere
from pytest_kernelfalcon.judge.trial import Run, Trial

Patch = Callable[[], AbstractContextManager[Any]]
TOLERANCE = 1e-2
"""What KernelBench's comparison allows, absolutely and of the value."""


@dataclass(frozen=True)
class Defence:
    """stops: what gets by without it. passes: the cheat that shows it; it names this defence in its expect.json.

    How it is left out: by `parent`, a change of what runs in this process; else in the forks (left_out.py), or, for the
    sandbox, by running without. second_line: why nothing passes where it alone is missing. behind: what finds the cheat
    at the gate accept as well, and how; the cheat then shows that this defence alone stops it at the gate seed.
    """

    name: str
    stops: str
    passes: str = ""
    parent: Patch | None = None
    second_line: str = ""
    behind: str = ""


def _check(*looks: Callable[[Trial], None]) -> Patch:
    """Checks of judge/checks are not made."""
    return lambda: mock.patch.object(judging, "CHECKS", [one for one in judging.CHECKS if one.look not in looks])


def _pardoned(look: Callable[[Trial, Run], None], cause: Cause) -> Patch:
    """A check of outputs.py lets its finding of that cause pass."""

    def lenient(trial: Trial, run: Run) -> None:
        try:
            look(trial, run)
        except Found as found:
            if found.finding.cause is not cause:
                raise

    changed = [lenient if one is look else one for one in outputs.OUTPUT_CHECKS]
    return lambda: mock.patch.object(outputs, "OUTPUT_CHECKS", changed)


def _decided(right: Callable[[Judgement], bool]) -> Patch:
    """A judgement on values is that they are right where `right` says so."""
    strict = values.decide

    def lenient(*given: Any) -> Judgement:
        judgement = strict(*given)
        return Judgement(None, 0.0) if judgement.cause is not None and right(judgement) else judgement

    return lambda: mock.patch.object(values, "decide", lenient)


def _caused(cause: Cause) -> Patch:
    return _decided(lambda judgement: judgement.cause is cause)


def _close(judgement: Judgement) -> bool:
    if judgement.cause is not Cause.INACCURATE or judgement.worst is None:
        return False
    got, want = judgement.worst["got"], judgement.worst["want"]
    return bool(abs(got - want) <= TOLERANCE + TOLERANCE * abs(want))


def _within(figure: str) -> Callable[[Judgement], bool]:
    """Whether one of the two bounds is kept."""

    def right(judgement: Judgement) -> bool:
        facts = judgement.facts
        return judgement.cause is Cause.INACCURATE and bool(facts[figure] <= facts[f"{figure}_bound"])

    return right


def _fewer(change: Callable[[Variants], Variants], sizes: bool = True) -> Patch:
    """Cases are drawn from fewer variants; sizes: of other sizes too."""
    fewer = {
        "single": lambda base, variants: single(base, change(variants)),
        "varied": lambda base, admitted, variants: varied(base, admitted if sizes else {}, change(variants)),
    }
    return lambda: mock.patch.multiple(running, **fewer)


def _no(field: str, name: str) -> Patch:
    def change(variants: Variants) -> Variants:
        return replace(variants, **{field: [one for one in getattr(variants, field) if one != name]})

    return _fewer(change)


def _values(kind: str, what: str, passes: str) -> Defence:
    return Defence(f"values: {kind}", what, passes, _no("values", kind))


def _strides(layout: str, what: str, passes: str) -> Defence:
    return Defence(f"strides: {layout}", what, passes, _no("strides", layout))


def _one_trace() -> AbstractContextManager[Any]:
    return mock.patch.dict(gates.GATES, accept=replace(gates.GATES["accept"], traces=1))


def _unserved() -> AbstractContextManager[Any]:
    """The problem's own sizes need not be served."""
    dry = Trial.dry

    def lenient(trial: Trial, *how: Any, **more: Any) -> dict[str, Any]:
        try:
            return dry(trial, *how, **more)
        except UnsupportedHere:
            return {"end": "unreadable"}

    return mock.patch.object(Trial, "dry", lenient)


def _returned_alone() -> AbstractContextManager[Any]:
    compare = Trial.compare
    return mock.patch.object(Trial, "compare", lambda self, *of: compare(self, *of)[: len(self.contract.outputs)])


OTHER_MEMORY = "native conformance: in other memory other values are left"
OTHER_CONSTANT = "native conformance: the module's constant is not what the text was judged with"

DEFENCES = [
    # how much is tried
    Defence(
        "sizes",
        "kernels for one shape",
        "inner_tail_skipped",
        _fewer(lambda variants: replace(variants, stretched=[]), sizes=False),
    ),
    Defence(
        "long rows",
        "loops that end before a long row does",
        "long_rows_cut",
        _fewer(lambda variants: replace(variants, stretched=[])),
    ),
    Defence(
        "types",
        "branches on another floating type",
        "wrong_in_bfloat16",
        _fewer(lambda variants: replace(variants, dtypes=[])),
    ),
    _strides("padded", "rows taken to lie side by side", "rows_side_by_side"),
    _strides("transposed", "columns taken to lie side by side", "transposed_is_contiguous"),
    _strides("stepped", "elements taken to lie side by side", "every_element_counts"),
    Defence("spoilt padding", "sums over what lies between elements", "sums_the_padding"),
    _values("offset", "differences of large numbers", "one_pass_after_relu"),
    _values("lowered", "a running maximum that begins at zero", "softmax_from_zero"),
    _values("large", "overflow", "softmax_by_the_first"),
    _values("wide", "small terms of a sum that are left out", "drops_small_terms"),
    _values("small", "cancellation near zero, and an eps left out", "cancels_near_zero"),
    _values("zeros", "divisions by what may be zero", "normalises_without_floor"),
    _values("ties", "extremes taken to be single", "no_ties"),
    _values("inf", "a running maximum that begins too high", "maximum_from_a_floor"),
    _values("nan", "maxima that pass NaN over", "maximum_drops_nan"),
    _values("empty_mask", "counts taken to be positive", "no_empty_row"),
    _values("full_mask", "counts taken to be less than all", "no_full_row"),
    Defence("fresh state", "kernels that ignore weights of ones", "ignores_weight"),
    Defence(
        "secret seeds",
        "inputs drawn again on the host",
        "recomputes_the_inputs",
        lambda: mock.patch.object(Case, "seed", lambda *_: 42),
    ),
    Defence("same tensors", "scalars kept by address", "cached_scalar", _check(repeated.same_tensors)),
    Defence(
        "configurations",
        "one wrong configuration of an autotuned kernel",
        "bad_configuration",
        _check(repeated.configurations),
    ),
    Defence(
        "program orders",
        "results that hang on the order of programs",
        "last_store_wins",
        _check(repeated.program_orders),
    ),
    Defence("many traces", "wrappers that count their calls", "counts_and_reads", _one_trace),
    Defence("own sizes", "kernels for small sizes only", "served_when_small", _unserved),
    Defence(
        "kernels of the declared sizes",
        "another kernel where nobody can run it",
        "other_kernel_when_large",
        _check(running.declared_kernels),
    ),
    Defence(
        "compiling",
        "kernels that no GPU takes",
        "too_large_for_any_gpu",
        _check(compiled.for_targets, compiled.after_reads, compiled.other_types),
    ),
    # what a call's results are held to
    Defence(
        "structure",
        "outputs of another type, shape or number",
        "finer_output",
        lambda: mock.patch.object(outputs, "OUTPUT_CHECKS", outputs.OUTPUT_CHECKS[1:]),
    ),
    Defence(
        "inputs kept",
        "inputs as scratch memory",
        "input_as_scratch",
        _pardoned(outputs.inputs_kept, Cause.INPUT_MODIFIED),
    ),
    Defence(
        "own memory",
        "an input returned as the output",
        "returns_an_input_too",
        _pardoned(outputs.own_memory, Cause.ALIASES_INPUT),
    ),
    Defence(
        "launched memory",
        "outputs that torch copied",
        "copies_by_torch",
        _pardoned(outputs.own_memory, Cause.PASSTHROUGH),
    ),
    Defence(
        "outputs apart",
        "one memory for two outputs",
        "outputs_share_memory",
        _pardoned(outputs.outputs_apart, Cause.ALIASES_OUTPUT),
    ),
    Defence(
        "written outputs",
        "elements that happen to be right",
        "poison_is_right",
        _pardoned(outputs.written, Cause.UNWRITTEN_OUTPUT),
        behind=OTHER_MEMORY,
    ),
    Defence("changed inputs", "updates in place that are left out", "update_left_out", _returned_alone),
    Defence(
        "relative bound",
        "lower precision, coarse approximations, zeros for small numbers",
        "low_precision",
        _decided(_close),
    ),
    Defence("RMS bound", "the last bits of every element", "last_bits_dropped", _decided(_within("top"))),
    Defence("worst bound", "one element among thousands", "one_element_off", _decided(_within("rms"))),
    Defence(
        "decisions exact", "the wrong one of equal elements", "argmax_takes_the_last", _caused(Cause.VALUES_DIFFER)
    ),
    Defence("nan rule", "NaN as an answer to everything", "nan_everywhere", _caused(Cause.NAN_MISMATCH)),
    Defence("inf rule", "saturation for overflow", "clamps_infinity", _caused(Cause.INF_MISMATCH)),
    # in the executor
    Defence("exact bounds", "stores past the end", "missing_tail_mask"),
    Defence("no numbers of pointers", "kernels that know the interpreter by its addresses", "knows_its_addresses"),
    Defence("races", "programs that write one element", "unsynchronised_sum"),
    Defence("address overflow", "addresses that are right by wrapping", "wraps_an_address"),
    Defence("poison", "memory taken to be zero", "fresh_memory_is_zero", behind=OTHER_MEMORY),
    Defence("inputs are not read", "answers computed in Python", "reads_a_small_input"),
    Defence("reads are few", "answers computed in Python, from a copy", "reads_its_own_copy"),
    Defence(
        "copies keep types",
        "casts by copying",
        "forges_a_cast",
        behind="native conformance: what it forges the message with is not there where tensors are real",
    ),
    Defence("allowed names", "kernels that know the interpreter", "knows_the_interpreter"),
    Defence(
        "names mean one thing",
        "kernels that read otherwise than they are compiled",
        "constant_bound_twice",
        behind=OTHER_CONSTANT,
    ),
    Defence("no plain globals", "variables that the wrapper sets", "plain_global", behind=OTHER_CONSTANT),
    Defence("one definition", "two kernels of one name", "kernel_defined_twice"),
    Defence(
        "launch options",
        "libraries linked into a kernel",
        second_line="without a GPU options reach the compiler alone, whose figures say nothing of values",
    ),
    # of the module itself
    Defence(
        "native conformance",
        "modules that do something else where nobody judges",
        "knows_memory",
        _check(conforming.used_for_real, conforming.used_at_declared_sizes),
    ),
    # of problems and processes
    Defence("admissible problems", "constants for an answer", "constant_problem"),
    Defence("sandbox", "expected values out of other processes", "rewrites_expected_values"),
    Defence(
        "own process",
        "patched modules, exits, prints, clocks, references",
        second_line="it is how the judge is built, and cannot be left out: no candidate runs where anything is decided",
    ),
    Defence(
        "tracer",
        "torch outside kernels, by any name",
        second_line="it says where and why; what it lets through lies in no storage that the executor knows",
    ),
    Defence(
        "known storages",
        "tensors that a call neither got nor made",
        second_line="it says why; the executor has no memory under another number",
    ),
    Defence(
        "own words alone",
        "messages outside the vocabulary",
        second_line="nothing acts on them, and no verdict is read from a candidate",
    ),
    Defence(
        "kernels of the file",
        "kernels made at run time",
        second_line="it says why; the executor has no other kernels than the text's",
    ),
]


def table() -> str:
    """For each defence, the cheat that passes without it; then what is behind some, and the second lines."""
    wide, names = max(len(one.name) for one in DEFENCES), max(len(one.passes) for one in DEFENCES)
    rows = [f"{one.name:{wide}}  {one.passes or '–':{names}}  {one.stops or ''}" for one in DEFENCES]
    second = [f"{one.name}: {one.second_line}" for one in DEFENCES if one.second_line]
    behind = [f"{one.name}: {one.behind}" for one in DEFENCES if one.behind]
    seed = ["", "Needed at the gate seed; at the gate accept there is another line behind:", *behind]
    return "\n".join([*rows, *seed, "", "Second lines:", *second])


if __name__ == "__main__":
    print(table())
