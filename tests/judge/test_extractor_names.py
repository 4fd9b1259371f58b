"""What a candidate's module-level names mean to its kernels."""

# ruff: noqa: E501 — tables, one case a line
from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor import Kernels, extract

TRITON = "import triton\nimport triton.language as tl\n"


def kernels_of(text: str, head: str = TRITON) -> Kernels:
    return extract(head + dedent(text) + "\ndef kernel_function(): pass\n")


def using(expression: str, head: str, folder: Path) -> Kernels:
    """The kernels of a module with one kernel, which returns the expression; loaded if it was taken."""
    kernels = kernels_of(f"{head}\n@triton.jit\ndef k(x):\n    return {expression}\n")
    kernels.load(folder / "kernels.py")
    return kernels


@pytest.mark.parametrize(
    "text",
    [
        "import triton as tr\nimport triton.language as L\n@tr.jit\ndef k(x, B: L.constexpr): L.store(x, B)",
        "from triton import jit, language as tl\n@jit\ndef k(x): tl.store(x, 1)",
        "from triton import jit as J\nfrom triton.language import load, store\n@J()\ndef k(x): store(x, load(x))",
        "from triton.runtime.jit import jit\nfrom triton.language import *\nimport triton.language\n@jit\ndef k(x): triton.language.store(x, 1)",
        "import triton.language as tl\nimport triton\nkernel = triton.jit\n@kernel(noinline=True)\ndef k(x): tl.store(x, 1)",
        "import triton.language.math as m, triton\n@triton.jit\ndef k(x): return m.exp(x)",
        "import triton\nfrom triton.language.extra.cuda.libdevice import tanh as th\n@triton.jit\ndef k(x): return th(x)",
        "import triton\nimport triton.language.extra.cuda.libdevice as ld\n@triton.jit\ndef k(x): return ld.rsqrt(x)",
        "import triton\nfrom triton import cdiv, next_power_of_2\n@triton.jit\ndef k(x): return cdiv(x, 2)",
        "import triton, math\n@triton.jit\ndef k(x): return x * math.pi + math.log2(4.0)",
    ],
)  # fmt: skip
def test_ways_to_import_triton(text, tmp_path):
    kernels = kernels_of(text, head="")
    assert kernels.names == ["k"], kernels.refused
    assert "k" in kernels.load(tmp_path / "kernels.py")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("from os import system as exp", "`os.system`"),
        ("from triton.language import core as exp", "`triton.language.core`"),
        ("from triton.language.core import builtin as exp", "`triton.language.core.builtin`"),
        ("from triton.language.math import core as exp", "`triton.language.math.core`"),
        ("from triton.language.extra.cuda.libdevice import core as exp", "libdevice.core"),
        ("from triton.language.extra.cuda import globaltimer as exp", "globaltimer"),
        ("from triton.language import inline_asm_elementwise as exp", "inline_asm"),
        ("from .math import exp", "`.math.exp`"),
        ("from triton import language as exp", "no value"),
        ("from triton import jit as exp", "`exp`"),
        ("from triton.language import tensor as exp", "annotations only"),
        ("from math import exp", "`math.exp`"),
        ("exp = tl.math", "no value"),
        ("def exp(x): pass", "Python value"),
        ("class exp: pass", "Python value"),
        ("exp = lambda x: x", "Python value"),
        ("exp = getattr(tl, 'exp')", "Python value"),
        ("exp = tl.exp if tl else 0", "Python value"),
        ("import numpy\nexp = numpy.exp", "Python value"),
        ("for exp in (tl.exp,): pass", "Python value"),
        ("with open('x') as exp: pass", "Python value"),
        ("match tl:\n    case exp: pass", "Python value"),
        ("print(exp := tl.exp)", "Python value"),
        ("(exp, y) = (tl.exp, 1)", "Python value"),
        ("from triton.language import *", "neither local nor bound"),
        ("exp = tl.exp\nexp = tl.log", "more than once"),
        ("exp = tl.exp\ndel exp", "more than once"),
        ("exp = tl.exp\ndef f():\n    global exp\n    exp = 0", "more than once"),
        ("exp = tl.exp\nfor exp in (): pass", "more than once"),
        ("if tl:\n    exp = tl.exp\nelse:\n    def exp(x): pass", "more than once"),
        ("try:\n    exp = tl.exp\nexcept ImportError:\n    exp = 0", "more than once"),
        ("exp = tl.exp\nexp += 1", "more than once"),
        ("from triton.language import exp\nfrom triton.language.extra.libdevice import exp", "more than once"),
    ],
)  # fmt: skip
def test_names_that_mean_nothing_certain_are_refused(text, detail, tmp_path):
    refusal = using("exp(x)", text, tmp_path).refused["k"]
    assert (
        refusal.cause == Cause.KERNEL_CONSTRUCT
        and refusal.line == 2 + text.count("\n") + 4
        and detail in refusal.detail
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("exp = tl.exp", "triton.language.exp"),
        ("exp = tl.math.exp\nexp = tl.math.exp", "triton.language.math.exp"),
        ("from triton.language.math import exp", "triton.language.math.exp"),
        ("try:\n    from triton.language.extra.libdevice import exp\nexcept ImportError:\n    from nowhere import exp", "triton.language.extra.libdevice.exp"),
        ("try:\n    from triton.language.nowhere import exp\nexcept ImportError as e:\n    exp = tl.exp", "triton.language.exp"),
        ("try:\n    from nowhere import exp\nexcept ImportError:\n    from triton.language import exp", "triton.language.exp"),
        ("if tl:\n    try:\n        from triton.language.extra.libdevice import exp\n    except ImportError:\n        from triton.language.extra.cuda.libdevice import exp\nelse:\n    from triton.language.math import exp", "triton.language.extra.libdevice.exp"),
        ("with open('x'):\n    exp = tl.exp", "triton.language.exp"),
    ],
)  # fmt: skip
def test_names_that_mean_one_function(text, path, tmp_path):
    kernels = using("exp(x)", text, tmp_path)
    assert kernels.names == ["k"] and kernels.environment["exp"].path == path


