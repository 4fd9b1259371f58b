"""The author `cookbook`, without torch: what it proposes to whom, and how the text looks."""

import ast
import importlib.util
import subprocess
import sys

import pytest

from pytest_kernelfalcon.contracts.contract import Contract, Input, Output, State
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, Round
from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor
from pytest_kernelfalcon.judge.verdict import Verdict

SPEC = {"shape": [4, 8], "sizes": ["n0.shape[0]", "n0.shape[1]"], "stride": [8, 1], "dtype": "float32"}
ROW = {"shape": [8], "sizes": ["n0.shape[1]"], "stride": [1], "dtype": "float32"}


def node(id, op, *args, spec=SPEC, **facts):
    return {"id": id, "op": op, "args": list(args), "kwargs": {}, "outputs": [spec]} | facts


def contract(*nodes, state=(), result="n9"):
    """One input `x`, these nodes, one result."""
    graph = {
        "nodes": [node("n0", "input", name="x"), *nodes],
        "inputs": {"x": "n0"},
        "state": dict(state),
        "results": [{"ref": result}],
        "mutated": {},
        "updated": {},
    }
    tensor = {"t": {"shape": [4, 8], "stride": [8, 1], "offset": 0, "dtype": "float32", "storage": 0}}
    return Contract(
        id="model", source={}, inputs=[Input("x", tensor)], outputs=[Output((4, 8), "float32")], output_tree=tensor,
        state=[State(name, name, (8,), "float32", "parameter") for name, _ in state],
        ops=[], sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={}, graph=graph,
    )  # fmt: skip


X = {"ref": "n0"}
RELU = contract(node("n9", "aten.relu.default", X))
SILU = contract(node("n9", "aten.silu.default", X))
SCALED = contract(
    node("n1", "state", name="scale", spec=ROW),
    node("n2", "aten.gelu.default", X, kwargs={"approximate": "none"}),
    node("n9", "aten.mul.Tensor", {"ref": "n2"}, {"ref": "n1"}),
    state=[("scale", "n1")],
)


def proposed(contract, seed, rounds):
    """The proposals of the first rounds, and the end if it comes."""
    history = []
    for _ in range(rounds):
        answer = CookbookAuthor().propose(contract, history, seed, Control())
        if isinstance(answer, Exhausted):
            return [one.proposal for one in history], answer
        history.append(Round(answer, Verdict("refused", "run")))
    return [one.proposal for one in history], None


def test_seeds_and_rounds_walk_through_configurations_without_meeting():
    notes = [[one.note for one in proposed(SCALED, seed, 2)[0]] for seed in range(4)]
    assert len({note for seed in notes for note in seed}) == 8
    assert notes[0][0] == "pointwise: block 1024, 4 warps, exact, natural"


def test_a_seed_never_repeats_itself_and_ends_when_all_is_tried():
    proposals, end = proposed(SILU, 1, 100)
    assert len({one.source for one in proposals}) == len({one.note for one in proposals}) == len(proposals) > 4
    assert end is not None and f"all {len(proposals)} configurations" in end.reason and not end.missing


def test_ways_that_would_give_the_same_text_are_one():
    assert {one.note.split(", ")[2] for one in proposed(RELU, 0, 100)[0]} == {"exact"}
    assert {one.note.split(", ")[2] for one in proposed(SILU, 0, 100)[0]} == {"exact", "fast"}


def test_rounds_of_another_author_do_not_count():
    answer = CookbookAuthor().propose(RELU, [], 0, Control())
    other = Round(type(answer)("import torch", "a prompt"), Verdict("refused", "run"))
    assert CookbookAuthor().propose(RELU, [other], 0, Control()) == answer


def test_operations_without_a_place_are_named():
    end = CookbookAuthor().propose(contract(node("n9", "aten.logcumsumexp.default", X, 0)), [], 0, Control())
    assert end == Exhausted("no recipe has `aten.logcumsumexp.default`", ("aten.logcumsumexp.default",))


def test_operations_that_nothing_depends_on_are_not_missed():
    unread = contract(node("n1", "aten.logcumsumexp.default", X, 0), node("n9", "aten.relu.default", X))
    assert not isinstance(CookbookAuthor().propose(unread, [], 0, Control()), Exhausted)


def test_operations_of_other_libraries_are_not_taken_for_torchs():
    end = CookbookAuthor().propose(contract(node("n9", "mylib.relu.default", X)), [], 0, Control())
    assert isinstance(end, Exhausted) and end.missing == ("mylib.relu.default",)


def test_a_forward_without_a_graph_is_said_to_be_so():
    untraced = RELU.__class__(**{**vars(RELU), "graph": {"untraceable": "it looks at values"}})
    end = CookbookAuthor().propose(untraced, [], 0, Control())
    assert isinstance(end, Exhausted) and "it looks at values" in end.reason


def test_state_named_as_a_module_is_refused():
    named = contract(
        node("n1", "state", name="torch", spec=ROW), node("n9", "aten.relu.default", X), state=[("torch", "n1")]
    )
    end = CookbookAuthor().propose(named, [], 0, Control())
    assert isinstance(end, Exhausted) and "torch" in end.reason


def test_a_candidate_needs_nothing_of_ours():
    for problem in (RELU, SILU, SCALED):
        tree = ast.parse(proposed(problem, 0, 1)[0][0].source)
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert modules == {"torch", "triton", "triton.language"}
        assert {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} <= {"triton.language.extra"}


def test_libdevice_is_imported_only_where_it_is_used():
    assert "libdevice" not in proposed(RELU, 0, 1)[0][0].source
    assert "from triton.language.extra import libdevice" in proposed(SILU, 0, 1)[0][0].source


def test_all_state_is_accepted_by_keyword():
    inert = contract(
        node("n1", "state", name="unused", spec=ROW), node("n9", "aten.relu.default", X), state=[("unused", "n1")]
    )
    assert "def kernel_function(x, *, unused):" in proposed(inert, 0, 1)[0][0].source


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_candidates_are_formatted_and_clean(tmp_path):
    for number, problem in enumerate((RELU, SILU, SCALED)):
        for round, proposal in enumerate(proposed(problem, 0, 6)[0]):
            (tmp_path / f"candidate{number}_{round}.py").write_text(proposal.source)
    for command in (["format", "--check", "--diff", "--line-length=120"], ["check", "--line-length=120"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_torch_is_not_needed_to_propose():
    code = "import sys, pytest_kernelfalcon.generator.cookbook.author; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
