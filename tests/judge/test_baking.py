"""Baking: an accepted kernel's launches as a module of its own, which does and gives the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_kernelfalcon import baking
from pytest_kernelfalcon.__main__ import main
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.judge.baking import NotBakeable
from pytest_kernelfalcon.judge.judge import Judge

from .conftest import KERNEL, Silu, Verify
from .test_conformance import BOUNDED, BRANCHES, MANIFOLD

PROBLEMS = Path(__file__).parents[2] / "problems"
Inspect = Callable[[str], Contract]
Bake = Callable[[str, str], str]

PARTS = """
    import torch

    class Model(torch.nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.rand(24))
            self.scale = scale

        def forward(self, pair, shift):
            x, y = pair["x"], pair["more"][0]
            return {"low": (x + y) * self.weight, "high": [(x * y).t() * self.scale]}

    rows = 16

    def get_inputs():
        return [{"x": torch.randn(rows, 24), "more": [torch.randn(rows, 24)]}, 3]

    def get_init_inputs():
        return [2.0]
    """
PAIR = """
    import torch
    import triton
    import triton.language as tl
    from triton.language import float32 as single

    LIMITS = tl.constexpr((1.0, -2.5))

    @triton.jit
    def both(pair, weight_ptr, bits_ptr, low_ptr, high_ptr, rows, columns, most, none, kind: tl.constexpr,
             grid: tl.constexpr, BLOCK: tl.constexpr):
        row, at = tl.program_id(0), tl.arange(0, BLOCK)
        keep = at < columns
        x = tl.load(pair[0] + row * columns + at, mask=keep).to(kind)
        y = tl.load(pair[1] + row * columns + at, mask=keep).to(single)
        weight = tl.load(weight_ptr + at, mask=keep)
        as_bits = tl.load(bits_ptr + at, mask=keep)
        tl.store(low_ptr + row * columns + at, (x + y) * as_bits.to(tl.float32, bitcast=True), mask=keep)
        tl.store(high_ptr + row * columns + at, tl.minimum(x * y * 2.0, most) * LIMITS[0], mask=keep)

    def kernel_function(pair, shift, weight):
        x, y = pair["x"].contiguous(), pair["more"][0].contiguous()
        low = torch.empty(x.numel() + 8, dtype=x.dtype, device=x.device)[8:].view(x.shape)
        spare = torch.empty(x.numel() * 4, dtype=torch.uint8, device=x.device)
        high = spare.view(torch.float32).view(x.shape)
        limits = torch.full((2,), float("-inf"), device=x.device)
        limits[0] = float("nan")
        limits[1:].copy_(weight[:1])
        both[(x.shape[0], 1)]((x, y), weight, weight.view(torch.int32), low, high, *x.shape, float("inf"), None,
                              tl.float32, 1, BLOCK=triton.next_power_of_2(x.shape[1]), num_warps=2)
        return {"low": low, "high": [high.t()]}
    """


@pytest.fixture(scope="module")
def bake(judge: Judge, inspect: Inspect) -> Bake:
    """A kernel for a problem as a baked module, which does the same."""

    def look(problem: str, kernel: str) -> str:
        contract, kernel = inspect(problem), dedent(kernel)
        text = judge.bake(contract, kernel, "Baked.", Control())
        assert judge.difference(contract, kernel, text, Control()) == "", text
        return text

    return look


def test_what_is_baked_is_judged_again_and_says_what_it_does_not_serve(bake: Bake, verify: Verify, silu: Silu) -> None:
    text = bake(silu.problem, silu.kernel)
    assert text.endswith(
        """\
def kernel_function(x):
    expect("x", x, (2000,), (1,), torch.float32)
    y = torch.empty((2000,), dtype=torch.float32, device=x.device)
    silu[(8,)](x_ptr=x, y_ptr=y, n=2000, BLOCK=256)
    return y
