"""What a candidate's Python, and a problem's, can reach from where it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import Verdict
from tests.attacks import ATTACKS, Attack
from tests.conftest import KERNEL, LOADER, PROBLEM, ROOT
from tests.processes import wait_until, zygotes
from tests.victims import planted

Verify = Callable[..., Verdict]

namespaces = pytest.mark.skipif(
    not Path("/proc/sys/user/max_user_namespaces").exists()
    or Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0",
    reason="this kernel grants no user namespaces",
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with planted(tmp_path_factory.mktemp("host")) as facts:
        yield facts


def attacking(attacks: Sequence[Attack], host: dict[str, Any]) -> str:
    """Text that attacks when it is imported, and raises what came of it."""
    return f"""attacks, got = {{}}, []
{"".join(f"{one.code}attacks[{one.name!r}] = attack{chr(10)}" for one in attacks)}
for name, attack in attacks.items():
    try:
        got.append(f"{{name}}: {{attack({host!r})}}")
    except BaseException as error:
        held = f"{{type(error).__name__}} {{error}}"
raise KeyError("BOOTY " + "; ".join(got) if got else f"HELD {{len(attacks)}}, the last by {{held}}")
"""


def of(role: str) -> list[Any]:
    """All that leave nothing behind at once; the others one by one."""
    fitting = [one for one in ATTACKS if role in one.roles]
    together = [one for one in fitting if not one.alone]
    return [pytest.param(together, id="together"), *(pytest.param([one], id=one.name) for one in fitting if one.alone)]


@namespaces
@pytest.mark.parametrize("attacks", of("tracer"))
def test_a_candidate_gets_nothing(verify: Verify, silu: Any, host: dict[str, Any], attacks: list[Attack]) -> None:
    verdict = verify(silu.problem, attacking(attacks, host) + silu.kernel)
    assert verdict.cause == "wrapper_import", verdict.message
    assert f"HELD {len(attacks)}" in verdict.message


@namespaces
@pytest.mark.parametrize("attacks", of("tracer"))
def test_a_problem_gets_nothing(judge: Judge, silu: Any, host: dict[str, Any], attacks: list[Attack]) -> None:
    with pytest.raises(ProblemError) as raised:
        judge.inspect(Problem("bad.py", attacking(attacks, host) + dedent(silu.problem)), Control())
    assert raised.value.cause in ("problem_import", "problem_memory")
    assert f"HELD {len(attacks)}" in str(raised.value) or raised.value.cause == "problem_memory"


LATER = """
import sys
def in_role(name):
    frame = sys._getframe()
    while frame:
        if frame.f_code.co_filename.endswith(name):
            return True
        frame = frame.f_back
if in_role("roles/reference.py"):
"""


@namespaces
@pytest.mark.parametrize("name", ["key in a file at home", "UDP", "signal to the parent", "fork", "files in memory"])
def test_a_problem_gets_nothing_where_it_knows_expected_values(
    judge: Judge, silu: Any, host: dict[str, Any], name: str
) -> None:
    (attack,) = (one for one in ATTACKS if one.name == name)
    text = LATER + indent(attacking([attack], host), "    ") + dedent(silu.problem)
    contract = judge.inspect(Problem("bad.py", text), Control())
    with pytest.raises(ProblemError, match="HELD"):
        judge.judge(contract, silu.kernel, "seed", Control())


def test_the_same_judge_is_right_after_all_that(verify: Verify, silu: Any) -> None:
    assert verify(silu.problem, silu.kernel).outcome == "accepted"
    assert verify(silu.problem, silu.edited("tl.sigmoid(x)", "0.5")).outcome == "refused"


def test_leaving_the_process_is_a_refusal(verify: Verify, silu: Any):
    verdict = verify(silu.problem, silu.kernel + "\nimport os\nos._exit(0)\n")
    assert (verdict.outcome, verdict.cause) == ("refused", "wrapper_died")


BROKEN = [
    ("import os; os._exit(0)", "problem_exit", "leaves the process in import"),
    ("raise SystemExit", "problem_exit", "leaves the process in import"),
    ("import ctypes; ctypes.string_at(0)", "problem_crash", "crashes in import (SIGSEGV)"),
    ("x = bytearray(80 << 30)", "problem_memory", "too much memory in import"),
    ("raise KeyError(3)", "problem_import", "raises at import: KeyError: 3"),
]


@pytest.mark.parametrize(("code", "cause", "says"), BROKEN)
def test_a_problem_that_misbehaves_is_broken(judge: Judge, silu: Any, code: str, cause: str, says: str) -> None:
    with pytest.raises(ProblemError) as raised:
        judge.inspect(Problem("bad.py", f"{code}\n{dedent(silu.problem)}"), Control())
    assert raised.value.cause == cause
    assert "bad.py" in str(raised.value) and says in str(raised.value)


FORGING = """
import gc, json, struct
line = next(found for found in gc.get_objects() if type(found).__name__ == 'Channel' and found.fileno() >= 0)
data = json.dumps({answer!r}).encode()
line.sock.sendall(struct.pack('>I', len(data)) + data)
"""


@pytest.mark.parametrize(
    "answer",
    [{"contract": {}}, {"contract": [1]}, {"broken": "no cause"}, {"broken": 7}, {"broken": "problem_import"}, {}],
    ids=str,
)
def test_a_problem_that_answers_for_itself_is_broken(judge: Judge, silu: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(ProblemError, match="crashes in import") as raised:
        judge.inspect(Problem("bad.py", f"{FORGING.format(answer=answer)}\n{dedent(silu.problem)}"), Control())
    assert raised.value.cause == "problem_crash"


def test_a_problem_that_does_not_end_is_broken(judge: Judge, silu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_patience", replace(judge._patience, inspect=1.0))
    with pytest.raises(ProblemError, match="still in import") as raised:
        judge.inspect(Problem("bad.py", f"import time; time.sleep(100)\n{dedent(silu.problem)}"), Control())
    assert raised.value.cause == "problem_hang"


def test_work_is_stopped_from_outside_before_its_time_is_over(
    judge: Judge, silu: Any, inspect: Callable[[str], Contract], monkeypatch: pytest.MonkeyPatch
):
    """An hour would be the wrapper's."""
    monkeypatch.setattr(judge, "_patience", replace(judge._patience, trace=3600.0))
    contract = inspect(silu.problem)
    start = time.monotonic()
    control = Control(cancelled=lambda: "seed[1] won" if time.monotonic() > start + 0.5 else None)
    endless = silu.kernel.replace("    n = x", "    while True:\n        pass\n    n = x")
    with pytest.raises(Cancelled, match=r"seed\[1\] won"):
        judge.judge(contract, endless, "seed", control)
    assert judge.judge(contract, silu.kernel, "seed", Control()).outcome == "accepted"


