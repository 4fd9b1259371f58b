"""Triton's own interpreter, as far as this package builds on it, and a clear error where a version lacks a part of it.

Known to work: Triton 3.6 to 3.9. Nothing here is Triton's public interface, so each part is looked up once, by name.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import triton
import triton.language as tl
import triton.runtime.interpreter as stock
from triton.runtime import jit


def require(owner: Any, name: str) -> Any:
    """An attribute of Triton's. Raises RuntimeError naming the version and what is missing."""
    if not hasattr(owner, name):
        place = owner.__name__ if isinstance(owner, ModuleType | type) else type(owner).__name__
        known = "install Triton 3.6 to 3.9"
        raise RuntimeError(f"Triton {triton.__version__} has no `{place}.{name}`, which the interpreter needs: {known}")
    return getattr(owner, name)


TensorHandle: Any = require(stock, "TensorHandle")
InterpreterBuilder: Any = require(stock, "InterpreterBuilder")
InterpreterOptions: Any = require(stock, "InterpreterOptions")
InterpretedFunction: Any = require(stock, "InterpretedFunction")
TritonSemantic: Any = require(stock, "TritonSemantic")
TensorDescriptor: Any = require(stock, "TensorDescriptor")
KernelParam: Any = require(jit, "KernelParam")
TensorWrapper: Any = require(jit, "TensorWrapper")
mangle_type: Any = require(jit, "mangle_type")
str_to_ty: Any = require(tl, "str_to_ty")
unwrap: Any = require(tl.core, "_unwrap_if_constexpr")
is_builtin: Any = require(tl.core, "is_builtin")
patch_language: Any = require(stock, "_patch_lang")

for _owner, _names in {
    stock: ("_interpreter", "_get_np_dtype", "interpreter_builder", "interpreter_semantic", "_ir"),
    InterpretedFunction: ("__call__", "run", "rewrite"),
    InterpreterBuilder: ("binary_op", "ternary_op", "cast_impl", "create_masked_load", "create_masked_store"),
    TritonSemantic: ("broadcast_impl_value", "integer_promote_impl", "scalar_constant", "to_tensor"),
    tl.core.block_type: ("with_element_ty",),
    tl.core: ("tensor", "tuple", "tensor_descriptor_base", "reduce", "associative_scan", "builtin_min", "builtin_max"),
    tl.standard: ("_sum_combine", "_prod_combine", "_xor_combine", "_elementwise_max", "_elementwise_min"),
}.items():
    for _name in _names:
        require(_owner, _name)
