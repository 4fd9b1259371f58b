from __future__ import annotations

import pytest

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract, Output
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.fuser.extract import plan
from pytest_kernelfalcon.fuser.outline import outline

PROBLEM = Problem("p.py", "class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n")


class Inspector:
    def inspect(self, problem: Problem, control: Control) -> Contract:
        if "broken" in problem.text:
            raise ProblemError(problem.path, Cause.PROBLEM_FORWARD, detail="no")
        return Contract(
            id="of the judge", source={"module": "p", "code": problem.text}, inputs=[], state=[],
            outputs=[Output((1,), "float32")], output_tree={"v": None}, ops=[], sizes={}, declared={}, admitted={},
            shrunk=None, admitted_shrunk={},
        )  # fmt: skip


def test_a_plan_has_the_contracts_that_collection_was_told_of() -> None:
    made = plan(PROBLEM, Inspector(), Control())
    assert [contract.id for contract in made.contracts] == outline(PROBLEM) == ["model"]
    assert made.problem_sha256 == PROBLEM.sha256
    assert made.contract("model").source["code"] == PROBLEM.text


def test_a_broken_problem_has_no_plan() -> None:
    with pytest.raises(ProblemError, match=r"^p\.py: `forward` raises: no"):
        plan(Problem("p.py", "broken"), Inspector(), Control())
