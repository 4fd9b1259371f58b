"""What is broken in a problem, or inadmissible, and where: found by running it, in this process."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.judge.roles.modules import build, forward, load, state_of

from .inspecting import INIT, answer, broken, model


@pytest.mark.parametrize(
    ("text", "cause", "detail", "line"),
    [
        ("x = 1 / 0\n", "problem_import", "ZeroDivisionError: division by zero", 3),
        ("raise SystemExit(0)\n", "problem_exit", "import", 3),
        ("class Model: pass\ndef get_inputs(): return []\n", "problem_init", "`Model` makes a Model, not", None),
        (model("x: return x", "torch.rand(3)"), "problem_inputs", "it returns a Tensor, not a list", None),
        (model("x: return x", "[1 / 0]"), "problem_inputs", "ZeroDivisionError", 10),
        (model("x: return x", "[object(), torch.rand(2)]"), "problem_forward", "TypeError", None),
        (model("x, y: return x * 2", "[torch.rand(2), object()]"), "problem_values", "returns a object", None),
        (model("x: return x", "[torch.rand(2).to(torch.complex64)]"), "problem_values", "complex64", None),
        (model("x: return x @ x", "[torch.rand(2, 3)]"), "problem_forward", "RuntimeError", 9),
        (model("x: raise SystemExit", "[torch.rand(2)]"), "problem_exit", "forward", 9),
        (model("x: return None", "[torch.rand(2)]"), "problem_no_tensor", "None", None),
        (model("x: return [1, 2]", "[torch.rand(2)]"), "problem_no_tensor", "a value of type list", None),
        (model("x: return torch.rand_like(x)", "[torch.rand(2)]"), "problem_random", "output 0 at 2 of 2", None),
        (model("x: return nn.functional.dropout(x)", "[torch.ones(64)]"), "problem_random", "of 64", None),
        (model("x: return x.expand(2 ** 50).clone() * x.item()", "[torch.rand(1)]"), "problem_memory", "forward", 9),
        (
            model("x: return x", "[torch.rand(2)]", init="self.a_b = torch.ones(1); self.a = nn.Module(); "
                  "self.a.b = torch.ones(1)"),
            "problem_state_names", "`a_b` and `a.b` as `a_b`", None,
        ),
    ],
)  # fmt: skip
def test_broken_problems(text: str, cause: str, detail: str, line: int | None):
    said = broken(text)
    assert (said[0], said[2]) == (cause, line), said
    assert detail in said[1]


def test_the_line_is_the_problems_own_even_at_other_sizes():
    text = "import torch\nn = (4 *\n  2)\nclass Model(torch.nn.Module):\n  def forward(self, x):\n    return x @ 3\n"
    text += "def get_inputs(): return [torch.rand(n)]\n" + INIT
    module = load(rewrite(text, {"n": 5}), "problem.py")
    instance = build(module, 0)
    with pytest.raises(Exception) as caught:
        forward(instance, instance.inputs)
    assert caught.value.line == 6  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [16, 2**26])
def test_an_output_that_never_changes(n: int):
    said = answer(model("x: return torch.clamp(torch.sigmoid(x), 5, 6)", "[torch.rand(n)]", f"n = {n}"))
    if n == 16:
        assert (said["broken"], said["facts"]) == ("constant_output", {"output": 0, "detail": "5.0"})
    else:
        assert "trivial_when_shrunk" in said["contract"]["flags"]


@pytest.mark.parametrize(
    ("body", "answer_"),
    [
        ("return x * 1e-30 + 5", "a constant"),
        ("return (x * 1e-9 + 1).to(torch.float16)", "a constant"),
        ("return x + 1e-12", "input 0"),
        ("return torch.nn.functional.dropout(x, 0.5, training=False) * 1.0", "input 0"),
        ("return torch.arange(64) * 1.5 + x.sum() * 1e-12", "the output for other inputs"),
    ],
)
def test_a_problem_that_an_answer_without_a_computation_satisfies(body: str, answer_: str):
    said = answer(model(f"x: {body}", "[torch.randn(n)]", "n = 64"))
    assert said.get("broken") in ("trivial_answer", "constant_output"), said
    assert said["broken"] == "constant_output" or said["facts"]["detail"] == answer_


@pytest.mark.parametrize(
    "body",
    [
        "return x * 1e-30",
        "return x * 1e-5 + 5",
        "return (x * 0.01 + 1).to(torch.float16)",
        "return x + 1e-3",
        "return torch.softmax(x, 0)",
        "return torch.relu(x - 1.5)",
        "return (x > 1).float()",
        "return x.round()",
        "return x.clamp(-448, 448)",
        "y = x.clone(); x.mul_(3); return y",
        "return torch.tanh(x * 20)",
        "return torch.sigmoid(x * 1e-3)",
        "return x.sort()[0]",
        "return torch.arange(64) * 1.5 + x.sum() * 1e-3",
    ],
)
def test_a_problem_whose_output_is_nearly_constant_is_admissible(body: str):
    said = answer(model(f"x: {body}", "[torch.randn(n)]", "n = 64"))
    assert "contract" in said, said
    assert "trivial_when_shrunk" not in said["contract"]["flags"]


def test_arguments_in_kernelbooks_form():
    text = """
        import torch
        class Model(torch.nn.Module):
            def __init__(self, rows, columns=2):
                super().__init__()
                self.w = torch.nn.Parameter(torch.ones(rows, columns))
        def get_inputs(): return []
        def get_init_inputs(): return [[3], {"columns": 4}]
        """
    [held] = state_of(build(load(dedent(text), "problem.py"), 0).model)
    assert held.tensor.shape == (3, 4)
