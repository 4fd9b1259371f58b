"""A question's messages: what is stable first, and what is left out where the window is small."""

from __future__ import annotations

import pytest

from pytest_kernelfalcon.contracts.contract import Contract, Input, Output
from pytest_kernelfalcon.generator.author import Proposal, Round
from pytest_kernelfalcon.generator.llm.conversation import Question, Unusable, size
from pytest_kernelfalcon.generator.llm.course import Course
from pytest_kernelfalcon.generator.llm.prompts import Exemplar, Prompts, Scene
from pytest_kernelfalcon.judge.verdict import Verdict

TENSOR = {"t": {"shape": [8], "stride": [1], "offset": 0, "dtype": "float32", "storage": 0}}
CONTRACT = Contract(
    id="model", source={"module": "p.py", "code": "the problem"}, inputs=[Input("x", TENSOR)], state=[],
    outputs=[Output((8,), "float32")], output_tree=TENSOR, ops=["aten.add"], sizes={}, declared={}, admitted={},
    shrunk=None, admitted_shrunk={},
)  # fmt: skip
PROMPTS = Prompts(Scene("cpu", "3.6", ("sm_90",)))
ALL = 10**6


def refused(number: int, cause: str, source: str = "") -> Round:
    text = source or f"x = {number}\n"
    where = {"file": "candidate.py", "line": 1, "program": None}
    return Round(Proposal(text), Verdict("refused", "run", cause, f"it is wrong {number}", where=where))


def question(*rounds: Round, exemplar: bool = True, unusable: Unusable | None = None) -> Question:
    shown = Exemplar("`add`", "the exemplar") if exemplar else None
    return Question(CONTRACT, Course.of(rounds), shown, "", unusable)


def test_a_first_question_is_the_rules_and_the_problem_both_stable() -> None:
    rules, problem = question().messages(PROMPTS, ALL)
    assert [(one.role, one.stable) for one in (rules, problem)] == [("system", True), ("user", True)]
    assert rules.text == PROMPTS.system()
    assert "the problem" in problem.text
    assert "the exemplar" in problem.text


def test_a_later_one_begins_with_the_same_and_adds_the_last_candidate_its_verdict_and_a_digest() -> None:
    rounds = [refused(0, "a"), refused(1, "b"), refused(2, "c", "y = 2  # the last one\n")]
    first, later = question().messages(PROMPTS, ALL), question(*rounds).messages(PROMPTS, ALL)
    assert later[:2] == first
    said, refinement = later[2:]
    assert (said.role, said.text) == ("assistant", "```python\ny = 2  # the last one\n```")
    assert (refinement.role, refinement.stable) == ("user", False)
    assert "refused: c\ncandidate.py:1: it is wrong 2" in refinement.text
    assert ">    1 | y = 2  # the last one" in refinement.text
    assert "round 0: refused (a, line 1): it is wrong 0\n- round 1: " in refinement.text
    assert "round 2:" not in refinement.text


def test_after_a_plateau_nothing_is_mended_and_what_failed_is_named() -> None:
    rules, problem = question(*[refused(number, "a") for number in range(3)]).messages(PROMPTS, ALL)
    assert "# Candidates that were refused\n- round 0: refused (a, line 1)" in problem.text
    assert rules.text == PROMPTS.system()


def test_a_candidate_that_comes_again_is_answered_as_already_tried() -> None:
    again = question(refused(0, "a", "x = 1\n"), refused(1, "b"), refused(2, "a", "x = 1 # again\n"))
    assert "This is your candidate of round 0 again, already tried." in again.messages(PROMPTS, ALL)[-1].text
    assert "already tried" not in question(refused(0, "a")).messages(PROMPTS, ALL)[-1].text


def test_an_answer_that_cannot_be_used_is_told_beside_the_last_verdict() -> None:
    unusable = Unusable("I would rather not", "the answer has no code block")
    said, told = question(unusable=unusable).messages(PROMPTS, ALL)[2:]
    assert said.text == "I would rather not"
    assert "could not be used: the answer has no code block." in told.text
    said, told = question(refused(0, "a"), unusable=unusable).messages(PROMPTS, ALL)[2:]
    assert said.text == "```python\nx = 0\n```", "edits are edits of the candidate"
    assert "could not be used: the answer has no code block." in told.text
    assert "refused: a" in told.text


def test_where_the_window_is_small_the_oldest_rounds_go_first_and_then_the_exemplar() -> None:
    rounds = [refused(number, "ab"[number % 2]) for number in range(6)]
    whole = question(*rounds).messages(PROMPTS, ALL)
    less = question(*rounds).messages(PROMPTS, size(whole) - 1)
    assert "round 0:" not in less[-1].text
    assert "round 1:" in less[-1].text
    assert "the exemplar" in less[1].text
    least = question(*rounds).messages(PROMPTS, 1)
    assert "round 4:" not in least[-1].text
    assert "the exemplar" not in least[1].text
    assert "refused: b\n" in least[-1].text, "the last verdict always stays"
    assert least[2] == whole[2]


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_answer_is_shown_as_nothing(text: str) -> None:
    said = question(unusable=Unusable(text, "it has no text")).messages(PROMPTS, ALL)[2]
    assert said.text == "(nothing)"
