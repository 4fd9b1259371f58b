"""Whether two tensors of one storage have a byte in common: held against all their bytes, one by one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_kernelfalcon.contracts.contract import ITEMSIZE
from pytest_kernelfalcon.judge.overlap import overlap


def spec(shape: list[int], stride: list[int], offset: int = 0, dtype: str = "float32", storage: int = 0) -> Any:
    return {"shape": shape, "stride": stride, "offset": offset, "dtype": dtype, "storage": storage}


def all_bytes(tensor: Any) -> set[int]:
    size, found = ITEMSIZE[tensor["dtype"]], set()
    for index in itertools.product(*map(range, tensor["shape"])):
        element = tensor["offset"] + sum(i * s for i, s in zip(index, tensor["stride"], strict=True))
        found |= set(range(element * size, (element + 1) * size))
    return found


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (spec([4, 8], [8, 1]), spec([4, 8], [8, 1]), True),
        (spec([4, 8], [8, 1]), spec([4, 8], [8, 1], storage=1), False),
        (spec([4, 8], [8, 1]), spec([4, 8], [8, 1], offset=32), False),
        (spec([1000, 64], [128, 1]), spec([1000, 64], [128, 1], offset=64), False),
        (spec([1000, 64], [128, 2]), spec([1000, 64], [128, 2], offset=1), False),
        (spec([1000, 65], [128, 1]), spec([1000, 64], [128, 1], offset=64), True),
        (spec([10**6, 10**6], [2 * 10**6, 1]), spec([10**6, 10**6], [2 * 10**6, 1], offset=10**6), False),
        (spec([0], [1]), spec([4], [1]), False),
        (spec([], []), spec([], []), True),
        (spec([8], [1], dtype="float16"), spec([4], [1], offset=4, dtype="float32"), False),
        (spec([9], [1], dtype="float16"), spec([4], [1], offset=4, dtype="float32"), True),
    ],
)
def test_parts_of_a_buffer(one: Any, other: Any, shared: bool) -> None:
    assert overlap(one, other) is shared
    assert overlap(other, one) is shared


def test_strides_made_to_take_forever_overlap() -> None:
    rank, huge = 8, 2**31
    one = spec([huge] * rank, [6 * (n + 1) for n in range(rank)], dtype="float16")
    other = spec([huge] * rank, [12 * (n + 1) for n in range(rank)], offset=3, dtype="float16")
    assert overlap(one, other)


@st.composite
def specs(draw: st.DrawFn) -> Any:
    rank = draw(st.integers(0, 3))
    sizes = st.lists(st.integers(0, 4), min_size=rank, max_size=rank)
    strides = st.lists(st.integers(0, 9), min_size=rank, max_size=rank)
    dtype = draw(st.sampled_from(["float16", "float32", "bool"]))
    return spec(draw(sizes), draw(strides), draw(st.integers(0, 20)), dtype)


@settings(deadline=None)
@given(specs(), specs())
def test_any_two(one: Any, other: Any) -> None:
    assert overlap(one, other) is not all_bytes(one).isdisjoint(all_bytes(other))
