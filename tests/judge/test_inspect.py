"""A problem as a contract, found by running it, in this process."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.judge.roles import inspect as role
from pytest_kernelfalcon.judge.roles import sizing
from pytest_kernelfalcon.judge.roles.modules import build, forward, load, outputs_of, state_of

torch.set_num_threads(1)

INIT = "def get_init_inputs(): return []\n"


def answer(text: str) -> dict[str, Any]:
    source = "import torch\nfrom torch import nn\n" + dedent(text)
    if "def get_init_inputs" not in source:
        source += INIT
    return role.answer({"source": source, "path": "problem.py", "id": "model"}, lambda phase: None)


def contract(text: str) -> Contract:
    said = answer(text)
    assert "contract" in said, said
    return Contract.from_json(said["contract"])


def model(body: str, inputs: str, constants: str = "", init: str = "pass") -> str:
    """A problem whose forward is `body` and whose `get_inputs` returns `inputs`."""
    name, _, rest = body.partition(":")
    lines = "\n        ".join(rest.strip().splitlines())
    return (
        f"{dedent(constants)}\n"
        f"class Model(nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n        {init}\n"
        f"    def forward(self, {name}):\n        {lines}\n"
        f"def get_inputs(): return {inputs}\n"
    )


def broken(text: str) -> tuple[str, str, int | None]:
    said = answer(text)
    assert "broken" in said, said
    return said["broken"], str(said["facts"].get("detail")), said["line"]


# what a contract says


def test_a_plain_problem():
    text = """
        batch, features, groups = 6, 8, 2
        class Model(nn.Module):
            def __init__(self, features, groups):
                super().__init__()
                self.linear, self.norm = nn.Linear(features, features), nn.GroupNorm(groups, features)
            def forward(self, x, scale=1.0):
                return self.norm(self.linear(x)) * scale
        def get_inputs(): return [torch.rand(batch, features)]
        def get_init_inputs(): return [features, groups]
        """
    made = contract(text)
    assert made.sizes == {"batch": "data", "features": "model", "groups": "hyper"}
    assert made.declared == {"batch": 6, "features": 8, "groups": 2}
    assert made.admitted == {"batch": [6, 7, 5, 12]}
    assert (made.shrunk, made.admitted_shrunk, made.flags) == (None, {}, [])
    assert [item.name for item in made.inputs] == ["x"]
    assert [(item.arg, item.shape, item.kind) for item in made.state] == [
        ("linear_weight", (8, 8), "parameter"),
        ("linear_bias", (8,), "parameter"),
        ("norm_weight", (8,), "parameter"),
        ("norm_bias", (8,), "parameter"),
    ]
    assert [(out.shape, out.dtype, out.alias) for out in made.outputs] == [((6, 8), "float32", None)]
    assert made.ops == ["aten.t.default", "aten.addmm.default", "aten.native_group_norm.default", "aten.mul.Tensor"]
    assert made.graph["nodes"]


def test_phases_are_announced_before_they_begin():
    phases: list[str] = []
    source = "import torch\n" + model("x: return x + 1", "[torch.rand(4)]").replace("nn.", "torch.nn.") + INIT
    role.answer({"source": source, "path": "p.py", "id": "model"}, phases.append)
    first = ["import", "get_init_inputs", "Model()", "get_inputs()", "forward", "sizes"]
    assert phases[: len(first)] == first
    assert "sizes" not in phases[len(first) :]


def test_preloading_is_a_problem_that_works():
    said = role.answer({"source": role.WARM, "path": "warm.py", "id": "warm"}, lambda phase: None)
    assert said["contract"]["ops"] == ["aten.relu.default", "aten.add.Tensor"]


def test_all_kinds_of_state():
    made = contract(
        """
        class Inner(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(3))
                self.register_buffer("shift", torch.zeros(3), persistent=False)
                self.plain = torch.full((3,), 2.0)
                self.parts = [torch.ones(1), {"k": torch.ones(2)}]
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = Inner()
                self.same = self.inner.weight
                self.view = self.inner.weight.detach()[:2]
                self.rnn = nn.LSTM(3, 2)
            def forward(self, x):
                return x * self.inner.weight + self.inner.shift + self.inner.plain
        def get_inputs(): return [torch.rand(3)]
        """
    )
    held = {item.arg: (item.kind, item.shape, item.tied_to) for item in made.state if "rnn" not in item.arg}
    assert held == {
        "same": ("parameter", (3,), None),
        "inner_weight": ("parameter", (3,), "same"),
        "inner_shift": ("buffer", (3,), None),
        "view": ("attribute", (2,), None),
        "inner_plain": ("attribute", (3,), None),
        "inner_parts_0": ("attribute", (1,), None),
        "inner_parts_1_k": ("attribute", (2,), None),
    }
    assert sorted(item.arg for item in made.state if "rnn" in item.arg) == [
        "rnn_bias_hh_l0", "rnn_bias_ih_l0", "rnn_weight_hh_l0", "rnn_weight_ih_l0",
    ]  # fmt: skip


def test_arguments_are_identifiers_and_inputs_give_way_to_state():
    made = contract(
        """
        class Model(nn.Sequential):
            def __init__(self):
                super().__init__(nn.Linear(3, 3))
                self.x = nn.Parameter(torch.ones(3))
            def forward(self, x, *rest):
                return self[0](x) + self.x + sum(rest)
        def get_inputs(): return [torch.rand(3), torch.rand(3), torch.rand(1)]
        """
    )
    assert [item.arg for item in made.state] == ["x", "_0_weight", "_0_bias"]
    assert [item.name for item in made.inputs] == ["x_input", "rest_0", "rest_1"]
    assert set(made.graph["inputs"]) == {"x_input", "rest_0", "rest_1"}


def test_inputs_of_every_kind():
    made = contract(
        model(
            "a, b, flags, zero, pair, n, k=2: return {'out': (a.sum(1) + b) * flags + zero * n, 'pair': pair[0] + k}",
            "[base.t(), base[0], torch.tensor([True, False]), torch.tensor(3), (torch.arange(2), None), 2.5]",
            "base = torch.rand(3, 3)[:, :2]",
        )
    )
    trees = [item.value for item in made.inputs]
    assert trees[0]["t"]["stride"] == [1, 3]
    assert trees[0]["t"]["storage"] == trees[1]["t"]["storage"] == 0
    assert trees[2]["t"]["dtype"] == "bool"
    assert trees[3]["t"] == {"shape": [], "stride": [], "offset": 0, "dtype": "int64", "storage": 2}
    assert trees[4] == {"tuple": [{"t": {**trees[4]["tuple"][0]["t"]}}, {"v": None}]}
    assert trees[5] == {"v": 2.5}
    assert set(made.output_tree["dict"]) == {"out", "pair"}
    assert [out.dtype for out in made.outputs] == ["float32", "int64"]


def test_changed_inputs_and_aliases():
    made = contract(
        model(
            "x, y, z: x.relu_()\ny[0].add_(1)\nreturn x, z.t(), self.w, y[0] * 2",
            "[torch.rand(4), [torch.rand(4)], torch.rand(2, 3)]",
            init="self.w = nn.Parameter(torch.rand(2))",
        )
    )
    assert made.mutates == ["x", "y"]  # x holds no negative: its values stay as they were
    assert [out.alias for out in made.outputs] == ["x", "z", "w", None]


def test_train_mode_stays_and_its_buffers_are_flagged():
    made = contract(
        model("x: return self.norm(x)", "[torch.rand(4, 3)]", init="self.norm = nn.BatchNorm1d(3)"),
    )
    assert "updates_state" in made.flags
    assert made.mutates == []
    assert "num_batches_tracked" in {item.path.split(".")[-1] for item in made.state}


@pytest.mark.parametrize(
    ("init", "call"),
    [
        ("self.f = nn.Dropout(0.5)", "self.f(x)"),
        ("self.f = nn.Sequential(nn.FeatureAlphaDropout(0.3))", "self.f(x)"),
        ("self.f = nn.RReLU()", "self.f(x)"),
        ("self.f = nn.MultiheadAttention(4, 2, dropout=0.5)", "self.f(x, x, x)[0]"),
        ("self.f = nn.RNN(4, 3, 2, dropout=0.5)", "self.f(x)[0]"),
    ],
)
def test_random_only_through_modules_is_judged_without_them(init: str, call: str):
    made = contract(model(f"x: return {call} * 2", "[torch.randn(2, 3, 4)]", init=init))
    assert "dropout_eval" in made.flags


def test_dropout_that_drops_nothing_is_not_worth_a_word():
    made = contract(model("x: return self.f(x) * 2", "[torch.randn(2, 3)]", init="self.f = nn.Dropout(0.0)"))
    assert made.flags == []


def test_a_cache_that_forward_replaces_is_not_random():
    made = contract(
        model(
            "x: self.cache = torch.cat([self.cache, x])\nreturn self.cache.sum(0)",
            "[torch.rand(1, 3)]",
            init="self.cache = torch.ones(1, 3)",
        )
    )
    assert made.outputs[0].shape == (3,)
    assert "updates_state" in made.flags


def test_a_forward_that_looks_at_values_is_tried_on_real_tensors():
    made = contract(model("x: return x * (2 if x.sum().item() > 0 else 3)", "[torch.rand(n)]", "n = 8"))
    assert made.admitted == {"n": [8, 9, 7, 16]}
    assert "untraceable" in made.graph


def test_a_model_that_looks_at_values_while_it_is_made():
    made = contract(
        model(
            "x: return x * self.rates[1]",
            "[torch.rand(big, 64)]",
            "big = 2 ** 22",
            init="self.rates = [r.item() for r in torch.linspace(0, 1, 3)]",
        )
    )
    assert made.shrunk is not None
    assert made.shrunk["big"] < 1024


# sizes


@pytest.fixture
def little_memory() -> Iterator[None]:
    """At most 600 MiB more than this process has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    status = Path("/proc/self/status").read_text()
    [used] = [int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData")]
    resource.setrlimit(resource.RLIMIT_DATA, (used + (600 << 20), hard))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@pytest.mark.usefixtures("little_memory")
def test_a_gibibyte_is_shrunk_and_never_allocated():
    made = contract(model("x: return torch.sigmoid(x) * x", "[torch.rand(batch, dim)]", "batch, dim = 4096, 65536"))
    assert made.flags == ["declared_fake"]
    assert made.input_bytes == 1 << 30
    assert made.shrunk is not None
    assert made.shrunk["batch"] == 2
    assert 1024 <= made.shrunk["dim"] <= 16384
    assert made.admitted["dim"] == [65536, 65537, 65535, 131072]
    assert made.admitted_shrunk["batch"] == [2, 3, 1, 4]


def test_model_sizes_shrink_after_data_sizes_and_small_ones_stay():
    made = contract(
        """
        batch, channels, width, kernel, size = 64, 256, 512, 3, 128
        class Model(nn.Module):
            def __init__(self, channels, width, kernel):
                super().__init__()
                self.conv = nn.Conv2d(channels, width, kernel)
            def forward(self, x):
                return self.conv(x)
        def get_inputs(): return [torch.rand(batch, channels, size, size)]
        def get_init_inputs(): return [channels, width, kernel]
        """
    )
    assert made.sizes == {"batch": "data", "channels": "model", "width": "model", "kernel": "model", "size": "data"}
    small = made.shrunk
    assert small is not None
    assert (small["batch"], small["size"], small["kernel"]) == (2, 8, 3)
    assert 16 <= small["channels"] < 256
    assert set(made.admitted_shrunk) == set(made.admitted) == {"batch", "size"}


def test_each_size_shrinks_as_far_as_the_problem_lets_it():
    made = contract(
        model(
            "x: assert len(x) >= 400\nreturn x[:, :, None] * self.w",
            "[torch.rand(rows, columns)]",
            "rows, columns, width = 2048, 2048, 64",
            init="self.w = nn.Parameter(torch.rand(width))",
        )
    )
    small = made.shrunk
    assert small is not None
    assert (small["rows"], small["columns"], small["width"]) == (512, 2, 16)
    assert made.admitted_shrunk["rows"] == [512, 513, 511, 1024]


def test_divisible_sizes_move_in_steps_and_no_output_is_empty():
    made = contract(
        model(
            "x, y: return x.view(-1, 6).sum(1), y[5:] * 2",
            "[torch.rand(steps), torch.rand(short)]",
            "steps = 24\nshort = 6",
        )
    )
    assert made.admitted == {"steps": [24, 30, 18, 48], "short": [6, 7, 12]}


def test_a_move_that_changes_no_input_is_none():
    made = contract(model("x: return x * 2", "[torch.rand(n // 2)]", "n = 8"))
    assert made.admitted == {"n": [8, 7, 16]}


def test_another_computation_is_no_move():
    made = contract(model("x: return x + 1 if len(x) % 2 else x * 2", "[torch.rand(n)]", "n = 8"))
    assert made.admitted == {"n": [8, 10, 6, 16]}


def test_a_loop_may_take_more_rounds():
    made = contract(
        model("x: y = x[0]\nfor row in x[1:]: y = torch.tanh(y + row)\nreturn y", "[torch.rand(n, 3)]", "n = 8")
    )
    assert made.admitted == {"n": [8, 9, 7, 16]}


def test_indices_out_of_range_are_found_on_real_tensors():
    made = contract(
        model(
            "i: return self.table[i] * 2",
            "[torch.arange(n)]",
            "n = 16",
            init="self.table = nn.Parameter(torch.rand(16, 2))",
        )
    )
    assert made.admitted == {"n": [16, 15]}


def test_equal_sizes_that_move_only_together_become_one():
    made = contract(model("x, y: return x + y", "[torch.rand(rows), torch.rand(columns)]", "rows = 8\ncolumns = 8"))
    assert made.sizes == {"rows+columns": "data"}
    assert made.declared == {"rows+columns": 8}
    assert made.admitted == {"rows+columns": [8, 9, 7, 16]}
    text = rewrite(made.source["code"], {"rows+columns": 5})
    instance = build(load(text, "problem.py"), 0)
    assert outputs_of(forward(instance, instance.inputs))[1][0].shape == (5,)


def test_admitted_values_can_be_drawn_independently():
    made = contract(
        model(
            "x: assert x.numel() <= 80\nreturn x * 2",
            "[torch.rand(rows, columns)]",
            "rows = 6\ncolumns = 6",
        )
    )
    assert max(made.admitted["rows"]) * max(made.admitted["columns"]) <= 80
    assert made.admitted["rows"] == [6, 7, 5, 12]


def test_values_of_inputs_are_no_data_size():
    made = contract(model("x: return x * 2", "[torch.randint(0, high, (n,))]", "high = 10\nn = 5"))
    assert made.sizes == {"high": "hyper", "n": "data"}


def test_bare_literals_count_where_nothing_is_named():
    made = contract(
        model(
            "x: return x * self.w",
            "[torch.rand(4, 3, dim)]",
            "dim = 5",
            init="self.w = nn.Parameter(torch.ones(3, dim))",
        )
    )
    assert made.sizes == {"dim": "model", "get_inputs[0]": "data"}
    assert made.admitted == {"get_inputs[0]": [4, 5, 3, 8]}


def test_model_sizes_vary_where_there_is_no_data_size():
    made = contract(
        model("x: return x * self.w", "[torch.rand(dim)]", "dim = 5", init="self.w = nn.Parameter(torch.ones(dim))")
    )
    assert "sizes_fixed" in made.flags
    assert made.admitted == {"dim": [5, 6, 4, 10]}


def test_a_search_without_time_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(role, "SIZES_SECONDS", 0.5)
    monkeypatch.setattr(sizing, "CONFIRM_SECONDS", 0.2)
    made = contract(
        model(
            "x: y = x[0]\nfor row in x[1:]: y = torch.tanh(y + row).clamp(-1, 1) * 0.5\nreturn y",
            "[torch.rand(steps, width)]",
            "steps = 400\nwidth = 3",
        )
    )
    assert "sizes_capped" in made.flags
    assert made.sizes == {"steps": "data", "width": "data"}
    assert [values[0] for values in made.admitted.values()] == [400, 3]
    assert len(made.ops) > 1000


# what is broken, and where


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
