"""The allow-list against the installed Triton: what may follow a dot leads nowhere, whatever stands before it."""

from __future__ import annotations

import types

import pytest
import triton.language as tl
from triton.runtime import interpreter
from triton.runtime.jit import ConstexprFunction, JITFunction

from pytest_kernelfalcon.judge.extractor import allowlist

REACHABLE = (
    *(str, int, float, bool, tuple, list, slice, range, type(None), type),
    *(types.FunctionType, types.MethodType, types.BuiltinFunctionType),
    *(JITFunction, ConstexprFunction, interpreter.InterpretedFunction, interpreter.TensorHandle),
    *(tl.tuple, tl.range, tl.static_range, tl.condition, type(tl.PropagateNan)),
)
HARMLESS = {"split", "sort", "type"}
"""Of str, list and JITFunction (its constexpr type)."""


@pytest.mark.parametrize("kind", REACHABLE, ids=lambda kind: kind.__name__)
def test_attributes_of_other_objects_than_tensors_and_dtypes(kind):
    assert allowlist.attributes() & set(dir(kind)) <= HARMLESS


def test_attributes_of_tensors_and_dtypes_are_public_and_no_raw_parts():
    assert {"to", "sum", "trans", "T", "shape", "dtype", "element_ty", "primitive_bitwidth"} <= allowlist.attributes()
    assert not {name for name in allowlist.attributes() if name.startswith("_")}
    assert not {"handle", "to_ir", "mangle", "data", "fn", "src", "run", "warmup", "values"} & allowlist.attributes()


def test_the_interpreter_puts_no_global_over_an_allowed_builtin():
    """It adds its own module's names to a kernel's globals, which count before `__builtins__`."""
    assert not (allowlist.BUILTINS | allowlist.ANNOTATIONS) & vars(interpreter).keys()


@pytest.mark.parametrize("module", ["triton.language", "triton.language.math", "triton.language.extra.libdevice"])
def test_every_allowed_name_resolves_and_is_no_module(module):
    home = allowlist.resolve(module)
    allowed = {
        name: allowlist.resolve(f"{module}.{name}") for name in dir(home) if allowlist.member(module, name) == "object"
    }
    assert len(allowed) > 10 and not any(isinstance(value, types.ModuleType) for value in allowed.values())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("triton.language", "module"),
        ("triton.language.exp", "object"),
        ("triton.language.float8e5", "object"),
        ("triton.language.extra.cuda.libdevice.exp", "object"),
        ("triton.cdiv", "object"),
        ("math.pi", "object"),
        ("triton.jit", None),
        ("triton.runtime", None),
        ("triton.language.core", None),
        ("triton.language.random", None),
        ("triton.language.inline_asm_elementwise", None),
        ("triton.language.str_to_ty", None),
        ("triton.language.block_type", None),
        ("triton.language.target_info", None),
        ("triton.language.extra.cuda.globaltimer", None),
        ("triton.language.extra.cuda.smid", None),
        ("triton.language.extra.cuda.utils", None),
        ("triton.language.extra.cuda.libdevice.core", None),
        ("triton.language.math.core", None),
        ("triton.language.__builtins__", None),
        ("math.factorial", None),
        ("os.getpid", None),
    ],
)  # fmt: skip
def test_members(path, kind):
    assert allowlist.member(*path.rpartition(".")[::2]) == kind


def test_new_classes_of_tl_are_refused_until_they_are_known(monkeypatch):
    monkeypatch.setattr(tl, "NewHandle", type("NewHandle", (), {}), raising=False)
    monkeypatch.setattr(tl, "new_function", lambda x: x, raising=False)
    allowlist._names.cache_clear()
    try:
        assert allowlist.member("triton.language", "NewHandle") is None
        assert allowlist.member("triton.language", "new_function") == "object"
    finally:
        allowlist._names.cache_clear()
