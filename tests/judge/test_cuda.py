"""The platform `cuda`: which GPU is taken, and verdicts of kernels that ran on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract, Input
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import platforms
from pytest_kernelfalcon.judge.gates import Patience
from pytest_kernelfalcon.judge.host import clean_environment
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.platforms import cuda
from pytest_kernelfalcon.judge.platforms.cuda import Cuda, find, visible
from pytest_kernelfalcon.judge.platforms.nvml import Driver, Gpu, driver
from pytest_kernelfalcon.judge.zygote import ROLES

from .conftest import KERNEL, PROBLEM

GPUS = [Gpu("GPU-aa11", "first", 80, 8 << 30), Gpu("GPU-bb22", "second", 90, 140 << 30)]
STORE = "tl.store(y_ptr + offsets, x * tl.sigmoid(x), mask=mask)"


DIVIDED = Gpu("GPU-cc33", "third", 90, 80 << 30, instances=(
    Gpu("MIG-dd44", "third MIG 1g.10gb", 90, 10 << 30, number="2.0"),
    Gpu("MIG-ee55", "third MIG 1g.10gb", 90, 10 << 30, number="2.1"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "uuids"),
    [
        (None, "GPU-aa11 GPU-bb22 MIG-dd44 MIG-ee55"),
        ("1", "GPU-bb22"),
        ("1,0", "GPU-bb22 GPU-aa11"),
        (" 1 , 0 ", "GPU-bb22 GPU-aa11"),
        ("0,0", "GPU-aa11"),
        ("GPU-bb", "GPU-bb22"),
        ("GPU-bb22,GPU-aa11", "GPU-bb22 GPU-aa11"),
        ("1,-1,0", "GPU-bb22"),
        ("2", "MIG-dd44"),
        ("GPU-cc33", "MIG-dd44"),
        ("MIG-ee55,MIG-dd44,0", "MIG-ee55 MIG-dd44 GPU-aa11"),
        ("", ""),
        ("-1", ""),
        ("3", ""),
        ("GPU-ff", ""),
        ("MIG-ff", ""),
    ],
)
def test_the_gpus_that_the_environment_names_are_found_in_its_order(wanted: str | None, uuids: str) -> None:
    assert [gpu.uuid for gpu in visible([*GPUS, DIVIDED], wanted)] == uuids.split()


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A driver that serves two GPUs, and a torch for it."""
    gpus = [replace(gpu, number=str(number)) for number, gpu in enumerate(GPUS)]
    monkeypatch.setattr(cuda, "driver", lambda: Driver(12, "/usr/lib", gpus))
    monkeypatch.setattr(cuda, "_check_torch", lambda found: None)
    monkeypatch.setattr(cuda.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("two_gpus")
def test_gpus_are_dealt_out_to_workers_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    dealt = [platforms.choose("cuda", place) for place in range(5)]
    assert [platform.device for platform in dealt] == ["first #0", "second #1", "first #0", "second #1", "first #0"]
    told = [clean_environment("cuda", "auto", place)["CUDA_VISIBLE_DEVICES"] for place in range(3)]
    assert told == ["GPU-aa11", "GPU-bb22", "GPU-aa11"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bb22")
    assert {platforms.choose("auto", place).device for place in range(3)} == {"second #1"}


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


def test_declared_sizes_are_run_where_they_fit_the_device_and_varied_where_they_are_small() -> None:
    small, large = Cuda(GPUS[0], "/usr/lib"), Cuda(GPUS[1], "/usr/lib")
    assert [form.declared for form in large.forms(_contract(1 << 20), 1)] == [True]
    assert [form.declared for form in large.forms(_contract(2 << 30), 1)] == [True, False]
    assert [form.declared for form in small.forms(_contract(2 << 30), 1)] == [False]
    assert [form.declared for form in large.forms(_contract(17 << 30), 1)] == [False]


def _contract(nbytes: int) -> Contract:
    """One vector, and smaller sizes to stand for it."""
    vector = Input("x", {"t": {"shape": [nbytes // 4], "stride": [1], "offset": 0, "dtype": "float32", "storage": 0}})
    return Contract(
        id="model",
        source={"module": "p.py", "code": ""},
        inputs=[vector],
        state=[],
        outputs=[],
        output_tree={},
        ops=[],
        sizes={"n": "data"},
        declared={"n": nbytes // 4},
        admitted={"n": [nbytes // 4]},
        shrunk={"n": 8},
        admitted_shrunk={"n": [8]},
    )


def _judge(patience: Patience | None = None) -> Judge:
    try:
        return Judge("cuda", patience=patience)
    except Unavailable as error:
        pytest.skip(str(error))


def _inspected(judge: Judge, folder: Path, text: str) -> Contract:
    path = folder / "1_problem.py"
    path.write_text(dedent(text))
    return judge.inspect(Problem.load(path), Control())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Judge, Contract]]:
    """Without the interpreter, which would find most of what is wrong before the device does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(platforms.PLATFORMS, "cuda", _not_interpreted)
        judge = _judge(Patience(run=8))
    with judge:
        yield judge, _inspected(judge, tmp_path_factory.mktemp("cuda"), PROBLEM)


def _not_interpreted(place: int) -> Cuda:
    found = find(place)
    found.interpreted = False
    return found


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
def test_what_the_device_alone_sees(alone: tuple[Judge, Contract], old: str, new: str, cause: str | None) -> None:
    judge, contract = alone
    assert old in KERNEL
    verdict = judge.judge(contract, KERNEL.replace(old, new) if old else KERNEL, "accept", Control())
    assert (verdict.cause, verdict.platform) == (cause, "cuda"), verdict.message
    assert verdict.outcome == ("refused" if cause else "accepted")


RACE = f"""{STORE}
    tl.store(y_ptr, tl.sum(x))"""
"""Every program stores a sum of its own in the first element."""


@pytest.mark.gpu
@pytest.mark.parametrize(("new", "cause"), [(STORE, None), (RACE, "race")])
def test_races_are_seen_in_the_interpreter(tmp_path: Path, new: str, cause: str | None) -> None:
    with _judge() as judge:
        verdict = judge.judge(_inspected(judge, tmp_path, PROBLEM), KERNEL.replace(STORE, new), "seed", Control())
    assert verdict.cause == cause, verdict.message
    assert "races_unwatched" not in verdict.flags


TUNED = (
    KERNEL.replace(
        "@triton.jit",
        "@triton.autotune([triton.Config({'BLOCK': 128}), triton.Config({'BLOCK': 512})], ['n'])\n@triton.jit",
    )
    .replace(", BLOCK=256", "")
    .replace("(triton.cdiv(n, 256),)", "lambda meta: (triton.cdiv(n, meta['BLOCK']),)")
)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("new", "cause"), [("x * tl.sigmoid(x)", None), ("x * tl.sigmoid(x) * (1 + BLOCK // 512)", "inaccurate")]
)
def test_each_configuration_of_an_autotuned_kernel_is_run(
    alone: tuple[Judge, Contract], new: str, cause: str | None
) -> None:
    judge, contract = alone
    verdict = judge.judge(contract, TUNED.replace("x * tl.sigmoid(x)", new), "seed", Control())
    assert verdict.cause == cause, verdict.message


LARGE = """
    import torch

    n = 402653184

    class Model(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.silu(x)

    def get_inputs():
        return [torch.randn(n)]

    def get_init_inputs():
        return []
"""
"""1.5 GiB: its truth is computed in parts."""


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("tl.program_id(0)", "tl.program_id(0).to(tl.int64)", None),
        ("tl.program_id(0)", "(tl.program_id(0).to(tl.int64) & 0xFFFFF)", "unwritten_output"),
        ("x * tl.sigmoid(x)", "tl.where(offsets < 400000000, x * tl.sigmoid(x), x)", "inaccurate"),
    ],
)
def test_declared_sizes_are_run_though_they_are_large(tmp_path: Path, old: str, new: str, cause: str | None) -> None:
    assert old in KERNEL
    with _judge() as judge:
        contract = _inspected(judge, tmp_path, LARGE)
        verdict = judge.judge(contract, KERNEL.replace(old, new), "seed", Control())
    assert verdict.cause == cause, verdict.message
    assert "shrunk_form" not in verdict.flags
    if cause:
        assert verdict.case is not None
        assert verdict.case["sizes"] == {"n": 402653184}


@pytest.mark.gpu
def test_the_memory_of_the_device_is_given_back(tmp_path: Path) -> None:
    with _judge() as judge:
        contract = _inspected(judge, tmp_path, LARGE)
        before = _used()
        assert judge.judge(contract, KERNEL, "seed", Control()).outcome == "accepted"
        between = _used()
        assert judge.judge(contract, KERNEL, "seed", Control()).outcome == "accepted"
        assert _settled(between + SLACK)
        assert between < before + (2 << 30), "a warm reference and comparer hold contexts, not the problem's tensors"
    assert _settled(before + SLACK)


SLACK = 64 << 20


def _used() -> int:
    used = platforms.choose("cuda").environment["CUDA_VISIBLE_DEVICES"]
    return next(gpu.used for gpu in driver().gpus if gpu.uuid == used)


def _settled(bound: int, seconds: float = 5) -> bool:
    """Whether no more than that is used, soon: the driver takes a moment to clear up after a process."""
    end = time.monotonic() + seconds
    while (used := _used()) > bound and time.monotonic() < end:
        time.sleep(0.05)
    return used <= bound


def _resting() -> int:
    """What is used once nothing more is given back: a verdict's processes have just ended."""
    used = _used()
    for _ in range(20):
        time.sleep(0.05)
        used = min(used, _used())
    return used


HOARDS = """
    import time
    import torch

    n = 2000

    class Model(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.silu(x)

    def get_inputs():
        if torch.empty(0).is_cuda:  # where expected values are computed
            hoard = torch.ones(1 << 32, dtype=torch.uint8)
            time.sleep(600)
        return [torch.randn(n)]

    def get_init_inputs():
        return []
"""
"""Takes 4 GiB of the device, and keeps them."""


@pytest.mark.gpu
@pytest.mark.parametrize(("problem", "cause"), [(PROBLEM, "kernel_timeout"), (HOARDS, "problem_hang")])
def test_two_seconds_after_a_kill_the_memory_of_the_device_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str, cause: str
) -> None:
    monkeypatch.setitem(platforms.PLATFORMS, "cuda", _not_interpreted)
    endless = KERNEL.replace(STORE, f"while tl.load(x_ptr) < 1000000.0:\n        {STORE}")
    with _judge(Patience(run=6, reference=15)) as judge:
        honest, contract = _inspected(judge, tmp_path, PROBLEM), _inspected(judge, tmp_path, problem)
        assert judge.judge(honest, KERNEL, "seed", Control()).outcome == "accepted"
        before, most, over = _resting(), [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(most, over))
        watch.start()
        try:
            assert _cause(judge, contract, endless) == cause
            assert _settled(before + SLACK, 2)
        finally:
            over.set()
            watch.join()
        assert most[0] > before + (128 << 20), "it had memory to give back"
        assert judge.judge(honest, KERNEL, "seed", Control()).outcome == "accepted"


def _watch(most: list[int], over: threading.Event) -> None:
    while not over.wait(0.05):
        most[0] = max(most[0], _used())


def _cause(judge: Judge, contract: Contract, source: str) -> str | None:
    """Of the verdict; or why there is none, because of the problem."""
    try:
        return judge.judge(contract, source, "seed", Control()).cause
    except ProblemError as error:
        return error.cause
