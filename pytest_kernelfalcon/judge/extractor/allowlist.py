"""What kernel code may name: the public names of the installed Triton less a deny list, and a few of Python's."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from types import ModuleType
from typing import Any, Literal

LANGUAGE = "triton.language"
JIT_PATHS = frozenset(("triton.jit", "triton.runtime.jit.jit"))
LOOPS = frozenset(f"{module}.{name}" for module in (LANGUAGE, f"{LANGUAGE}.core") for name in ("range", "static_range"))
CONSTEXPR = frozenset((f"{LANGUAGE}.constexpr", f"{LANGUAGE}.core.constexpr"))

_TL_DENIED = frozenset(("inline_asm_elementwise", "str_to_ty", "aggregate_replace"))
_TL_CLASSES = frozenset(
    (
        "PropagateNan",
        "condition",
        "const",
        "constexpr",
        "dtype",
        "pointer_type",
        "range",
        "slice",
        "static_range",
        "tuple",
    )
)
"""Every other class of tl is compiler machinery: it wraps handles, or builds types from raw parts."""
TYPES = frozenset(("tensor", "tensor_descriptor"))
"""Classes of tl that may stand in an annotation, and nowhere else."""

_CUDA = frozenset(("gdc_launch_dependents", "gdc_wait", "num_threads", "num_warps"))  # no globaltimer, no smid
MATH = frozenset(("ceil", "e", "exp", "floor", "inf", "log", "log10", "log2", "nan", "pi", "sqrt", "tau"))
"""What kernels may use of Python's `math`, as Triton lets them: on what is known when compiling."""
_HOST = frozenset(("cdiv", "next_power_of_2"))
_SUBMODULES = {
    "triton": frozenset(("language",)),
    LANGUAGE: frozenset(("math", "extra")),
    f"{LANGUAGE}.extra": frozenset(("libdevice", "cuda", "hip")),
    f"{LANGUAGE}.extra.cuda": frozenset(("libdevice",)),
    f"{LANGUAGE}.extra.hip": frozenset(("libdevice",)),
}
_LIBDEVICES = frozenset(f"{LANGUAGE}.extra.{name}libdevice" for name in ("", "cuda.", "hip."))
_HOMES = frozenset(f"{LANGUAGE}.{name}" for name in ("core", "math", "random", "standard"))
"""Where tl's own names are defined: from there, only what tl makes public."""

BUILTINS = frozenset(("float", "int", "len", "max", "min", "print", "range"))
"""What kernels may call of Python, of the names that the Triton compiler knows: no `getattr`, no look at types."""
ANNOTATIONS = frozenset(("bool", "float", "int", "str", "tuple"))

_OF_DTYPES = frozenset(("element_ty", "fp_mantissa_width", "int_bitwidth", "itemsize", "primitive_bitwidth", "scalar"))
_OF_DTYPES_TOO = frozenset(("get_block_shapes", "get_int_max_value", "get_int_min_value", "name", "nbytes"))
_OF_VALUES = frozenset(("ALL", "NONE", "T", "block_shape", "dtype", "numel", "shape", "strides", "type", "value"))
_ATTRIBUTES_DENIED = frozenset(("handle", "mangle", "to_ir"))

_OPERATORS: tuple[type[ast.AST], ...] = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.Invert, ast.USub, ast.UAdd, ast.And, ast.Or, ast.Not),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot),
)
NODES: frozenset[type[ast.AST]] = frozenset(
    (ast.Expr, ast.Return, ast.If, ast.Pass, ast.Assert, ast.IfExp, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.Subscript)
).union(_OPERATORS, (ast.Slice, ast.Tuple, ast.List, ast.JoinedStr, ast.Load, ast.Store))
"""Nodes that are right wherever their parts are; the checker has a method for each other node that it takes."""


def member(module: str, name: str) -> Literal["module", "object"] | None:
    """What `module.name` is to kernel code: "module", "object" (anything else in one), or None: not allowed."""
    if name in _SUBMODULES.get(module, ()) and is_module(f"{module}.{name}"):
        return "module"
    return "object" if name in _names(module) else None


@cache
def is_module(path: str) -> bool:
    """Whether it is a module that kernel code may name, and is installed."""
    if not (path in _SUBMODULES or path in _HOMES or path in _LIBDEVICES or path == "math"):
        return False
    try:
        importlib.import_module(path)
    except ImportError:
        return False
    return True


def resolve(path: str) -> Any:
    """The object that an allowed path names."""
    if is_module(path):
        return importlib.import_module(path)
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@cache
def is_dtype(path: str) -> bool:
    """Whether an allowed path is one of tl's dtypes."""
    return isinstance(resolve(path), resolve(f"{LANGUAGE}.dtype"))


@cache
def attributes() -> frozenset[str]:
    """What may follow a dot, whatever stands before it."""
    tl = importlib.import_module(LANGUAGE)
    types = (tl.tensor, tl.tensor_descriptor)
    names = {name for kind in types for name in dir(kind) if not name.startswith("_")}
    names |= {name for name in dir(tl.core.block_type) if name.startswith("is_")}
    return frozenset(names | _OF_DTYPES | _OF_DTYPES_TOO | _OF_VALUES) - _ATTRIBUTES_DENIED


@cache
def _names(module: str) -> frozenset[str]:
    if module in ("triton", "math"):
        return _HOST if module == "triton" else MATH
    if not is_module(module):
        return frozenset()
    found = importlib.import_module(module)
    if module == LANGUAGE:
        return frozenset(name for name in dir(found) if _is_public(name, getattr(found, name)))
    if module in _HOMES:
        return _names(LANGUAGE) & frozenset(dir(found))
    if module == f"{LANGUAGE}.extra.cuda":
        return _CUDA & frozenset(dir(found))
    if module in _LIBDEVICES:
        return frozenset(name for name in dir(found) if _is_public(name, getattr(found, name)))
    return frozenset()


def _is_public(name: str, value: Any) -> bool:
    if name.startswith("_") or name in _TL_DENIED or isinstance(value, ModuleType):
        return False
    return not isinstance(value, type) or name in _TL_CLASSES | TYPES
