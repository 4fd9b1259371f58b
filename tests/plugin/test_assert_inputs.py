"""Tensors that a test gives to `assert_kernel`: others like them are drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pytest_kernelfalcon.asserting.embedded import kf_drawn
from pytest_kernelfalcon.asserting.inputs import described


def drawn(*inputs: object) -> list[Any]:
    return kf_drawn(described(inputs, [f"input_{k}" for k in range(len(inputs))]))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_values_are_new_and_of_the_same_range_and_distribution() -> None:
    given = 5.0 + torch.rand(4000) ** 4
    (made,) = drawn(given)
    assert not torch.equal(made, given)
    assert given.min() <= made.min() and made.max() <= given.max()
    assert torch.allclose(made.sort().values, given.sort().values, atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e5m2])
def test_types_stay(dtype: torch.dtype) -> None:
    (made,) = drawn(torch.rand(50).to(dtype))
    assert made.dtype == dtype
    assert made.float().min() >= 0


def test_integers_and_booleans() -> None:
    integers, flags = drawn(torch.randint(-3, 40, (500,), dtype=torch.int16), torch.rand(4000) < 0.2)
    assert integers.dtype == torch.int16
    assert integers.min() >= -3 and integers.max() < 40
    assert integers.unique().numel() > 30
    assert 0.15 < flags.float().mean() < 0.25


def test_few_values_that_repeat_stay_and_so_do_infinities() -> None:
    mask = torch.zeros(60, 60).masked_fill(torch.ones(60, 60).triu(1).bool(), -torch.inf)
    levels, made = drawn(torch.randint(0, 3, (900,)).float(), mask)
    assert levels.unique().tolist() == [0.0, 1.0, 2.0]
    assert set(made.unique().tolist()) == {0.0, -torch.inf}
    assert 0.4 < made.isinf().float().mean() < 0.6


def test_shapes_strides_and_shared_memory_stay() -> None:
    packed = torch.randn(8, 96)
    query, key, value = packed.chunk(3, dim=1)
    given = [query, key, value, packed.t(), torch.rand(5, 1).expand(5, 7), torch.tensor(2.5), torch.empty(0, 4)]
    made = drawn(*given)
    assert [(t.shape, t.stride()) for t in made] == [(t.shape, t.stride()) for t in given]
    assert torch.equal(made[3].t(), torch.cat(made[:3], dim=1))
    assert made[0].untyped_storage().nbytes() == packed.untyped_storage().nbytes()


def test_only_what_is_reached_of_a_large_storage_is_drawn() -> None:
    (made,) = drawn(torch.randn(1000, 100)[500, ::2])
    assert made.untyped_storage().nbytes() == 99 * 4
    assert made.stride() == (2,)


def test_plain_values_and_nested_ones_stay() -> None:
    tensors = [torch.rand(3), torch.rand(4)]
    made = drawn(tensors, 3, 2.5, float("inf"), None, "sum", (1, {"x": torch.rand(2)}))
    assert [tensor.shape for tensor in made[0]] == [(3,), (4,)]
    assert made[1:6] == [3, 2.5, float("inf"), None, "sum"]
    assert made[6][0] == 1
    assert made[6][1]["x"].shape == (2,)
