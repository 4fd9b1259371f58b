"""What a candidate's Python, and a problem's, can reach from where it runs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.gates import Patience
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]
Told = Callable[[str], str]

namespaces = pytest.mark.skipif(
    not Path("/proc/sys/user/max_user_namespaces").exists()
    or Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0",
    reason="this kernel grants no user namespaces",
)


@pytest.fixture
def told(verify: Verify, silu: Any) -> Told:
    """What a probe, run in the wrapper, says: it raises a text, which comes back in the verdict's message."""

    def tell(probe: str) -> str:
        body = indent(probe.strip(), "    ")
        verdict = verify(silu.problem, silu.edited("def kernel_function(x):", f"def kernel_function(x):\n{body}"))
        assert verdict.cause == "wrapper_raised", verdict.message
        return verdict.message

    return tell


@namespaces
def test_keys_and_files_are_out_of_sight(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    assert "planted" not in told("import os; raise RuntimeError(sorted(os.environ.items()))")
    (tmp_path / "key").write_text("sk-planted")
    for secret in (tmp_path / "key", Path(__file__), Path("/etc/passwd")):
        assert "No such file" in told(f"open({str(secret)!r})")


@namespaces
def test_the_judges_own_files_are_out_of_sight(told: Told):
    import pytest_kernelfalcon

    folder = str(Path(pytest_kernelfalcon.__file__).resolve().parent)
    seen = told(f"import os; raise RuntimeError(os.path.exists({folder!r}) and os.listdir({folder!r}))")
    assert "RuntimeError: False" in seen or "RuntimeError: []" in seen


@namespaces
def test_nothing_but_the_scratch_directory_can_be_written(told: Told):
    assert "Read-only" in told("open('/usr/x', 'w')")
    assert "Read-only" in told("open('/x', 'w')")
    assert "written" in told("open('x', 'w').write('1'); raise RuntimeError('written')")


def test_no_address_can_be_reached(told: Told):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert "not permitted" in told(f"import socket; socket.create_connection({address}, 1)")
        assert "not permitted" in told(f"import socket; socket.socket(2, 2).sendto(b'x', {address})")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(b"\0kernelfalcon-test-sandbox")
        server.listen()
        assert "Error" in told(f"import socket; socket.socket(1).connect({server.getsockname()!r})")


def test_no_process_can_be_started(told: Told):
    assert "not permitted" in told("import os; os.fork()")
    assert "not permitted" in told("import subprocess; subprocess.run(['true'])")


@namespaces
def test_no_other_process_can_be_seen_or_signalled(told: Told):
    assert "RuntimeError: 1" in told("import os; raise RuntimeError(os.getpid())")
    assert "not permitted" in told(f"import os; os.kill({os.getpid()}, 0)")


def test_memory_is_bounded(told: Told):
    assert "MemoryError" in told("bytearray(50 << 30)")


def test_leaving_the_process_is_a_refusal(verify: Verify, silu: Any):
    verdict = verify(silu.problem, silu.kernel + "\nimport os\nos._exit(0)\n")
    assert (verdict.outcome, verdict.cause) == ("refused", "wrapper_died")


@pytest.fixture(scope="module")
def hasty() -> Iterator[Judge]:
    with Judge("cpu", patience=Patience(inspect=4)) as judge:
        yield judge


BROKEN = [
    ("import time; time.sleep(100)", "problem_hang", "still in import"),
    ("import os; os._exit(0)", "problem_exit", "leaves the process in import"),
    ("raise SystemExit", "problem_exit", "leaves the process in import"),
    ("import ctypes; ctypes.string_at(0)", "problem_crash", "crashes in import (SIGSEGV)"),
    ("x = bytearray(80 << 30)", "problem_memory", "too much memory in import"),
    ("raise KeyError(3)", "problem_import", "raises at import: KeyError: 3"),
]


@pytest.mark.parametrize(("code", "cause", "says"), BROKEN)
def test_a_problem_that_misbehaves_is_broken(hasty: Judge, silu: Any, code: str, cause: str, says: str):
    with pytest.raises(ProblemError) as raised:
        hasty.inspect(Problem("bad.py", f"{code}\n{dedent(silu.problem)}"), Control())
    assert raised.value.cause == cause
    assert "bad.py" in str(raised.value) and says in str(raised.value)


def test_work_is_stopped_from_outside_at_once(judge: Judge, silu: Any, inspect: Callable[[str], Contract]):
    contract = inspect(silu.problem)
    start = time.monotonic()
    control = Control(cancelled=lambda: "seed[1] won" if time.monotonic() > start + 0.5 else None)
    endless = silu.kernel.replace("    n = x", "    while True:\n        pass\n    n = x")
    with pytest.raises(Cancelled, match=r"seed\[1\] won"):
        judge.judge(contract, endless, "seed", control)
    assert time.monotonic() - start < 1.5
    assert judge.judge(contract, silu.kernel, "seed", Control()).outcome == "accepted"


def test_without_a_sandbox_it_works_says_so_and_leaves_nothing_behind(silu: Any):
    with Judge("cpu", sandbox="off") as judge:
        contract = judge.inspect(Problem("problem.py", dedent(silu.problem)), Control())
        verdict = judge.judge(contract, silu.kernel, "seed", Control())
    assert verdict.outcome == "accepted"
    assert verdict.sandbox == ["everything (--sandbox off)"]
    deadline = time.monotonic() + 5
    while (left := list(Path("/tmp").glob("kernelfalcon-scratch-*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_a_platform_that_is_not_there_is_said_so():
    with pytest.raises(Unavailable, match="xpu is not there yet"):
        Judge("xpu")
    with pytest.raises(Unavailable, match="unknown platform 'tpu'"):
        Judge("tpu")
