"""Shapes and block types made once: Triton makes several new ones in each operation, a third of an operation's time."""

from __future__ import annotations

import math
from typing import Any

import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.internals import TritonSemantic

_shapes: dict[tuple[int, ...], tuple[Any, Any]] = {}
_types: dict[tuple[Any, ...], Any] = {}


def patch() -> None:
    """Replace what tensors and types do when they are made."""
    tl.core.tensor.__init__ = _make_tensor
    tl.core.block_type.with_element_ty = _with_element
    for kind in (tl.core.dtype, tl.core.pointer_type, tl.core.block_type):
        kind.to_ir = lambda self, builder: self  # the interpreter's types are the language's own
    TritonSemantic.broadcast_impl_value = _broadcast(TritonSemantic.broadcast_impl_value)


def _make_tensor(self: Any, handle: Any, type: Any) -> None:
    self.handle, self.type, self.dtype = handle, type, type.scalar
    shape = tuple(type.shape) if type.is_block() else ()
    known = _shapes.get(shape)
    if known is None:
        known = tl.core.tuple([tl.constexpr(size) for size in shape]), tl.constexpr(math.prod(shape))
        _shapes[shape] = known
    self.shape, self.numel = known


def _with_element(self: Any, scalar: Any) -> Any:
    key = (scalar.name, getattr(scalar, "address_space", None), *self.shape)
    if key not in _types:
        _types[key] = tl.block_type(scalar, list(self.shape))
    return _types[key]


def _broadcast(general: Any) -> Any:
    def broadcast(self: Any, lhs: Any, rhs: Any) -> Any:
        left, right = lhs.type, rhs.type
        same = left.shape.values == right.shape.values if left.is_block() and right.is_block() else False
        if same or not (left.is_block() or right.is_block()):
            return lhs, rhs
        return general(self, lhs, rhs)

    return broadcast
