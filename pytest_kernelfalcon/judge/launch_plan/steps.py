"""The steps of a launch plan, as they are once they are checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.contract import TensorSpec
from pytest_kernelfalcon.contracts.trees import Tree


@dataclass(frozen=True)
class Alloc:
    storage: int
    nbytes: int


@dataclass(frozen=True)
class Fill:
    tensor: TensorSpec
    value: bool | int | float


@dataclass(frozen=True)
class Copy:
    target: TensorSpec
    source: TensorSpec


@dataclass(frozen=True)
class Launch:
    """arguments: by the kernel's parameter names, each an argument tree (see `Arguments.argument`)."""

    kernel: str
    grid: tuple[int, ...]
    arguments: dict[str, Any]
    options: dict[str, Any]
    line: int | None

    @property
    def programs(self) -> int:
        return math.prod(self.grid)


@dataclass(frozen=True)
class Read:
    tensor: TensorSpec
    line: int | None


@dataclass(frozen=True)
class Tune:
    kernel: str
    count: int
    pick: int


@dataclass(frozen=True)
class Result:
    tree: Tree
    tensors: list[TensorSpec]


Step = Alloc | Fill | Copy | Launch | Read | Tune | Result
