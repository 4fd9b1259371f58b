"""What honest arithmetic in a problem's own types may be off by, operation for operation. PYTEST_DONT_REWRITE

A forward in fp64 gets, after each operation that adds up many terms or loses digits by its nature, a random error of
the size that a straightforward kernel has there: Monte Carlo arithmetic (Parker, *Monte Carlo Arithmetic*, 1997).

    sum of n terms   std = u · sqrt( n/3B · (S²/3 + Q/6) + Q/3 )    S the sum, Q the sum of the squared terms
    exp              std = u · |exp x| · (2 + |x|) / sqrt 3

u is the unit roundoff of the accumulator: float32 for all narrower types. The first is the rounding error of partial
sums that walk from 0 to S as a random walk with that drift does (Higham, *Accuracy and Stability of Numerical
Algorithms*, 4.2), taken every B terms, with the rounding of each term. The second is `exp2(x · log2 e)` in u.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten

BLOCK = 8
"""Terms between two roundings of a running sum. The bound is four times the result: so is one that rounds each time."""
FUSED = [
    aten._softmax, aten._log_softmax, aten.native_layer_norm, aten.native_group_norm, aten.native_batch_norm,
    aten._native_batch_norm_legit, aten._native_batch_norm_legit_no_training, aten._fused_rms_norm, aten.logsumexp,
    aten.nll_loss_forward, aten.mse_loss, aten.smooth_l1_loss, aten.huber_loss, aten.binary_cross_entropy,
    aten.var, aten.var_mean, aten.std, aten.std_mean, aten.linalg_vector_norm, aten.norm, aten.addmv, aten.mv,
    aten.dot, aten.vdot, aten.trace, aten.silu, aten._scaled_dot_product_flash_attention_for_cpu,
]  # fmt: skip
"""What is taken apart, by torch's own table, so that the sums in it are seen."""

Scale = Callable[..., torch.Tensor]


class Noise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Errors that hang on the result alone, so that equal results stay equal. number: which errors.

    sign: 1 or -1; two modes that differ in it alone err to opposite sides.
    """

    def __init__(self, sign: float, number: int, unit: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sign, self._number, self._unit = sign, number, unit
        self._parts = get_decompositions(FUSED)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self._parts:
            with self:
                return self._parts[func](*args, **kwargs)
        result = func(*args, **kwargs)
        scale = SCALES.get(func.overloadpacket)
        if scale is None or not isinstance(result, torch.Tensor) or result.dtype != torch.float64:
            return result
        error = self._sign * self._unit * self._draw(result) * scale(func, result, *args, **kwargs)
        return result + error.nan_to_num(0.0, 0.0, 0.0)

    def _draw(self, result: torch.Tensor) -> torch.Tensor:
        """As good as random, of standard deviation 1."""
        return math.sqrt(2) * (torch.frexp(result).mantissa * 1e6 * (self._number + 1) + self._number).sin()


def _adding(result: torch.Tensor, squares: torch.Tensor, count: float | torch.Tensor) -> torch.Tensor:
    """In units of roundoff: the error of a sum of `count` terms, whose squares add up to `squares`."""
    return (count / (3 * BLOCK) * (result.square() / 3 + squares / 6) + squares / 3).sqrt()


def _sum(func: Any, result: torch.Tensor, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    return _adding(result, func(x.double().square(), *args, **kwargs), x.numel() / max(result.numel(), 1))


def _mean(func: Any, result: torch.Tensor, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    count = x.numel() / max(result.numel(), 1)
    return _adding(result * count, func(x.square(), *args, **kwargs) * count, count) / count


def _cumsum(func: Any, result: torch.Tensor, x: torch.Tensor, dim: int, **kwargs: Any) -> torch.Tensor:
    shape = [1] * x.dim()
    if x.dim():
        shape[dim] = x.shape[dim]
    count = torch.arange(1, math.prod(shape) + 1, dtype=result.dtype, device=result.device).reshape(shape)
    return _adding(result, func(x.square(), dim, **kwargs), count)


def _product(func: Any, result: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return _adding(result, func(a.square(), b.square()), a.shape[-1])


def _plus_product(
    func: Any, result: torch.Tensor, c: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, alpha: float = 1, **_: Any
) -> torch.Tensor:
    return _adding(result, torch.matmul(a.square(), b.square()) * alpha**2, a.shape[-1])


def _convolution(
    func: Any, result: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: Any, *args: Any
) -> torch.Tensor:
    return _adding(result, func(x.square(), weight.square(), None, *args), weight.numel() / weight.shape[0])


def _multiplying(func: Any, result: torch.Tensor, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return result.abs() * math.sqrt(x.numel() / max(result.numel(), 1) / 3)


def _exp(func: Any, result: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return result.abs() * (2 + x.abs()) / math.sqrt(3)


def _sigmoid(func: Any, result: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return result * (1 - result) * (2 + x.abs()) / math.sqrt(3)


SCALES: dict[Any, Scale] = {
    aten.sum: _sum,
    aten.mean: _mean,
    aten.cumsum: _cumsum,
    aten.mm: _product,
    aten.bmm: _product,
    aten.addmm: _plus_product,
    aten.baddbmm: _plus_product,
    aten.convolution: _convolution,
    aten.prod: _multiplying,
    aten.cumprod: _multiplying,
    aten.exp: _exp,
    aten.exp2: _exp,
    aten.sigmoid: _sigmoid,
}
"""By operation: the standard deviation of its error, in units of roundoff."""
