"""The recipe *row* against eager, in the hardened interpreter: one process runs the cases of row/models.py. And a few
through the judge.
"""

import ast
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.contract import Contract, Input, Output
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.cookbook.row.recipe import Match, Row
from pytest_kernelfalcon.judge.judge import Judge

FOLDER = Path(__file__).parent / "row"
ROOT = Path(__file__).parents[2]


def cases():
    tree = ast.parse((FOLDER / "models.py").read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")]


@functools.cache
def run():
    paths = (str(ROOT), os.environ.get("PYTHONPATH"))
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TRITON_INTERPRET": "1",
    }
    command = [sys.executable, str(FOLDER / "run.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", cases())
def test_case(case):
    failure = run()[case]
    assert not failure, failure


JUDGED = {
    "layer norm": ("F.layer_norm(x, x.shape[-1:])", "rows, columns"),
    "best of each row": ("x.max(-1)", "rows, columns"),
    "over the middle": ("F.log_softmax(x, 1)", "rows, columns, 3"),
    "a loss of few long rows": ("(x - x.tanh()).pow(2).mean()", "600, columns"),
    "softmax of long rows": ("(x / 0.7).softmax(-1)", "2, 600 * columns"),
    "running sums": ("x.cumsum(-1)", "rows, columns"),
}

PROBLEM = """import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def forward(self, x):
        return {form}


rows = 6
columns = 120


def get_inputs():
    return [torch.randn({shape})]


def get_init_inputs():
    return []
"""


@pytest.fixture(scope="module")
def judge():
    with Judge("cpu") as judge:
        yield judge


@pytest.mark.parametrize("name", JUDGED)
def test_the_judge_accepts(judge, name):
    form, shape = JUDGED[name]
    contract = judge.inspect(Problem("row.py", PROBLEM.format(form=form, shape=shape)), Control())
    match = Row().match(contract)
    assert isinstance(match, Match), match
    verdict = judge.judge(contract, Row().render(match, Row().shapes(match)[0]), "seed", Control())
    assert verdict.outcome == "accepted", f"{verdict.stage}: {verdict.message} {verdict.where} {verdict.worst}"


KERNEL = """
@triton.jit
def softmax_kernel(x_ptr, out_ptr, columns, x_stride_0, x_stride_1, BLOCK: tl.constexpr):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    mask = column < columns

    x = tl.load(x_ptr + row * x_stride_0 + column * x_stride_1, mask=mask).to(tl.float32)

    largest = tl.max(tl.where(mask, x, float("-inf")), axis=0)
    shifted = x - largest
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=0)
    softmax = tl.div_rn(exp, total)

    tl.store(out_ptr + row * columns + column, softmax, mask=mask)
"""


def test_a_kernel_reads_like_one_that_a_person_wrote():
    x = {"shape": [64, 1000], "sizes": ["n0.shape[0]", "n0.shape[1]"], "stride": [1000, 1], "dtype": "float32"}
    softmax = {"id": "n1", "op": "aten._softmax.default", "args": [{"ref": "n0"}, 1, False], "kwargs": {}}
    graph = {
        "nodes": [{"id": "n0", "op": "input", "name": "x", "args": [], "kwargs": {}, "outputs": [x]}],
        "inputs": {"x": "n0"}, "state": {}, "results": [{"ref": "n1"}], "mutated": {}, "updated": {},
    }  # fmt: skip
    graph["nodes"].append(softmax | {"outputs": [x]})
    tensor = {"t": {"shape": [64, 1000], "stride": [1000, 1], "offset": 0, "dtype": "float32", "storage": 0}}
    contract = Contract(
        id="model", source={}, inputs=[Input("x", tensor)], outputs=[Output((64, 1000), "float32")], state=[],
        output_tree=tensor, ops=[], sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={}, graph=graph,
    )  # fmt: skip
    match = Row().match(contract)
    assert isinstance(match, Match), match
    assert KERNEL in Row().render(match, Row().shapes(match)[0])
