"""Whether two tensors that lie in one storage have a byte in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kernelfalcon.contracts.contract import ITEMSIZE

Steps = list[tuple[int, int]]
"""(bytes, how many): each adds any whole number of its bytes below that many."""
TRIES = 10_000


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """one, other: `TensorSpec`s as JSON. Exact for parts of one buffer, also where they lie between each other; strides
    that no part of a buffer has are taken to overlap where that cannot be told soon.
    """
    if one["storage"] != other["storage"] or not all((*one["shape"], *other["shape"])):
        return False
    left, right = _steps(one), _steps(other)
    # start of one + its steps = start of other + its steps; the other's steps, counted from its end, add as well
    distance = _start(other) - _start(one) + sum(size * (count - 1) for size, count in right)
    return _reaches(distance, _merged([*left, *right]), iter(range(TRIES)))


def _start(spec: Mapping[str, Any]) -> int:
    return int(spec["offset"]) * ITEMSIZE[spec["dtype"]]


def _steps(spec: Mapping[str, Any]) -> Steps:
    """Along each dimension, and through the bytes of an element."""
    size = ITEMSIZE[spec["dtype"]]
    along = [(stride * size, count) for stride, count in zip(spec["stride"], spec["shape"], strict=True)]
    return [(stride, count) for stride, count in (*along, (1, size)) if stride and count > 1]


def _merged(steps: Steps) -> Steps:
    """One entry a size, the largest first."""
    counts: dict[int, int] = {}
    for size, count in steps:
        counts[size] = counts.get(size, 1) + count - 1
    return sorted(counts.items(), reverse=True)


def _reaches(distance: int, steps: Steps, left: Iterator[int]) -> bool:
    """Whether the steps can add up to it. Sizes that hold all smaller ones leave two ways to go at each; where there
    are so many ways that nothing is `left` of the tries, it is taken for granted.
    """
    if not steps:
        return distance == 0
    (size, count), rest = steps[0], steps[1:]
    span = sum(other * (number - 1) for other, number in rest)
    least, most = max(0, -(-(distance - span) // size)), min(count - 1, distance // size)
    ways = range(least, most + 1)
    return any(next(left, None) is None or _reaches(distance - size * taken, rest, left) for taken in ways)
