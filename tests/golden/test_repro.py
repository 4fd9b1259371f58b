"""repro.py: run as a person would, in a process that cannot import this package, it shows the refusal, and passes an
honest kernel.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import repro
from pytest_kernelfalcon.judge.gates import GateName
from pytest_kernelfalcon.judge.verdict import Verdict

from .conftest import Shared
from .examples import EXAMPLES, edited
from .problems import ABOVE, ABOVE_KERNEL, PAIR, PAIR_KERNEL, SCALED, SCALED_KERNEL, SILU, SILU_KERNEL

HONEST = {SILU: SILU_KERNEL, ABOVE: ABOVE_KERNEL, SCALED: SCALED_KERNEL, PAIR: PAIR_KERNEL}

ROWS = """\
import torch


class Model(torch.nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(features))

    def forward(self, x):
        return torch.relu(x * self.weight)


rows = 6
features = 40


def get_inputs():
    return [torch.randn(rows, features)]


def get_init_inputs():
    return [features]
"""

ROWS_KERNEL = """\
import torch
import triton
import triton.language as tl


@triton.jit
def relu(x_ptr, weight_ptr, y_ptr, features, stride_row, stride_column, BLOCK: tl.constexpr):
    row, columns = tl.program_id(0), tl.arange(0, BLOCK)
    mask = columns < features
    x = tl.load(x_ptr + row * stride_row + columns * stride_column, mask=mask).to(tl.float32)
    y = x * tl.load(weight_ptr + columns, mask=mask).to(tl.float32)
    y = tl.where(y < 0, 0.0, y)
    tl.store(y_ptr + row * features + columns, y.to(y_ptr.dtype.element_ty), mask=mask)


def kernel_function(x, weight):
    y = torch.empty(x.shape, dtype=x.dtype, device="cuda")
    block = triton.next_power_of_2(x.shape[1])
    relu[(x.shape[0],)](x, weight, y, x.shape[1], x.stride(0), x.stride(1), BLOCK=block)
    return y
"""

MODEL_NEW = """\
import torch
import triton
import triton.language as tl


@triton.jit
def relu(x_ptr, weight_ptr, y_ptr, features, stride_row, stride_column, BLOCK: tl.constexpr):
    row, columns = tl.program_id(0), tl.arange(0, BLOCK)
    mask = columns < features
    x = tl.load(x_ptr + row * stride_row + columns * stride_column, mask=mask).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=mask).to(tl.float32)
    y = x * weight
    y = tl.where(y < 0, 0.0, y)
    tl.store(y_ptr + row * features + columns, y.to(y_ptr.dtype.element_ty), mask=mask)


class ModelNew(torch.nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(features))

    def forward(self, x):
        y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        block = triton.next_power_of_2(x.shape[1])
        relu[(x.shape[0],)](x, self.weight, y, x.shape[1], x.stride(0), x.stride(1), BLOCK=block)
        return y
"""

SPOILT_ROWS = {
    "strides": ("row * stride_row", "row * features"),
    "nan": ("y = tl.where(y < 0, 0.0, y)", "y = tl.maximum(y, 0.0)"),
    "bfloat16": ("    y = tl.where", "    y *= 1.1 if y_ptr.dtype.element_ty == tl.bfloat16 else 1\n    y = tl.where"),
}  # fmt: skip


BANNED = "import sys; sys.modules['pytest_kernelfalcon'] = None\n"
ALONE = BANNED + "import runpy; runpy.run_path(sys.argv[1], run_name='__main__')"
FORKING = (
    BANNED
    + """
import os, runpy
os.environ["TRITON_INTERPRET"] = "1"
import torch, triton, triton.experimental.gluon, numpy.random
del os.environ["TRITON_INTERPRET"]
for line in sys.stdin:
    path = line.strip()
    if os.fork() == 0:
        out = os.open(path + ".out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            sys.stdout.flush()
            os._exit(ended.code)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
)


def environment() -> dict[str, str]:
    """Nothing of ours, no path to this package, no GPU."""
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    return known | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


