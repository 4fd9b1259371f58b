"""Problems that an answer without a computation would satisfy, and those that only look so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Round
from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor
from pytest_kernelfalcon.judge.judge import Judge

from .conftest import Verify

Inspect = Callable[[str], Contract]


def problem(forward: str, sizes: str, inputs: str, state: str = "") -> str:
    held = f"\n    def __init__(self):\n        super().__init__()\n        {state}\n" if state else ""
    body = forward.replace("\n", "\n        ")
    return (
        f"import torch\nimport torch.nn.functional as F\n\n\nclass Model(torch.nn.Module):{held}\n"
        f"    def forward(self, x, y=None):\n        {body}\n\n\n{sizes}\n\n\n"
        f"def get_inputs():\n    return [{inputs}]\n\n\ndef get_init_inputs():\n    return []\n"
    )


def drawn(forward: str, rows: int = 6, columns: int = 40, draw: str = "torch.randn(rows, columns)", state: str = ""):
    return problem(f"return {forward}", f"rows = {rows}\ncolumns = {columns}", draw, state)


@pytest.mark.parametrize(
    "text",
    [
        drawn("torch.softmax(x, -1)", columns=4000),
        drawn("torch.sigmoid(x * 30)"),
        drawn("x.mean(-1)", columns=4000),
        drawn("F.layer_norm(x, (40,))", draw="1 + 1e-3 * torch.randn(rows, columns)"),
        drawn(
            "F.cosine_similarity(x, x + 0.01 * y, -1)", draw="torch.randn(rows, columns), torch.randn(rows, columns)"
        ),
        drawn("x > 3"),
        drawn("(x > 2.5).to(torch.float32).sum(-1)"),
        drawn("((x * 1e-3 + 1) ** 2).mean()"),
        drawn("torch.clamp(x * 50, -1, 1)"),
        drawn("x.argmax(-1)", rows=60, columns=3),
        drawn("F.threshold(x, 3.0, 0.0)"),
        drawn("torch.relu(x - 3)"),
        drawn("torch.relu(x)", draw="torch.rand(rows, columns)"),
        drawn("x * self.scale", state="self.scale = torch.nn.Parameter(torch.zeros(40))"),
        drawn("x * 2 + 1", draw="torch.linspace(-1, 1, rows * columns).reshape(rows, columns)"),
        drawn("x.masked_fill(y, 0.0)", draw="torch.randn(rows, columns), torch.zeros(rows, columns) > 0"),
        problem("return x * 2, torch.zeros_like(x)", "n = 300", "torch.randn(n)"),
    ],
    ids=lambda text: text.split("return ")[1].split("\n")[0],
)
def test_an_output_that_is_nearly_constant_has_its_kernel(judge: Judge, inspect: Inspect, text: str) -> None:
    contract = inspect(text)
    assert "trivial_when_shrunk" not in contract.flags
    history: list[Round] = []
    while not history or (not history[-1].verdict.ok and len(history) < 3):
        proposal = CookbookAuthor().propose(contract, history, 0, Control())
        assert hasattr(proposal, "source"), proposal
        history.append(Round(proposal, judge.judge(contract, proposal.source, "seed", Control())))
    assert history[-1].verdict.outcome == "accepted", history[-1].verdict.message


@pytest.mark.parametrize(
    ("text", "cause", "says"),
    [
        (drawn("torch.relu(-x.abs() - 0.1)"), "constant_output", "output 0 is 0.0 whatever"),
        (drawn("x - x"), "constant_output", "output 0 is 0.0 whatever"),
        (drawn("torch.softmax(x.unsqueeze(-1), -1)"), "constant_output", "output 0 is 1.0 whatever"),
        (
            drawn("x * self.gate", state="self.register_buffer('gate', torch.zeros(40))"),
            "constant_output",
            "output 0 is",
        ),
        (drawn("F.dropout(x, 1.0, training=True)"), "constant_output", "output 0 is"),
        (drawn("torch.sign(x.abs() + 1)"), "constant_output", "output 0 is 1.0 whatever"),
        (drawn("x[:, :1].argmax(-1)"), "constant_output", "output 0 is 0 whatever"),
        (drawn("x == x.clone()"), "constant_output", "output 0 is True whatever"),
        (drawn("F.group_norm(x.reshape(rows * columns, 1, 1), 1)"), "constant_output", "output 0 is 0.0 whatever"),
        (drawn("(x - x).sum()"), "constant_output", "output 0 is 0.0 whatever"),
        (drawn("x.clone()"), "trivial_answer", "input 0 would do for output 0: it is what the judge expects"),
        (drawn("F.normalize(F.normalize(x)).norm(dim=-1)"), "trivial_answer", "a constant would do for output 0: its"),
        (drawn("torch.arange(40) * 1.5 + x * 1e-12"), "trivial_answer", "the output for other inputs would do"),
        (
            drawn("self.table + x * 1e-12", state="self.table = torch.nn.Parameter(torch.rand(6, 40))"),
            "trivial_answer",
            "the state `table` would do for output 0",
        ),
        (
            drawn("x + y * 1e-12", draw="torch.ones(rows, columns), torch.rand(rows, columns)"),
            "trivial_answer",
            "input 0",
        ),
    ],
    ids=lambda text: text.split("return ")[1].split("\n")[0] if "return " in text else "",
)
def test_what_an_answer_without_a_computation_satisfies_is_refused(
    inspect: Inspect, text: str, cause: str, says: str
) -> None:
    with pytest.raises(ProblemError) as found:
        inspect(text)
    assert (found.value.outcome, str(found.value.cause)) == ("inadmissible", cause)
    assert says in found.value.text


FAR = """
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            y = x.clone()
            y[{start}:] = torch.relu(x[{start}:])
            return y

    n = {n}

    def get_inputs():
        return [torch.randn(n)]

    def get_init_inputs():
        return []
    """
FAR_KERNEL = """
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def far_relu(x_ptr, y_ptr, n, start, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + at, mask=at < n)
        y = tl.where(at < start, x, tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL))
        tl.store(y_ptr + at, y, mask=at < n)

    def kernel_function(x):
        x = x.contiguous()
        y = torch.empty_like(x)
        n = x.numel()
        far_relu[(triton.cdiv(n, 1024),)](x, y, n, {start}, BLOCK=1024)
        return y
    """


def test_a_small_form_that_tells_nothing_gives_way_to_one_that_does(inspect: Inspect, verify: Verify) -> None:
    text = FAR.format(start=20_000, n=1 << 19)
    contract = inspect(text)
    assert contract.shrunk is not None and contract.shrunk["n"] > 20_000
    assert contract.admitted_shrunk["n"][0] == contract.shrunk["n"] and len(contract.admitted_shrunk["n"]) > 1
    honest = FAR_KERNEL.format(start=20_000)
    assert verify(text, honest).outcome == "accepted"
    assert verify(text, honest.replace("at < start", "at >= 0")).outcome == "refused"


def test_a_kernel_is_undecided_where_every_small_form_tells_nothing(inspect: Inspect, verify: Verify) -> None:
    text = FAR.format(start=200_000, n=1 << 20)
    assert "trivial_when_shrunk" in inspect(text).flags
    verdict = verify(text, FAR_KERNEL.format(start=200_000))
    assert (verdict.outcome, verdict.cause) == ("undecided", "trivial_shrunk")
    wrong = FAR_KERNEL.format(start=200_000).replace("x_ptr + at", "x_ptr + wrong")
    assert verify(text, wrong).outcome == "refused", "what needs no run is refused all the same"


def test_its_own_sizes_are_run_where_few_programs_do(inspect: Inspect, verify: Verify) -> None:
    text = FAR.format(start=200_000, n=1 << 18)
    assert "trivial_when_shrunk" in inspect(text).flags
    honest = FAR_KERNEL.format(start=200_000).replace("1024", "4096")
    verdict = verify(text, honest)
    assert (verdict.outcome, "shrunk_form" in verdict.flags) == ("accepted", False), verdict.message
    assert verify(text, honest.replace("at < start", "at >= 0")).outcome == "refused"
