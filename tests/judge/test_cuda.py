"""The platform `cuda`: which GPU is taken, and verdicts of kernels that ran on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import platforms
from pytest_kernelfalcon.judge.gates import Patience
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.platforms.cuda import Cuda, visible
from pytest_kernelfalcon.judge.platforms.nvml import Gpu
from pytest_kernelfalcon.judge.zygote import ROLES

from .conftest import KERNEL, PROBLEM

GPUS = [Gpu("GPU-aa11", "first"), Gpu("GPU-bb22", "second")]
STORE = "tl.store(y_ptr + offsets, x * tl.sigmoid(x), mask=mask)"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (None, "first"),
        ("1", "second"),
        ("1,0", "second"),
        ("GPU-bb", "second"),
        ("GPU-aa11,GPU-bb22", "first"),
        ("", None),
        ("-1", None),
        ("2", None),
        ("GPU-cc", None),
    ],
)
def test_the_first_gpu_that_the_environment_names_is_taken(wanted: str | None, name: str | None) -> None:
    found = visible(GPUS, wanted)
    assert (found.name if found else None) == name


def test_only_the_zygotes_of_the_platform_are_started_and_they_serve_its_executor() -> None:
    platform = Cuda(GPUS[1], "/usr/lib")
    assert platform.executor in ROLES["cuda"]
    assert set(platform.zygotes) == {"plain", "interpreted", "cuda"}
    assert platform.environment["CUDA_VISIBLE_DEVICES"] == "GPU-bb22"


def test_without_a_visible_gpu_cuda_is_unavailable_and_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(Unavailable, match="platform cuda"):
        platforms.choose("cuda")
    assert platforms.choose("auto").name == "cpu"


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Judge, Contract]]:
    try:
        judge = Judge("cuda", patience=Patience(run=8))
    except Unavailable as error:
        pytest.skip(str(error))
    path: Path = tmp_path_factory.mktemp("cuda") / "1_silu.py"
    path.write_text(dedent(PROBLEM))
    with judge:
        yield judge, judge.inspect(Problem.load(path), Control())


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("", "", None),
        (STORE, STORE.replace(", mask=mask", ""), "out_of_bounds"),
        (STORE, STORE.replace("offsets,", "offsets - 1,"), "out_of_bounds"),
        ("x_ptr + offsets", "x_ptr + offsets + (1 << 33)", "out_of_bounds"),
        ("mask = offsets < n", "mask = offsets < n - 1", "unwritten_output"),
        ("x * tl.sigmoid(x)", "x * tl.sigmoid(x) * 1.001", "inaccurate"),
        (STORE, f"{STORE}\n    tl.store(x_ptr + offsets, x + 1, mask=mask)", "input_modified"),
        (STORE, f"while tl.load(x_ptr) < 1000000.0:\n        {STORE}", "kernel_timeout"),
        ("", "", None),
    ],
)
def test_verdicts_on_a_gpu(on_gpu: tuple[Judge, Contract], old: str, new: str, cause: str | None) -> None:
    judge, contract = on_gpu
    assert old in KERNEL
    verdict = judge.judge(contract, KERNEL.replace(old, new) if old else KERNEL, "accept", Control())
    assert (verdict.cause, verdict.platform) == (cause, "cuda"), verdict.message
    assert verdict.outcome == ("refused" if cause else "accepted")
    assert "races_unwatched" in verdict.flags