Run = Callable[[str], tuple[int, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a script; its exit code and what it says. torch is loaded once, and each script has a fork of that."""
    folder = tmp_path_factory.mktemp("repro")
    command = [sys.executable, "-I", "-c", FORKING]
    numbers = count()
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        given, told = process.stdin, process.stdout

        def one(text: str) -> tuple[int, str]:
            path = folder / f"repro{next(numbers)}.py"
            path.write_text(text)
            given.write(f"{path}\n")
            given.flush()
            return int(told.readline()), Path(f"{path}.out").read_text()

        yield one
        given.close()


def run_alone(texts: Sequence[str], folder: Path) -> list[tuple[int, str]]:
    """The same in a process each that has loaded nothing, at the same time."""
    with ExitStack() as stack:
        started = []
        for number, text in enumerate(texts):
            path = folder / f"repro{number}.py"
            path.write_text(text)
            command = [sys.executable, "-I", "-c", ALONE, str(path)]
            kept: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            started.append(stack.enter_context(subprocess.Popen(command, cwd=folder, env=environment(), **kept)))
        said = [process.communicate()[0] for process in started]
        return [(process.returncode, words) for process, words in zip(started, said, strict=True)]


Refused = Callable[..., tuple[Contract, Verdict]]


@pytest.fixture
def refused(patient: Shared) -> Refused:
    def look(problem: str, kernel: str, gate: GateName = "seed") -> tuple[Contract, Verdict]:
        contract = patient.inspect(Problem("problem.py", problem), Control())
        return contract, patient.judge(contract, kernel, gate, Control())

    return look


def script(contract: Contract, verdict: Verdict, kernel: str) -> str:
    made = repro.of(contract, verdict, kernel)
    assert made is not None and made.text is not None, made
    return made.text


SHOWN = (
    (Cause.INACCURATE, "is too far from the fp64 result"),
    (Cause.OUT_OF_BOUNDS, "of 256 active lanes, the first at byte 8000 of a tensor of 8000 bytes"),
    (Cause.NAN_MISMATCH, "is wrong about NaN"),
    (Cause.VALUES_DIFFER, "output 0 differs at"),
    (Cause.WRAPPER_RAISED, "no attribute 'nummel'"),
    (Cause.UNWRITTEN_OUTPUT, "output 0: 1 of 2000 elements are never written"),
    (Cause.STALE, "the same tensors, with other values:\noutput 0: RMS error"),
    (Cause.ALIASES_OUTPUT, "outputs 0 and 1 are the same memory"),
    (Cause.OUTPUT_DTYPE, "output 0 is torch.float16"),
    (Cause.RACE, "programs run in reverse order"),
)


@pytest.mark.parametrize(("cause", "words"), SHOWN, ids=[cause.value for cause, _ in SHOWN])
def test_it_shows_the_refusal_and_passes_the_honest_kernel(
    refused: Refused, run: Run, cause: Cause, words: str
) -> None:
    example = EXAMPLES[cause]
    assert isinstance(example.problem, str) and isinstance(example.kernel, str)
    contract, verdict = refused(example.problem, example.kernel)
    assert verdict.cause == cause
    code, said = run(script(contract, verdict, example.kernel))
    assert code == 1 and words in said, said
    code, said = run(script(contract, verdict, HONEST[example.problem]))
    assert code == 0, said


@pytest.mark.parametrize("variant", SPOILT_ROWS)
def test_it_draws_the_layout_the_type_and_the_values_of_the_case(refused: Refused, run: Run, variant: str) -> None:
    spoilt = edited(ROWS_KERNEL, SPOILT_ROWS[variant])
    contract, verdict = refused(ROWS, spoilt, "accept")
    assert verdict.outcome == "refused" and verdict.case is not None, verdict
    varied = {"strides": verdict.case["strides"], "nan": verdict.case["values"], "bfloat16": verdict.case["dtypes"]}
    assert varied[variant] not in ("declared", "drawn"), verdict.case
    code, said = run(script(contract, verdict, spoilt))
    assert code == 1 and varied[variant] in said, said
    code, said = run(script(contract, verdict, ROWS_KERNEL))
    assert code == 0, said


def test_it_draws_state_with_the_digits_of_a_wider_type(refused: Refused, run: Run) -> None:
    """Without these a kernel that rounds its weights to the problem's own type would be right in a wider one."""
    halves = edited(ROWS, ("torch.ones(features)", "torch.ones(features).half()"), ("features)]", "features).half()]"))
    coarse = edited(
        ROWS_KERNEL, ("weight_ptr + columns, mask=mask)", "weight_ptr + columns, mask=mask).to(tl.float16)")
    )
    contract, verdict = refused(halves, coarse, "accept")
    assert (verdict.cause, verdict.case and verdict.case["dtypes"]) == ("inaccurate", "float32"), verdict
    code, said = run(script(contract, verdict, coarse))
    assert code == 1 and "is too far from the fp64 result" in said, said
    code, said = run(script(contract, verdict, ROWS_KERNEL))
    assert code == 0, said


CHEATS = Path(__file__).parents[1] / "cheats"


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        ("tf32_matmul", "is too far from the fp64 result"),  # the interpreter rounds to TF32 as tensor cores do
        ("cached_scalar", "the same tensors, with other values"),  # a kernel that uses libdevice
        ("update_left_out", "output 1 is too far"),  # an input that forward changes
        ("forged_result", "SystemExit"),
    ],
)
def test_it_shows_cheats(refused: Refused, run: Run, cheat: str, words: str) -> None:
    problem, kernel, honest = ((CHEATS / cheat / f"{name}.py").read_text() for name in ("problem", "cheat", "honest"))
    contract, verdict = refused(problem, kernel)
    code, said = run(script(contract, verdict, kernel))
    assert code == 1 and words in said, said
    code, said = run(script(contract, verdict, honest))
    assert code == 0, said


