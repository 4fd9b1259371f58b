"""libdevice (NVIDIA) and OCML (AMD) functions, found by the symbol that the compiler would call.

Floating functions are computed in fp64 and rounded once, which is at least as exact as the libraries'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pytest_kernelfalcon.judge.interpreter.dtypes import convert, numpy_dtype
from pytest_kernelfalcon.judge.interpreter.faults import NotRunnable
from pytest_kernelfalcon.judge.interpreter.internals import TensorHandle
from pytest_kernelfalcon.judge.interpreter.memory import UNSIGNED, Array

Function = Callable[..., Any]
_special = torch.special

_SAME_IN_TORCH = (
    "acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh erf erfc erfinv exp exp2 expm1 floor fmod hypot "
    "lgamma log log10 log1p log2 rsqrt signbit sin sinh sqrt tan tanh trunc pow isnan isinf isfinite"
)
_FAST = "cos exp log log10 log2 pow sin tan tanh"


def _round_away(x: torch.Tensor) -> torch.Tensor:
    """Halves away from zero, as C's round."""
    whole = torch.trunc(x)
    return whole + torch.sign(x) * ((x - whole).abs() >= 0.5)


def _cbrt(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.cbrt(x.numpy()))


def _gamma(x: torch.Tensor) -> torch.Tensor:
    """By reflection below one half: exp(lgamma) has no sign."""
    reflected = torch.pi / (torch.sin(torch.pi * x) * torch.exp(torch.lgamma(1 - x)))
    pole = (x <= 0) & (x == torch.floor(x))
    return torch.where(pole, torch.nan, torch.where(x < 0.5, reflected, torch.exp(torch.lgamma(x))))


def _norm(*parts: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(torch.stack([part * part for part in parts]).sum(0))


def _exponent(x: torch.Tensor) -> torch.Tensor:
    return torch.frexp(x)[1].double() - 1


_FLOATING: dict[str, Function] = {
    **{name: getattr(torch, name) for name in _SAME_IN_TORCH.split()},
    "fabs": torch.abs,
    "finite": torch.isfinite,
    "fast_fdivide": torch.div,
    **{f"fast_{name}": getattr(torch, name) for name in _FAST.split()},
    "fast_exp10": lambda x: torch.pow(10.0, x),
    "exp10": lambda x: torch.pow(10.0, x),
    "round": _round_away,
    "llround": _round_away,
    **dict.fromkeys(("rint", "nearbyint", "llrint"), torch.round),
    "cbrt": _cbrt,
    "rcbrt": lambda x: 1 / _cbrt(x),
    "cospi": lambda x: torch.cos(torch.pi * torch.fmod(x, 2)),
    "sinpi": lambda x: torch.sin(torch.pi * torch.fmod(x, 2)),
    "tgamma": _gamma,
    "erfcx": _special.erfcx,
    "erfcinv": lambda x: -_special.ndtri(x / 2) / 2**0.5,
    "normcdf": _special.ndtr,
    "normcdfinv": _special.ndtri,
    **dict.fromkeys(("i0", "cyl_bessel_i0"), _special.i0),
    **dict.fromkeys(("i1", "cyl_bessel_i1"), _special.i1),
    **{name: getattr(_special, f"bessel_{name}") for name in ("j0", "j1", "y0", "y1")},
    "logb": _exponent,
    "ilogb": _exponent,
    **dict.fromkeys(("ldexp", "scalbn"), lambda x, n: x * torch.exp2(n)),
    **dict.fromkeys(("powi", "pown"), torch.pow),
    "saturate": lambda x: torch.nan_to_num(x, nan=0.0).clamp(0, 1),
    "fdim": lambda x, y: torch.where(x > y, x - y, torch.where(x != x, x, torch.where(y != y, y, 0.0))),
    "remainder": lambda x, y: x - torch.round(x / y) * y,
    "fma": lambda x, y, z: x * y + z,
    "rhypot": lambda x, y: 1 / torch.hypot(x, y),
    **dict.fromkeys(("norm3d", "norm4d"), _norm),
    **dict.fromkeys(("rnorm3d", "rnorm4d"), lambda *parts: 1 / _norm(*parts)),
}
_ROUNDED: dict[str, Function] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "rcp": torch.reciprocal,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "ma": _FLOATING["fma"],
    "maf": _FLOATING["fma"],
}
_TO_WHOLE = {"n": np.rint, "z": np.trunc, "d": np.floor, "u": np.ceil}
_AS_THEY_ARE: dict[str, Function] = {
    **dict.fromkeys(("abs", "llabs"), np.abs),
    "nextafter": np.nextafter,
    **dict.fromkeys(("popc", "popcll"), lambda x: np.bitwise_count(x.view(UNSIGNED[x.itemsize]))),
    **dict.fromkeys(("clz", "clzll"), lambda x: 8 * x.itemsize - _length(x.view(UNSIGNED[x.itemsize]))),
    **dict.fromkeys(("ffs", "ffsll"), lambda x: _length((x & -x).view(UNSIGNED[x.itemsize]))),
}


