"""Stages: what a module is made of. A stage is one kernel and its launch; it computes some of the graph's tensors.

A recipe cuts a graph into stages. A stage reads *leaves*: sources of its graph seen through views. What an earlier
stage computed is such a source, a *workspace* (see `Graph.cut`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_kernelfalcon.generator.cookbook.graph import Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Replay

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
    from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics


@dataclass
class Leaf:
    """A source seen through views. name: its variable in the kernel.

    kind: one number for all elements; read at the output's own offsets (linear); or by strides.
    shape: aligned with what the kernel runs over, 1 where it is broadcast.
    """

    node: Node
    name: str
    replay: Replay
    kind: Literal["scalar", "linear", "strided"] = "strided"
    shape: tuple[int, ...] = ()

    @property
    def dtype(self) -> str:
        return self.node.outputs[0].dtype


class Stage(Protocol):
    """name: the kernel's, which may be given later. refs: what it computes, each a tensor that `launch` allocates.

    lower: writes the computation. parameters, lines: the kernel's, in text. launch: adds the wrapper's lines, for which
    the wrapper has named the results already (`wrapper.out`).
    """

    name: str

    @property
    def refs(self) -> Sequence[Ref]: ...

    @property
    def sources(self) -> Sequence[Leaf]: ...

    def lower(self, numerics: Numerics) -> None: ...

    def parameters(self) -> list[str]: ...

    def lines(self) -> list[str]: ...

    def launch(self, wrapper: Wrapper) -> None: ...