def test_an_answer_of_kernelbench_is_shown_as_well(refused: Refused, run: Run) -> None:
    contract, verdict = refused(ROWS, MODEL_NEW.replace("x * weight", "x * weight * 1.01"))
    assert verdict.cause == "inaccurate", verdict
    code, said = run(script(contract, verdict, MODEL_NEW.replace("x * weight", "x * weight * 1.01")))
    assert code == 1 and "is too far from the fp64 result" in said, said
    code, said = run(script(contract, verdict, MODEL_NEW))
    assert code == 0, said


def test_what_does_not_compile_is_compiled_for_its_target_in_a_process_of_its_own(
    refused: Refused, tmp_path: Path
) -> None:
    """Here the script alone decides whether Triton compiles or interprets."""
    kernel = str(EXAMPLES[Cause.COMPILE_ERROR].kernel)
    contract, verdict = refused(SILU, kernel, "accept")
    scripts = [script(contract, verdict, text) for text in (kernel, SILU_KERNEL)]
    (code, said), (honest, words) = run_alone(scripts, tmp_path)
    assert code == 1 and "arange's range must be a power of 2" in said, said
    assert honest == 0 and "`silu` compiles for sm_80" in words, words


def test_where_no_run_shows_a_rule_there_is_no_script(refused: Refused) -> None:
    example = EXAMPLES[Cause.TORCH_OPERATION]
    made = repro.of(*refused(str(example.problem), str(example.kernel)), str(example.kernel))
    assert made is not None and made.text is None and "a rule of the judge" in made.why


def test_no_text_of_a_candidate_gets_out_of_its_place(refused: Refused, run: Run) -> None:
    """What ends a literal, a docstring or the template stays text."""
    contract, verdict = refused(SILU, SILU_KERNEL)
    end = "\n'''\n\"\"\"\n{{ 1/0 }}\nraise SystemExit(7)\n\\"
    verdict = Verdict("refused", "trace", "wrapper_raised", f"raises {end}", end)
    text = script(contract, verdict, SILU_KERNEL + f"\nSTRANGE = {end!r}\n# ''' {{{{ 1/0 }}}}\n")
    code, said = run(text)
    assert code == 0, said