def _length(x: Array) -> Array:
    """How many bits up to the highest that is set."""
    length = np.zeros(x.shape, np.int32)
    for bit in range(8 * x.itemsize):
        length[(x >> x.dtype.type(bit)) != 0] = bit + 1
    return length


def call(symbol: str, arrays: list[Array], target: np.dtype[Any]) -> Array:
    """The library function on arrays of one shape, as an array of dtype `target`. Raises NotRunnable if unknown."""
    name = re.sub(r"_f(32|64)$", "", symbol.removeprefix("__nv_").removeprefix("__ocml_"))
    if name in _AS_THEY_ARE:
        return np.asarray(_AS_THEY_ARE[name](*arrays)).astype(target)
    if re.fullmatch(r"(float|int|uint|double|longlong)_as_(float|int|uint|double|longlong)", name):
        return arrays[0].view(target)
    if conversion := re.fullmatch(r"(?:float|double|u?int|u?ll)2(?:float|double|u?int|u?ll)_r([nzdu])", name):
        return _converted(arrays[0], conversion[1], target)
    if rounded := re.fullmatch(r"[fd](\w+)_r([nzdu])", name):
        return _rounded(rounded[1], rounded[2], arrays, target, symbol)
    for known in (name, name[:-1]):  # tanhf, isnand: the type's letter at the end
        if known in _FLOATING:
            return convert(_compute(_FLOATING[known], arrays), target)
    raise NotRunnable(f"the interpreter has no libdevice function `{name}`")


def _compute(function: Function, arrays: list[Array]) -> Array:
    """In fp64; truth values come back as such."""
    result = function(*(torch.from_numpy(np.array(array, np.float64)) for array in arrays))
    computed: Array = result.numpy()
    return computed


def _converted(array: Array, mode: str, target: np.dtype[Any]) -> Array:
    """Between numbers: into integers saturating, NaN as 0, as GPUs do."""
    if target.kind == "f":
        return _directed(array.astype(np.float64), mode, target)
    limits = np.iinfo(target)
    whole = np.nan_to_num(_TO_WHOLE[mode](array.astype(np.float64)), nan=0.0)
    inside = np.where((whole >= limits.min) & (whole < float(limits.max)), whole, 0).astype(target)
    low = np.where(whole < limits.min, target.type(limits.min), inside)
    return np.where(whole >= float(limits.max), target.type(limits.max), low)


def _rounded(name: str, mode: str, arrays: list[Array], target: np.dtype[Any], symbol: str) -> Array:
    """fadd_rn, dmul_rz, …: in a given direction for fp32 only, which fp64 leaves room for."""
    if name not in _ROUNDED or (mode != "n" and target == np.float64):
        raise NotRunnable(f"the interpreter has no libdevice function `{symbol.removeprefix('__nv_')}`")
    return _directed(_compute(_ROUNDED[name], arrays), mode, target)


def _directed(exact: Array, mode: str, target: np.dtype[Any]) -> Array:
    near = exact.astype(target)
    back = near.astype(np.float64)
    too_high, too_low = back > exact, back < exact
    if mode == "z":
        too_high, too_low = too_high & (exact > 0), too_low & (exact < 0)
    down = np.where(too_high, np.nextafter(near, target.type(-np.inf)), near)
    up = np.where(too_low, np.nextafter(near, target.type(np.inf)), near)
    return {"n": near, "d": down, "u": up, "z": np.where(too_high, down, up)}[mode]


class LibraryOps:
    """Calls of external libraries."""

    def create_extern_elementwise(
        self, lib_name: str, lib_path: str, symbol: str, arguments: Any, ret_type: Any, is_pure: bool
    ) -> Any:
        arrays = [argument.data for argument in arguments]
        if len(arrays) > 1:  # a scalar beside blocks has one element
            arrays = list(np.broadcast_arrays(*arrays))
        result = call(symbol, arrays, numpy_dtype(ret_type))
        return TensorHandle(result.reshape(arrays[0].shape), ret_type.scalar)
