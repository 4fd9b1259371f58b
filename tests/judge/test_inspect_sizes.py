"""Which sizes a problem takes, and how far it shrinks: found by running it, in this process."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.sizes import rewrite
from pytest_kernelfalcon.judge.roles import inspect as role
from pytest_kernelfalcon.judge.roles import sizing
from pytest_kernelfalcon.judge.roles.modules import build, forward, load, outputs_of

from .inspecting import contract, model


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