def test_without_a_sandbox_it_works_says_so_and_leaves_nothing_behind(silu: Any):
    before = set(zygotes(os.getpid()))
    with Judge("cpu", sandbox="off") as judge:
        contract = judge.inspect(Problem("problem.py", dedent(silu.problem)), Control())
        verdict = judge.judge(contract, silu.kernel, "seed", Control())
        mine = set(zygotes(os.getpid())) - before
    assert len(mine) == 2
    assert verdict.outcome == "accepted"
    assert verdict.sandbox == ["everything (--sandbox off)"]
    assert wait_until(lambda: not any(scratches(zygote) for zygote in mine), 20)


def scratches(zygote: int) -> list[Path]:
    """Scratch directories of what it forked: other tests may have some at the same time."""
    return list(Path("/tmp").glob(f"kernelfalcon-scratch-{zygote}-*"))


@pytest.fixture
def refusing(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a module on a machine that refuses those walls, beside a problem and a kernel."""
    (tmp_path / "add.py").write_text(PROBLEM)
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "kernelfalcon_loader.py").write_text(LOADER)

    def run(walls: str, *module: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.denied", walls, sys.executable, "-m", *module]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


VERIFY = ("pytest_kernelfalcon", "verify", "add.py", "kernel.py", "--platform=cpu")
PYTEST = ("pytest", "-p", "kernelfalcon_loader", "--kernelfalcon", "--kernelfalcon-platform=cpu", "add.py")


@pytest.mark.parametrize("wall", ["namespaces", "landlock", "seccomp"])
def test_what_is_required_and_missing_is_wrong_usage(refusing: Any, wall: str) -> None:
    said = {"namespaces": "namespaces and file tree (", "landlock": "Landlock (", "seccomp": "filter of system calls ("}
    run = refusing(wall, *VERIFY, "--sandbox=require")
    assert run.returncode == 2, run.stderr
    assert f"the sandbox is not complete here: this machine lacks {said[wall]}" in run.stderr


def test_it_is_wrong_usage_of_pytest_as_well(refusing: Any, tmp_path: Path) -> None:
    run = refusing("landlock", *PYTEST, "--kernelfalcon-sandbox=require")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout + run.stderr
    assert "Landlock (" in run.stderr
    assert not list(tmp_path.glob(".fuse/*/events.jsonl"))


def test_a_machine_that_refuses_walls_still_judges_and_says_so(refusing: Any) -> None:
    """Both at the same time: most of it is two zygotes that load torch."""
    walls = ("root", "namespaces")
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda wall: refusing(wall, *VERIFY, "--json"), walls))
    for wall, run in zip(walls, runs, strict=True):
        assert run.returncode == 0, (wall, run.stdout, run.stderr)
        verdict = json.loads(run.stdout)
        assert verdict["outcome"] == "accepted", wall
        missing = " ".join(verdict["sandbox"])
        assert ("unshare: Operation not permitted" in missing) == (wall == "namespaces")


def test_the_header_names_what_a_machine_refuses(refusing: Any) -> None:
    run = refusing("landlock", *PYTEST, "--kernelfalcon-frozen")
    assert "sandbox auto without Landlock (Landlock: Function not implemented), frozen, run" in run.stdout


def test_a_platform_that_is_not_there_is_said_so():
    with pytest.raises(Unavailable, match="xpu is not there yet"):
        Judge("xpu")
    with pytest.raises(Unavailable, match="unknown platform 'tpu'"):
        Judge("tpu")