def test_a_fallback_after_a_working_import_cannot_swap_it(tmp_path):
    """The module may raise between the import and the handler: then the handler's value counts."""
    text = "try:\n    from triton.language import exp\n    1 / 0\nexcept Exception:\n    exp = tl.log"
    assert "more than once" in using("exp(x)", text, tmp_path).refused["k"].detail


CONSTANTS = {
    "4": 4,
    "-2.5": -2.5,
    "+3": 3,
    "True": True,
    "None": None,
    "'tanh'": "tanh",
    "(1, (2.0, 'a'))": (1, (2.0, "a")),
    "[1, 2]": (1, 2),
    "2 ** 10 - 1": 1023,
    "1 << 4 | 0 if 0 else 1": "python",
    "(1 << 12) + (256 >> 2)": 4160,
    "7 // 2 + 7 % 4 - 3 * 2 / 4": 4.5,
    "BASE * 2": 16,
    "math.log2(math.e)": 1.4426950408889634,
    "1 / math.sqrt(4)": 0.5,
    "float('-inf')": float("-inf"),
    "-math.inf": float("-inf"),
    "9 ** 9 ** 9": "python",
    "2 ** 2 ** 100": "python",
    "10 ** 39": "python",
    "1 << 10 ** 12": "python",
    "1 << -1": "python",
    "(-8) ** 0.5": "python",
    "10.0 ** 400": "python",
    "1 / 0": "python",
    "math.factorial(100000)": "python",
    "math.sqrt(-1)": "python",
    "'a' * 10 ** 9": "python",
    "'%d' % 3": "python",
    "(0,) * 10 ** 9": "python",
    "float('1' * 10)": "python",
    "int('7')": "python",
    "b''": "python",
    "1j": "python",
    "f'{1}'": "python",
    "{}": "python",
    "{1}": "python",
    "[x for x in (1,)]": "python",
    "os.getpid()": "python",
    "BASE.bit_length()": "python",
    "UNKNOWN": "python",
    "(" + "1," * 64 + ")": "python",
    repr("a" * 201): "python",
    "-" * 40 + "1": "python",
}


@pytest.mark.parametrize("text", CONSTANTS)
def test_constants_are_folded_in_small_steps_only(text, tmp_path):
    value, head = CONSTANTS[text], "import math, os\nBASE = 8"
    constexpr = using("x + C", f"{head}\nC = tl.constexpr({text})", tmp_path)
    plain = using("x + C", f"{head}\nC = {text}", tmp_path)
    if value == "python":
        assert "Python value" in constexpr.refused["k"].detail and "Python value" in plain.refused["k"].detail
        return
    known = constexpr.environment["C"]
    assert (known.kind, known.value, type(known.value)) == ("constexpr", value, type(value))
    loaded = constexpr.load(tmp_path / "kernels.py")["k"].fn.__globals__["C"]
    assert type(loaded).__name__ == "constexpr" and loaded.value == value
    assert plain.refused["k"].detail.startswith("`C` is a plain global, which Triton refuses: write `C = tl.constexpr(")


