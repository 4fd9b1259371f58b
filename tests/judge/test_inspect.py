"""What a contract says of a problem, found by running it, in this process."""

from __future__ import annotations

import pytest

from pytest_kernelfalcon.judge.roles import inspect as role

from .inspecting import INIT, contract, model


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
