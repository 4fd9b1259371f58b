"""Every cause of the catalogue, and the whole text that a person gets for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kernelfalcon import __main__ as command
from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.finding import Finding
from pytest_kernelfalcon.judge.verdict import EXIT_CODES, Verdict

from .examples import ELSEWHERE, EXAMPLES, Example
from .expectation import expect, normal


def test_every_cause_has_a_golden_text() -> None:
    assert set(EXAMPLES) | set(ELSEWHERE) == set(Cause)
    assert not set(EXAMPLES) & set(ELSEWHERE)


@pytest.mark.parametrize("cause", EXAMPLES, ids=str)
def test_what_verify_says(
    cause: Cause,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    example: Example = EXAMPLES[cause]
    monkeypatch.setattr(command, "Judge", request.getfixturevalue("hasty" if example.hasty else "patient"))
    monkeypatch.chdir(tmp_path)
    for name, text in (("problem.py", example.problem), ("kernel.py", example.kernel)):
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    code = command.main(["verify", "problem.py", "kernel.py"])
    said = capsys.readouterr().out
    assert said.startswith(f"{cause.outcome}: {cause}\n"), said
    assert code == EXIT_CODES[cause.outcome]
    expect(cause, normal(said, example.volatile))


FACTS = {
    Cause.COMPILE_CRASH: {"detail": "SIGSEGV"},
    Cause.KERNEL_CRASHED: {"kernel": "silu", "detail": "SIGKILL"},
    Cause.DEVICE_MEMORY: {"detail": "CUDA out of memory: 3 GiB of 2 GiB free"},
    Cause.SANITIZER: {
        "kernel": "silu",
        "tool": "memcheck",
        "detail": "Invalid __global__ read of size 4 bytes; at silu+0xec0 in kernels.py:10; by thread (18,0,0)",
    },
}


@pytest.mark.parametrize("cause", [cause for cause, where in ELSEWHERE.items() if where == "what is said"], ids=str)
def test_what_is_said_of_a_crash(cause: Cause) -> None:
    finding = Finding(cause, "run", FACTS[cause])
    verdict = Verdict(finding.outcome, "run", cause.value, finding.message, finding.fix, platform="cuda")
    expect(cause, normal(verdict_text.render(verdict, "", "kernel.py") + "\n"))