"""
    )
    verdict = verify(silu.problem, text, "accept")
    assert verdict.outcome == "specialised", verdict
    assert "kernelfalcon: unsupported" in text
    assert verdict.unsupported[0]["detail"].startswith("x: ")


def test_descriptors_kernels_dtypes_fills_and_copies_are_baked(bake: Bake, silu: Silu) -> None:
    text = bake(silu.problem, MANIFOLD)
    for part in ("TensorDescriptor(x", "other=half", "kind=tl.float32", "num_warps=8", "SHIFT = tl.constexpr(0.0)"):
        assert part in text
    for part in (".zero_()", '.fill_(float("inf"))', ".copy_(", "def half(x, FACTOR: tl.constexpr):"):
        assert part in text
    assert "COUNTED" not in text


def test_nested_arguments_results_tuples_and_other_views_of_memory_are_baked(bake: Bake) -> None:
    text = bake(PARTS, PAIR)
    for part in ('pair["more"][0]', 'float("inf"),', "weight.view(torch.int32)", "if shift != 3:", '{"low": '):
        assert part in text
    assert "from triton.language import float32 as single" in text
    assert "LIMITS = tl.constexpr((1.0, -2.5))" in text


KEPT = ("level1/10_diffusion_noise", "level1/22_int8_quantise", "level1/27_ema_update", "level2/1_residual_rms_norm")


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_kernel_is_baked(bake: Bake, name: str) -> None:
    problem = PROBLEMS / f"{name}.py"
    kernel = problem.parent / "__kernels__" / problem.name
    assert '"""Baked."""\n\nimport torch\n' in bake(problem.read_text(), kernel.read_text())


def test_launches_that_hang_on_values_cannot_be_baked(judge: Judge, inspect: Inspect) -> None:
    with pytest.raises(NotBakeable, match="hang on values"):
        judge.bake(inspect(BOUNDED), dedent(BRANCHES), "Baked.", Control())


def test_another_kernel_is_told_from_the_baked_one(judge: Judge, inspect: Inspect, silu: Silu) -> None:
    contract = inspect(silu.problem)
    said = judge.difference(contract, silu.kernel, silu.edited("BLOCK=256", "BLOCK=512"), Control())
    assert '"BLOCK": 512' in said
    assert "other values" in judge.difference(
        contract, silu.kernel, silu.edited("tl.sigmoid(x)", "tl.sigmoid(x * 1.001)"), Control()
    )


@pytest.fixture
def files(tmp_path: Path, judge: Judge, silu: Silu, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Problem, kernel, and where the module goes; the command takes the judge that is warm."""
    monkeypatch.setattr(baking, "Judge", lambda *_: nullcontext(judge))
    problem, kernel = tmp_path / "silu.py", tmp_path / "kernel.py"
    problem.write_text(dedent(silu.problem))
    kernel.write_text(silu.kernel)
    return problem, kernel, tmp_path / "baked.py"


def test_the_command_writes_what_it_baked_and_says_where_it_came_from(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    problem, kernel, output = files
    given = ["bake", str(problem), str(kernel), "-o", str(output)]
    assert main(given) == 0
    text = output.read_text()
    assert text.startswith('"""Kernel of silu.py, baked for its own sizes.')
    assert f"kernel sha256: {sha256(kernel.read_text())}" in text
    assert str(output) in capsys.readouterr().out
    output.write_text("# mine")
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert (ended.value.code, output.read_text()) == (2, "# mine")
    assert "give --force" in capsys.readouterr().err
    assert main([*given, "--force"]) == 0
    assert output.read_text() == text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (KERNEL.replace("return y", "return y * 1"), "torch_operation"),
        (KERNEL.replace("n = x.numel()", "n = int(x.new_zeros(()).item()) + x.numel()"), "cannot be baked"),
    ],
)
def test_what_is_refused_or_reads_values_is_not_written(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], source: str, said: str
) -> None:
    problem, kernel, output = files
    kernel.write_text(source)
    assert main(["bake", str(problem), str(kernel), "-o", str(output)]) == 1
    assert said in "".join(capsys.readouterr())
    assert not output.exists()


def test_a_broken_problem_ends_as_it_does_for_verify(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    problem, kernel, output = files
    problem.write_text("x = 1")
    assert main(["bake", str(problem), str(kernel), "-o", str(output)]) == 2
    assert "defines no class `Model`" in capsys.readouterr().err
