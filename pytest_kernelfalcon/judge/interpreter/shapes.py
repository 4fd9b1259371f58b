"""Shapes and block types made once: Triton makes several new ones in each operation, a third of an operation's time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import triton.language as tl

from pytest_kernelfalcon.judge.interpreter.internals import TritonSemantic, unwrap

_joined: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, ...] | None] = {}
_types: dict[tuple[Any, ...], Any] = {}


def patch() -> None:
    """Replace what tensors and types do when they are made."""
    tl.core.dtype.kf_sizes, tl.core.dtype.kf_tensor = None, _of(())  # of scalars; each block type has its own
    tl.core.tensor.__init__ = _make_tensor
    tl.core.block_type.__init__ = _block(tl.core.block_type.__init__)
    tl.core.block_type.with_element_ty = _with_element
    for kind in (tl.core.dtype, tl.core.pointer_type, tl.core.block_type):
        kind.to_ir = lambda self, builder: self  # the interpreter's types are the language's own
    TritonSemantic.broadcast_impl_value = _broadcast(TritonSemantic.broadcast_impl_value)


def _make_tensor(self: Any, handle: Any, type: Any) -> None:
    self.handle, self.type, self.dtype = handle, type, type.scalar
    self.shape, self.numel = type.kf_tensor


def _of(sizes: tuple[int, ...]) -> tuple[Any, Any]:
    """A tensor's `shape` and `numel`."""
    return tl.core.tuple([tl.constexpr(size) for size in sizes]), tl.constexpr(math.prod(sizes))


def _block(general: Any) -> Any:
    """Types of one name are alike in all but where their pointers point: what else they hold is made once."""
    made: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}

    def init(self: Any, element_ty: Any, shape: Any) -> None:
        sizes = tuple(map(unwrap, shape.values if isinstance(shape, tl.core.tuple) else shape))
        key = element_ty.name, sizes
        if key not in made:
            general(self, element_ty, shape)
            self.kf_sizes, self.kf_tensor = sizes, _of(sizes)
            made[key] = {name: value for name, value in vars(self).items() if name != "element_ty"}
        self.__dict__.update(made[key])
        self.element_ty = element_ty

    return init


def _with_element(self: Any, scalar: Any) -> Any:
    return block(scalar, self.kf_sizes)


def block(scalar: Any, sizes: tuple[int, ...]) -> Any:
    """The type of a block of these elements."""
    key = scalar.name, getattr(scalar, "address_space", None), sizes
    if key not in _types:
        _types[key] = tl.block_type(scalar, list(sizes))
    return _types[key]


def joined(left: Any, right: Any) -> Any:
    """The type, of `left`'s elements, that two operands' shapes are broadcast to; None where they do not fit.

    Both types hold the same elements, or the caller gives the result others.
    """
    if left is right or right.kf_sizes is None:
        return left
    if left.kf_sizes is None:
        return right
    key = left.kf_sizes, right.kf_sizes
    if key not in _joined:
        try:
            _joined[key] = np.broadcast_shapes(*key)
        except ValueError:
            _joined[key] = None
    sizes = _joined[key]
    if sizes is None or sizes == left.kf_sizes:
        return None if sizes is None else left
    return right if sizes == right.kf_sizes else block(left.scalar, sizes)


def _broadcast(general: Any) -> Any:
    def broadcast(self: Any, lhs: Any, rhs: Any) -> Any:
        left, right = lhs.type, rhs.type
        if left.kf_sizes == right.kf_sizes:
            return lhs, rhs
        return general(self, lhs, rhs)

    return broadcast
