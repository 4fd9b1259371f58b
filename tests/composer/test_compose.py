from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_kernelfalcon.composer.compose import compose
from pytest_kernelfalcon.contracts.contract import Contract, Output
from pytest_kernelfalcon.contracts.plan import Plan

WHOLE = Contract(
    id="model", source={"module": "p", "code": ""}, inputs=[], state=[], outputs=[Output((1,), "float32")],
    output_tree={"v": None}, ops=[], sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={},
)  # fmt: skip


def test_one_subgraph_is_composed_of_its_kernels_own_text() -> None:
    assert compose(Plan("hash", [WHOLE]), {"model": "the text\n"}) == "the text\n"


def test_several_subgraphs_are_refused_rather_than_guessed_at() -> None:
    plan = Plan("hash", [WHOLE, replace(WHOLE, id="second")])
    with pytest.raises(ValueError, match="a plan of 2 contracts cannot be composed: it must have exactly one"):
        compose(plan, {"model": "a", "second": "b"})
