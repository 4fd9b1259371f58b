"""Damaged candidates and damaged plans: the judge answers each, and takes none for what it no longer is.

More of both: `python -m benchmarks.fuzz`, `python -m benchmarks.fuzz_plans`.
"""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import DAMAGES, Fuzz, kernels, meaning
from benchmarks.fuzz_plans import ENDS, Played, damaged, plan
from pytest_kernelfalcon.judge.judge import Judge

SMALL = next(pair for pair in kernels() if pair[1].name == "6_logit_softcap.py")
MAY_STAY_RIGHT = ("repeat_lines", "shuffle_lines")
"""Imports there twice, statements in another order: the judge answers, and may find that nothing is wrong."""
RECORDED = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    one = Played()
    yield one
    one.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_candidate_is_not_accepted(judge: Judge, damage: str):
    fuzz = Fuzz(judge)
    problem, kernel = SMALL
    for number in range(6):
        fuzz.once(problem, kernel.read_text(), damage, random.Random(f"{damage} {number} of 6"))
    assert not fuzz.crashes, fuzz.crashes[0][1]
    assert damage in MAY_STAY_RIGHT or not fuzz.survivors, fuzz.survivors[0]
    assert sum(fuzz.outcomes.values()) == 6


def test_the_undamaged_one_is_accepted_also_with_other_comments_and_blank_lines(judge: Judge, monkeypatch):
    problem, kernel = SMALL
    monkeypatch.setitem(DAMAGES, "comments", lambda _, text: text.replace("\n\n\n", "\n# ünïcode \n\n\n"))
    fuzz = Fuzz(judge)
    verdict = fuzz.once(problem, kernel.read_text(), "comments", random.Random(0))
    assert verdict is not None and verdict.outcome == "accepted" and not fuzz.survivors


def test_meaning_is_that_of_the_program():
    text = SMALL[1].read_text()
    assert meaning(text) == meaning("# a comment\n" + text.replace("\n\n", "\n\n\n"))
    assert meaning(text) not in (meaning(text.replace("<", "<=")), meaning(text + "\nx = 1\n"), None)
    assert meaning(text[:-9] + "(") is None
    assert ast.parse(text)


@given(source=st.randoms(use_true_random=False), dry=st.booleans())
@settings(RECORDED, max_examples=60)
def test_a_damaged_plan_is_answered(played: Played, source: random.Random, dry: bool):
    """Whatever a tracer sends, the executor tells the parent one of its ends: none is its own failure or death."""
    assert played.answer(damaged(source, plan()), dry)["end"] in ENDS


def test_an_undamaged_plan_is_a_plan(played: Played):
    messages = [json.dumps(message).encode() for message in plan()]
    answer = played.answer(messages, dry=False)
    assert (answer["end"], answer["launches"], answer["read"]) == ("result", 2, [0, 0])
    assert answer["kernels"] == ["plain", "tiles"]
    assert played.answer(messages, dry=True)["end"] == "unreadable"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\0" * 100, b"def kernel_function(x):\n" + b"x = (" * 300])
def test_verify_tells_of_a_damaged_file_without_a_traceback(tmp_path: Path, content: bytes):
    file = tmp_path / "kernel.py"
    file.write_bytes(content)
    command = [sys.executable, "-m", "pytest_kernelfalcon", "verify", str(SMALL[0]), str(file), "--platform", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "refused" in done.stdout
