"""The recipe *matmul* against eager, in the hardened interpreter: one process runs the cases of matmul/products.py. And
a few through the judge, with honest edits that break them.
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
from pytest_kernelfalcon.generator.cookbook.matmul.recipe import Match, Matmul
from pytest_kernelfalcon.judge.judge import Judge

FOLDER = Path(__file__).parent / "matmul"
ROOT = Path(__file__).parents[2]


def cases():
    tree = ast.parse((FOLDER / "products.py").read_text())
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
    "a product": ("a @ b", 70, 45, 50),
    "a long sum": ("F.relu(a @ b)", 3, 9000, 5),
    "one column": ("a @ b", 6, 120, 1),
    "triangles": ("torch.triu(torch.tril(a) @ b, 1)", 70, 80, 75),
    "one row, that may become more": ("F.linear(a, self.weight, self.bias) * b[0, 0]", 1, 20, 7),
    "after rows": ("F.layer_norm(a, a.shape[-1:]) @ b", 9, 20, 7),
    "a projection, normalised": ("F.rms_norm(F.linear(a, self.weight), (24,)) * b[0, 0]", 9, 20, 7),
}

PROBLEM = """import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, {depth}))
        self.bias = nn.Parameter(torch.randn(features))

    def forward(self, a, b):
        return {form}


rows = {rows}
depth = {depth}
columns = {columns}


def get_inputs():
    return [torch.randn(rows, depth), torch.randn(depth, {last})]


def get_init_inputs():
    return [24]
"""


@pytest.fixture(scope="module")
def judge():
    with Judge("cpu") as judge:
        yield judge


def judged(judge, form, rows, depth, columns, *edits):
    last = "columns" if columns > 1 else 1
    text = PROBLEM.format(form=form, rows=rows, depth=depth, columns=columns, last=last)
    contract = judge.inspect(Problem("product.py", text), Control())
    match = Matmul().match(contract)
    assert isinstance(match, Match), match
    source = Matmul().render(match, Matmul().configurations(match)[0])
    for right, wrong in edits:
        assert right in source
        source = source.replace(right, wrong)
    return judge.judge(contract, source, "seed", Control())


@pytest.mark.parametrize("name", JUDGED)
def test_the_judge_accepts(judge, name):
    verdict = judged(judge, *JUDGED[name])
    assert verdict.outcome == "accepted", f"{verdict.stage}: {verdict.message} {verdict.where} {verdict.worst}"
    assert not [flag for flag in verdict.flags if flag.startswith("not_in")]


EDITS = {
    "no mask along the sum": ("(rows < M) & (depth[None, :] < K)", "(rows < M)"),
    "no mask at the store": ("product, mask=mask)", "product)"),
    "another stride": ("columns * stride_bn", "columns * stride_bk"),
    "plain TF32": ("tf32x3", "tf32"),
    "a sum cut short": ("range(0, K, BLOCK_K)", "range(0, K - BLOCK_K, BLOCK_K)"),
}


@pytest.mark.parametrize("name", EDITS)
def test_the_judge_refuses_an_edit(judge, name):
    assert judged(judge, *JUDGED["a product"], EDITS[name]).outcome == "refused"


def test_the_judge_refuses_a_long_sum_with_gaps(judge):
    edit = ("K, parts * BLOCK_K)", "K, (parts + 1) * BLOCK_K)")
    assert judged(judge, *JUDGED["a long sum"], edit).outcome == "refused"


KERNEL = """
@triton.jit
def matmul_relu_kernel(
    a_ptr,
    b_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds
    program = tl.program_id(0)
    tiles_m = tl.cdiv(M, BLOCK_M)
    tiles_n = tl.cdiv(N, BLOCK_N)
    first_m = program // (GROUP_M * tiles_n) * GROUP_M
    height = tl.minimum(tiles_m - first_m, GROUP_M)
    tile_m = first_m + program % (GROUP_M * tiles_n) % height
    tile_n = program % (GROUP_M * tiles_n) // height
    rows = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]

    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        depth = start + tl.arange(0, BLOCK_K)
        a_ptrs = a_ptr + rows * stride_am + depth[None, :].to(tl.int64) * stride_ak
        b_ptrs = b_ptr + depth[:, None].to(tl.int64) * stride_bk + columns * stride_bn
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="tf32x3", out_dtype=tl.float32)

    offsets = rows * N + columns
    mask = (rows < M) & (columns < N)

    relu = tl.maximum(product, 0.0, propagate_nan=tl.PropagateNan.ALL)

    tl.store(out_ptr + offsets, relu, mask=mask)


def kernel_function(x, y):
    M, K = x.shape
    N = y.shape[-1]
    tiles = triton.cdiv(M, 16) * triton.cdiv(N, 32)
    out = torch.empty((M, N), dtype=x.dtype, device=x.device)
    if tiles > 0:
        matmul_relu_kernel[(tiles,)](
            x,
            y,
            out,
            M,
            N,
            K,
            *x.stride(),
            *y.stride(),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    return out
"""


def tensor(name, rows, columns, sizes):
    output = {"shape": [rows, columns], "sizes": sizes, "stride": [columns, 1], "dtype": "float32"}
    return {"id": name, "op": "input", "name": "", "args": [], "kwargs": {}, "outputs": [output]}


def test_a_kernel_reads_like_one_that_a_person_wrote():
    x = tensor("n0", 64, 100, ["n0.shape[0]", "n1.shape[0]"]) | {"name": "x"}
    y = tensor("n1", 100, 50, ["n1.shape[0]", "n1.shape[1]"]) | {"name": "y"}
    product = tensor("n2", 64, 50, ["n0.shape[0]", "n1.shape[1]"])
    relu = product | {"id": "n3", "op": "aten.relu.default", "args": [{"ref": "n2"}], "common": "float32"}
    product |= {"op": "aten.mm.default", "args": [{"ref": "n0"}, {"ref": "n1"}]}
    graph = {
        "nodes": [x, y, product, relu], "inputs": {"x": "n0", "y": "n1"}, "state": {}, "results": [{"ref": "n3"}],
        "mutated": {}, "updated": {},
    }  # fmt: skip
    spec = {"t": {"shape": [64, 50], "stride": [50, 1], "offset": 0, "dtype": "float32", "storage": 0}}
    contract = Contract(
        id="model", source={}, inputs=[Input("x", spec), Input("y", spec)], outputs=[Output((64, 50), "float32")],
        state=[], output_tree=spec, ops=[], sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={},
        graph=graph,
    )  # fmt: skip
    match = Matmul().match(contract)
    assert isinstance(match, Match), match
    assert Matmul().render(match, Matmul().configurations(match)[0]).endswith(KERNEL)
