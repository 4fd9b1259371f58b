"""compute-sanitizer: what is made of its output, the plan that it watches, and what is said where it is not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import platforms, sanitizer
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.platforms.cpu import Cpu
from pytest_kernelfalcon.judge.sanitizer import Report, Sanitizer, parse
from pytest_kernelfalcon.judge.verdict import JudgeError, Verdict

from .conftest import KERNEL, PROBLEM

NEWER = """\
========= COMPUTE-SANITIZER
========= Invalid __global__ read of size 4 bytes
=========     at silu+0xec0 in /tmp/kernelfalcon-sanitize-x/memcheck/kernels.py:10
=========     by thread (18,0,0) in block (7,0,0)
=========     Access to 0x74505bcccca0 is out of bounds
=========     and is 161 bytes after the nearest allocation at 0x74505bccc800 of size 8,000 bytes
=========     Saved host backtrace up to driver entry point at kernel launch time
=========         Host Frame: launch [0x9544e] in __triton_launcher.so
=========
========= Program hit cudaErrorLaunchFailure (error 719) due to "unspecified launch failure" on CUDA API call
=========     Saved host backtrace up to driver entry point at error
=========     Host Frame: [0x334640]
=========
========= ERROR SUMMARY: 2 errors
"""
OLDER = """\
========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 16 bytes
=========     at 0xda0 in /opt/kernels.py:11:silu
=========     by thread (96,0,0) in block (44,0,0)
=========     Address 0x763995f9f000 is out of bounds
=========     Saved host backtrace up to driver entry point at kernel launch time
=========     Host Frame: [0x2f26f0]
=========                in /usr/lib/x86_64-linux-gnu/libcuda.so.1
========= ERROR SUMMARY: 1 error
"""
UNINITIALISED = """\
========= COMPUTE-SANITIZER
========= Uninitialized __global__ memory read of size 4 bytes
=========     at 0x150 in silu
=========     by thread (0,0,0) in block (0,0,0)
=========     Address 0x7fc406200400
=========
========= Uninitialized __global__ memory read of size 1 bytes
=========     at 0x150 in void at::native::vectorized_elementwise_kernel<(int)4, at::native::FillFunctor<float>>(int)
=========     by thread (0,0,0) in block (0,0,0)
========= ERROR SUMMARY: 2 errors
"""
RACE = """\
========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at silu+0xd790 in kernels.py:24
=========     and Read access at silu+0xd5c0 in kernels.py:12 [16 hazards]
=========
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
"""
CLEAN = "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n"


def test_reports_are_read_in_each_form_that_the_tool_has_had() -> None:
    (read,) = parse("memcheck", NEWER)
    assert read == Report(
        "memcheck",
        "silu",
        10,
        "Invalid __global__ read of size 4 bytes; at silu+0xec0 in kernels.py:10; by thread (18,0,0) in block (7,0,0); "
        "Access to 0x74505bcccca0 is out of bounds; and is 161 bytes after the nearest allocation at 0x74505bccc800 of "
        "size 8,000 bytes",
        "kernels.py",
    )
    (write,) = parse("memcheck", OLDER)
    assert (write.kernel, write.line) == ("silu", 11) and "libcuda" not in write.detail
    first, second = parse("initcheck", UNINITIALISED)
    assert (first.kernel, first.line) == ("silu", None)
    assert second.kernel.startswith("at::native")
    (race,) = parse("racecheck", RACE)
    assert (race.kernel, race.line) == ("silu", 24) and "16 hazards" in race.detail
    assert parse("memcheck", CLEAN) == parse("memcheck", "no output of the tool\n") == []


TOOL = """\
#!{python}
import subprocess, sys
options, target = sys.argv[1:7], sys.argv[7:]
tool, log = options[1], options[3]
code = subprocess.call(target) if {runs!r} else print("kernelfalcon: replayed", "replayed") or 1
open(log, "w").write({said!r}.get(tool, {clean!r}))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def verdict_under(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Verdicts of a judge whose compute-sanitizer says such things by tool, and runs its target in the interpreter."""

    class Watched(Cpu):
        interpreted = True

    tool = tmp_path_factory.mktemp("tool") / "compute-sanitizer"
    fake = Sanitizer(tool, {"TRITON_INTERPRET": "1"}, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(platforms.PLATFORMS, "cpu", lambda place: Watched())
        patch.setattr(sanitizer, "find", lambda platform, place: fake)
        judge = Judge("cpu", sanitize=True)
    with judge:
        contract = judge.inspect(Problem("problem.py", PROBLEM.replace("\n    ", "\n")), Control())

        def look(said: dict[str, str], runs: bool = True) -> Verdict:
            tool.write_text(TOOL.format(python=sys.executable, runs=runs, said=said, clean=CLEAN))
            tool.chmod(0o755)
            return judge.judge(contract, KERNEL, "accept", Control())

        yield look


def test_an_accepted_plan_is_run_under_every_tool(verdict_under: Any) -> None:
    verdict = verdict_under({"racecheck": RACE, "initcheck": UNINITIALISED.replace("in silu", "in another")})
    assert verdict.outcome == "accepted", verdict.message
    assert {"sanitized", "racecheck_reports"} <= set(verdict.flags)


def test_what_memcheck_finds_refuses_at_its_line(verdict_under: Any) -> None:
    verdict = verdict_under({"memcheck": NEWER})
    assert (verdict.outcome, verdict.cause) == ("refused", "sanitizer")
    assert verdict.where == {"file": "kernel", "line": 10, "program": None}
    assert verdict.message.startswith("`silu`: compute-sanitizer's memcheck: Invalid __global__ read of size 4 bytes")


def test_what_it_finds_in_a_function_that_a_kernel_calls_refuses_too(verdict_under: Any) -> None:
    """With `noinline` it has code and a name of its own."""
    verdict = verdict_under({"memcheck": NEWER.replace("at silu+", "at helper__Pfp32_i32__+")})
    assert (verdict.outcome, verdict.cause) == ("refused", "sanitizer")
    assert verdict.where == {"file": "kernel", "line": 10, "program": None}


def test_a_tool_that_does_not_run_the_plan_is_no_verdict(verdict_under: Any) -> None:
    with pytest.raises(JudgeError, match="memcheck did not run the plan"):
        verdict_under({"memcheck": "========= COMPUTE-SANITIZER\n"}, runs=False)


def test_without_a_gpu_or_the_tool_it_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="runs on CUDA only, and the platform is cpu"):
        Judge("cpu", sanitize=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sanitizer, "PLACES", (str(tmp_path),))
    with pytest.raises(Unavailable, match="compute-sanitizer is not installed: it is neither on PATH nor in"):
        sanitizer.find("cuda")


READS_FRESH_MEMORY = KERNEL.replace("silu(x_ptr", "silu(work_ptr, x_ptr").replace("](x.cont", "](work, x.cont")
READS_FRESH_MEMORY = READS_FRESH_MEMORY.replace(
    "    x = tl.load",
    "    nothing = tl.minimum(tl.abs(tl.load(work_ptr + offsets, mask=mask)), 0)\n    x = nothing + tl.load",
).replace("    n = x", "    work = torch.empty(x.shape, dtype=torch.int32, device=x.device)\n    n = x")


@pytest.mark.gpu
@pytest.mark.parametrize(("kernel", "cause"), [(KERNEL, None), (READS_FRESH_MEMORY, "sanitizer")])
def test_the_tool_on_a_device(kernel: str, cause: str | None) -> None:
    """The second kernel reads fresh memory, and makes nothing of it: no result shows that, initcheck does."""
    try:
        judge = Judge("cuda", sanitize=True)
    except Unavailable as error:
        pytest.skip(str(error))
    with judge:
        contract = judge.inspect(Problem("problem.py", PROBLEM.replace("\n    ", "\n")), Control())
        verdict = judge.judge(contract, kernel, "accept", Control())
    assert verdict.cause == cause, verdict.message
    if cause is None:
        assert "sanitized" in verdict.flags