LIMITS = {
    "torch.finfo(torch.float32).max": 3.4028234663852886e38,
    "-torch.finfo(torch.bfloat16).max / 2": -1.6947656946257677e38,
    "torch.finfo(torch.float16).eps": 0.0009765625,
    "torch.iinfo(torch.int64).max": 2**63 - 1,
    "t.iinfo(t.int8).min": -128,
    "torch.finfo(torch.float32).dtype": "python",
    "torch.finfo(torch.float32).__class__": "python",
    "torch.finfo(torch.float32).max.real": "python",
    "torch.finfo(torch.int8).max": "python",
    "torch.finfo(x).max": "python",
    "torch.finfo().max": "python",
    "torch.finfo(type=torch.float32).max": "python",
    "torch.finfo(torch.Tensor).max": "python",
    "torch.empty(torch.float32).max": "python",
    "numpy.finfo(numpy.float32).max": "python",
    "finfo(torch.float32).max": "python",
    "other.finfo(torch.float32).max": "python",
    "rebound.finfo(torch.float32).max": "python",
}
"""`torch` and `t` are that module; the others say so, or once were."""


@pytest.mark.parametrize("text", LIMITS)
def test_limits_of_torchs_dtypes_are_constants(text, tmp_path):
    head = "import torch, numpy\nimport torch as t\nimport torch as rebound\nimport other.torch as other\nx = torch.float32"
    head += "\ndef finfo(dtype): return x\nif torch.cuda.is_available():\n    rebound = finfo"
    kernels = using("x + C", f"{head}\nC = tl.constexpr({text})", tmp_path)
    if LIMITS[text] == "python":
        assert "Python value" in kernels.refused["k"].detail
    else:
        assert kernels.environment["C"].value == LIMITS[text]


def test_a_tuple_that_doubles_is_refused_before_it_is_large(tmp_path):
    head = "T0 = (1, 1)\n" + "\n".join(f"T{i + 1} = tl.constexpr((T{i}, T{i}))" for i in range(200)) + "\nT200 = 0"
    assert "T4" in using("x + T4", head, tmp_path).environment
    assert "Python value" in using("x + T5", head, tmp_path).refused["k"].detail


def test_dtypes_can_be_constants(tmp_path):
    kernels = using("x.to(C).to(D)", "C = tl.constexpr(tl.float32)\nD = tl.int8", tmp_path)
    loaded = kernels.load(tmp_path / "kernels.py")["k"].fn.__globals__
    assert str(loaded["C"].value) == "fp32" and str(loaded["D"]) == "int8"


@pytest.mark.parametrize("text", ["C: tl.constexpr = 4", "C: int = 4", "C = 4", "C = (1, 2)", "C = 'a'", "C = None"])
def test_plain_globals_are_refused_in_bodies_and_taken_in_defaults(text, tmp_path):
    assert "plain global" in using("x * C", text, tmp_path).refused["k"].detail
    kernels = kernels_of(f"{text}\n@triton.jit\ndef k(x, B: tl.constexpr = C): return x")
    assert kernels.names == ["k"]
    assert kernels.load(tmp_path / "kernels.py")["k"].params[1].default == kernels.environment["C"].value


def test_a_constant_with_two_values_is_refused(tmp_path):
    text = "if tl:\n    C = tl.constexpr(1)\nelse:\n    C = tl.constexpr(True)"
    assert "more than once" in using("x + C", text, tmp_path).refused["k"].detail


@pytest.mark.parametrize(
    "text",
    [
        "@triton.jit\ndef k(x): return 1\n@triton.jit\ndef k(x): return 2 #!",
        "@triton.jit\ndef k(x): return 1\nk = print #!",
        "k = print\n@triton.jit\ndef k(x): return 1 #!",
        "@triton.jit\ndef k(x): return 1\ndef k(x): pass #!",
        "@triton.jit\ndef k(x): return 1\nclass k: pass #!",
        "@triton.jit\ndef k(x): return 1\nfrom os import system as k #!",
        "@triton.jit\ndef k(x): return 1\ndel k #!",
        "@triton.jit\ndef k(x): return 1\nfor k in (): pass #!",
        "@triton.jit\ndef k(x): return 1\nprint(k := 1) #!",
        "@triton.jit\ndef k(x): return 1\ndef f():\n    global k #!\n    k = 1",
        "@triton.jit\ndef k(x): return 1\nk = triton.autotune([], [])(k) #!",
        "if tl:\n    @triton.jit\n    def k(x): return 1\nelse:\n    @triton.jit\n    def k(x): return 2 #!",
        "try:\n    @triton.jit\n    def k(x): return 1\nexcept ImportError:\n    k = None #!",
        "@triton.jit\ndef k(x): return 1\ndef f():\n    @triton.jit\n    def k(x): return 2 #!",
        "@triton.jit\ndef k(x): return 1\ndef f():\n    def k(x): return 2\n    triton.jit(k) #!",
    ],
)  # fmt: skip
def test_a_kernel_has_one_definition(text):
    refusal = kernels_of(text).refused["k"]
    marked = [number for number, line in enumerate((TRITON + text).splitlines(), 1) if "#!" in line]
    assert (refusal.cause, [refusal.line]) == (Cause.KERNEL_DUPLICATE, marked)


