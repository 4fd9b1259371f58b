"""The traced graph itself."""

import math

import torch
from harness import named
from torch import nn

from pytest_kernelfalcon.judge.roles.graph import Untraceable, capture
from pytest_kernelfalcon.judge.roles.held import state_of

R = torch.randn


def graph_of(module, inputs):
    model = named(module)
    return capture(model, inputs, state_of(model))


def operations(graph):
    return [node for node in graph["nodes"] if node["op"].startswith("aten.")]


def case_every_argument_is_there():
    (node,) = operations(graph_of(lambda x: x + 2, [R(3)]))
    assert node["op"] == "aten.add.Tensor" and node["args"] == [{"ref": "n0"}, 2] and node["kwargs"] == {"alpha": 1}


def case_sizes_follow_from_the_inputs():
    graph = graph_of(lambda x: x[:, : x.shape[1] // 2] + 1, [R(3, 8)])
    assert graph["nodes"][-1]["outputs"][0]["sizes"] == ["n0.shape[0]", "n0.shape[1] // 2"], graph["nodes"][-1]
    assert graph["nodes"][-1]["outputs"][0]["shape"] == [3, 4]


def case_numbers_stay_symbolic():
    graph = graph_of(lambda x, s: x * (2 * s) / math.sqrt(x.shape[1]), [R(3, 8), 1.5])
    product, quotient = operations(graph)
    assert product["args"][1] == {"expression": "2.0 * n1", "value": 3.0}, product
    assert quotient["args"][1]["expression"] == "float(n0.shape[1]) ** 0.5", quotient
    assert graph["inputs"] == {"x": "n0", "s": "n1"}


def case_a_number_that_is_looked_at_is_part_of_the_graph():
    graph = graph_of(lambda x, flag: x + 1 if flag else x - 1, [R(3), True])
    assert [node["op"] for node in operations(graph)] == ["aten.add.Tensor"] and graph["inputs"] == {"x": "n0"}


def case_values_that_are_not_finite():
    (node,) = operations(graph_of(lambda x: x.masked_fill(x > 0, -math.inf), [R(3)]))[1:]
    assert node["args"][2] == {"float": "-inf"}


def case_constants_are_known_by_value():
    graph = graph_of(lambda x: x * torch.tensor(0.5), [R(3)])
    assert [node["value"] for node in graph["nodes"] if node["op"] == "constant"] == [0.5]


def case_changes_in_place_become_values():
    def forward(x):
        x.add_(1)
        return x * 2

    graph = graph_of(forward, [R(3)])
    assert [node["op"] for node in operations(graph)] == ["aten.add.Tensor", "aten.mul.Tensor"]
    assert graph["mutated"] == {"x": {"ref": "n1"}} and graph["results"] == [{"ref": "n2"}]


def case_state_that_changes_is_told_apart():
    graph = graph_of(nn.BatchNorm1d(4), [R(3, 4)])
    assert graph["mutated"] == {} and "num_batches_tracked" in graph["updated"]


def case_tied_state_is_one_node():
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    graph = graph_of(model, [R(2, 4)])
    assert list(graph["state"]) == ["_0_weight"], graph["state"]


def case_the_model_stays_as_it_was():
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(R(3))

        def forward(self, x):
            self.cache = x * self.weight
            return self.cache

    model = Caching()
    before = model.weight
    graph_of(model, [R(3)])
    assert model.weight is before and not hasattr(model, "cache")


def case_what_cannot_be_traced_says_why():
    try:
        graph_of(lambda x: x + 1 if x.sum() > 0 else x - 1, [R(3)])
    except Untraceable as error:
        assert "DataDependent" in str(error), error
    else:
        raise AssertionError("a branch on a value was traced")


def case_large_tensors_cost_nothing():
    x = torch.empty(1 << 34, dtype=torch.uint8).as_strided((1 << 17, 1 << 17), (1 << 17, 1))
    assert operations(graph_of(lambda x: x + 1, [x]))[0]["outputs"][0]["shape"] == [1 << 17, 1 << 17]