@pytest.mark.parametrize(
    "text",
    [
        "if tl:\n    @triton.jit\n    def k(x):\n        return 1",
        "try:\n    @triton.jit\n    def k(x):\n        return 1\nfinally:\n    pass",
        "with open('x'):\n\t@triton.jit\n\tdef k(x):\n\t\treturn 1",
        "if tl:\n    @triton.jit\n    def k(x): return 1\nelse:\n    @triton.jit\n    def other(x): return 2",
    ],
)  # fmt: skip
def test_a_conditional_kernel_with_one_definition_is_taken(text, tmp_path):
    kernels = kernels_of(text)
    assert kernels.names[0] == "k" and not kernels.refused
    assert kernels.load(tmp_path / "kernels.py")["k"].src.startswith("def k(x):")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("def f():\n    @triton.jit\n    def k(x): pass #!", "at module level"),
        ("class C:\n    @triton.jit\n    def k(x): pass #!", "at module level"),
        ("for i in ():\n    @triton.jit\n    def k(x): pass #!", "at module level"),
        ("def k(x): pass\nj = triton.jit(k) #!", "by a call of `triton.jit`"),
        ("def k(x): pass\nj = triton.jit(noinline=True)(k) #!", "by a call of `triton.jit`"),
        ("def k(x): pass\ndef f():\n    return triton.jit(k)[(1,)]() #!", "by a call of `triton.jit`"),
        ("import numba\n@numba.jit\ndef k(x): pass #!", "not `triton.jit`"),
        ("triton = object()\n@triton.jit\ndef k(x): pass #!", "not `triton.jit`"),
    ],
)  # fmt: skip
def test_a_kernel_is_a_decorated_function_at_module_level(text, detail):
    kernels = kernels_of(text)
    refusal = kernels.refused["k"]
    marked = [number for number, line in enumerate((TRITON + text).splitlines(), 1) if "#!" in line]
    assert kernels.names == [] and [refusal.line] == marked and detail in refusal.detail


@pytest.mark.parametrize("name", ["__builtins__", "__name__", "__triton_language__", "__init__"])
def test_dunder_names_are_reserved(name):
    kernels = kernels_of(f"{name} = tl.constexpr(1)\n@triton.jit\ndef k(x): return {name}")
    assert "reserved" in kernels.refused["k"].detail
    assert "reserved" in kernels_of(f"@triton.jit\ndef {name}(x): return x").refused[name].detail


def test_the_name_triton_stays_triton():
    kernels = extract(
        "from triton import jit\nimport triton.language as tl\ntriton = tl.constexpr(1)\n"
        "@jit\ndef k(x): return triton\n@jit\ndef honest(x): return x\ndef kernel_function(): pass\n"
    )
    assert kernels.names == ["honest"] and "reserved" in kernels.refused["k"].detail


def test_a_name_of_the_wrapper_may_be_anything():
    kernels = kernels_of("import os\nx = os.environ\nx = 3\n@triton.jit\ndef k(x): return x\ndef f(k): return k")
    assert kernels.names == ["k"]


def test_python_builtins_can_be_hidden_by_kernels_and_locals(tmp_path):
    kernels = kernels_of(
        "@triton.jit\ndef max(a, b): return tl.maximum(a, b)\n@triton.jit\ndef k(x):\n    sum = max(x, 1)\n    return sum\n"
        "@triton.jit\ndef l(x, range):\n    for i in range(3):\n        x += 1\n"
    )
    assert kernels.names == ["max", "k"] and "a loop runs over" in kernels.refused["l"].detail
    assert kernels.load(tmp_path / "kernels.py")["k"].fn.__globals__["max"].__name__ == "max"
