"""The extractor takes a candidate's kernels, at their lines, and nothing else of it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
import time

import pytest

from pytest_kernelfalcon.contracts.causes import Cause, explain
from pytest_kernelfalcon.judge.extractor import Kernels, Refused, extract

CANDIDATE = '''\
"""Rows summed."""
import os

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice

BLOCK = 64
LOG2E = tl.constexpr(1.4426950408889634)
open("/tmp/never-written-by-the-extractor", "w").close()


@triton.jit
def _scale(x, factor: tl.constexpr = BLOCK * 2):
    return x * factor


@triton.autotune([triton.Config({"B": 64})], key=["n"])
@triton.jit(do_not_specialize=["n"], repr=lambda spec: "rows", noinline=False)
def rows(x_ptr, y_ptr, n, B: tl.constexpr, dtype: tl.constexpr = tl.float32):
    """Ünïcode, so that bytes and characters differ."""
    offsets = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + offsets, mask=offsets < n, other=0.0).to(dtype)
    tl.store(y_ptr + offsets, _scale(libdevice.exp(x) * LOG2E), mask=offsets < n)


def kernel_function(x):
    y = torch.empty_like(x)
    rows[(triton.cdiv(x.numel(), 64),)](x, y, x.numel())
    return y
'''


def extracted(kernel: str, head: str = "", tail: str = "def kernel_function(x): pass\n") -> Kernels:
    imports = "import triton\nimport triton.language as tl\n"
    return extract(imports + head + textwrap.dedent(kernel).lstrip("\n") + tail)


def test_text_holds_the_kernels_at_their_lines_and_nothing_else():
    kernels = extract(CANDIDATE)
    assert kernels.names == ["_scale", "rows"] and kernels.refused == {}
    ours, theirs = kernels.text.splitlines(), CANDIDATE.splitlines()
    kept = {number for number, line in enumerate(ours) if line.strip()}
    assert {ours[number] for number in kept if ours[number] != theirs[number]} == {
        "@triton.jit(do_not_specialize=['n'], noinline=False)"
    }
    assert [type(statement) for statement in ast.parse(kernels.text).body] == [ast.FunctionDef, ast.FunctionDef]
    assert "open(" not in kernels.text and "import" not in kernels.text and "lambda" not in kernels.text
    assert not os.path.exists("/tmp/never-written-by-the-extractor")


def test_environment_holds_what_the_kernels_use_and_no_more():
    environment = extract(CANDIDATE).environment
    assert {name: (known.kind, known.path, known.value) for name, known in environment.items()} == {
        "tl": ("module", "triton.language", None),
        "libdevice": ("module", "triton.language.extra.libdevice", None),
        "LOG2E": ("constexpr", "", 1.4426950408889634),
        "BLOCK": ("constant", "", 64),
    }


def test_load_gives_kernels_with_closed_globals(tmp_path):
    kernels = extract(CANDIDATE).load(tmp_path / "kernels.py")
    assert list(kernels) == ["_scale", "rows"]
    rows = kernels["rows"]
    assert type(rows).__name__ == "JITFunction" and rows.arg_names == ["x_ptr", "y_ptr", "n", "B", "dtype"]
    assert [parameter.name for parameter in rows.params if parameter.is_constexpr] == ["B", "dtype"]
    assert [parameter.name for parameter in rows.params if parameter.do_not_specialize] == ["n"]
    assert CANDIDATE.splitlines()[rows.starting_line_number - 1].startswith("@triton.autotune")
    assert kernels["_scale"].params[1].default == 128
    seen = rows.fn.__globals__
    assert not {"eval", "exec", "open", "getattr", "__import__", "__build_class__"} & seen["__builtins__"].keys()
    assert not {"os", "torch", "sys"} & seen.keys()


def test_native_line_and_source_are_those_of_the_candidate(tmp_path):
    """Triton's compile key holds the source and its first line: a kernel compiled from our text is the candidate's."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = tmp_path / "candidate.py"
    source = "".join(
        "\n" if line.startswith(("open(", "import torch")) else line for line in CANDIDATE.splitlines(True)
    )
    path.write_text(source, encoding="utf-8")
    spec = spec_from_file_location("candidate", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    ours = extract(source).load(tmp_path / "kernels.py")["rows"]
    theirs = module.rows.fn
    assert (ours.src, ours.starting_line_number) == (theirs.src, theirs.starting_line_number)


def test_interpreter_runs_the_text_as_it_was_checked(tmp_path):
    """In the interpreter a docstring must not become code: Triton looks for the last line that begins with `def `."""
    script = f"""
import sys, torch
from pathlib import Path
from pytest_kernelfalcon.judge.extractor import extract
source = {HONEST_DOCSTRING!r}
kernel = extract(source).load(Path("kernels.py"))["k"]
out = torch.zeros(4)
kernel[(1,)](out, 4)
assert out.tolist() == [0, 2, 4, 6], out
print(type(kernel).__name__)
"""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("InterpretedFunction\n", 0), done.stderr


HONEST_DOCSTRING = '''
import triton
import triton.language as tl
TWO = tl.constexpr(2)
@triton.jit
def k(out, B: tl.constexpr):
    """
    Say what it does;
    a default is a default, and a def may stand later in a line.
    """
    offsets = tl.arange(0, B)
    tl.store(out + offsets, offsets * TWO)
def kernel_function(): pass
'''


@pytest.mark.parametrize("change", [("* TWO", "+ TWO"), ("constexpr(2)", "constexpr(3)"), ("k(out", "k2(out")])
def test_sha256_covers_text_and_environment(change):
    one, other = extract(HONEST_DOCSTRING), extract(HONEST_DOCSTRING.replace(*change))
    assert len(one.sha256) == 64 and one.sha256 != other.sha256


def test_sha256_ignores_the_wrapper():
    assert extract(HONEST_DOCSTRING).sha256 == extract(HONEST_DOCSTRING + "x = 3\n").sha256


@pytest.mark.parametrize(
    ("source", "cause", "line", "detail"),
    [
        ("x = 1\n# \0\n", Cause.SOURCE_UNREADABLE, 2, "NUL"),
        ("x = 1\n\fdef f(): pass\n", Cause.SOURCE_UNREADABLE, 2, "form feed"),
        ("x = 1\ny = 2\rz = 3\n", Cause.SOURCE_UNREADABLE, 2, "carriage return"),
        ("#!/bin/x\n# -*- coding: latin-1 -*-\n", Cause.SOURCE_UNREADABLE, 2, "latin-1"),
        ("# vim: set fileencoding=utf-7 :\n", Cause.SOURCE_UNREADABLE, 1, "utf-7"),
        ("x = '\ud800'\n", Cause.SOURCE_UNREADABLE, 1, "surrogate"),
        ("#" * 400_001, Cause.SOURCE_UNREADABLE, None, "400001 bytes"),
        ("x = 1\ndef f(:\n", Cause.SOURCE_SYNTAX, 2, "invalid syntax"),
        ("if x:\n\ty = 1\n        z = 2\n", Cause.SOURCE_SYNTAX, 3, "tabs"),
        ("x = " + "(" * 500 + ")" * 500, Cause.SOURCE_SYNTAX, 1, "parenthes"),
        ("x = " + "-" * 50_000 + "1", Cause.SOURCE_SYNTAX, None, "nested too deeply"),
        ("x = a" + ".b" * 50_000, Cause.SOURCE_SYNTAX, None, "nested too deeply"),
        ("x = " + "9" * 5000, Cause.SOURCE_SYNTAX, 1, "digits"),
        ("def f(x):\n    return [0 for x in (y := x)]\n", Cause.SOURCE_SYNTAX, 2, "assignment expression"),
        ("x = 1\ndef f(a, a): pass\n", Cause.SOURCE_SYNTAX, 2, "duplicate argument"),
        ("def other(): pass\n", Cause.NO_ENTRY_POINT, None, "kernel_function"),
        ("def f():\n    def kernel_function(): pass\n", Cause.NO_ENTRY_POINT, None, "kernel_function"),
        ("from elsewhere import kernel_function\n", Cause.NO_ENTRY_POINT, None, "kernel_function"),
    ],
)  # fmt: skip
def test_a_bad_source_is_refused_at_its_line(source, cause, line, detail):
    with pytest.raises(Refused) as caught:
        extract(source)
    refusal = caught.value.refusal
    assert (refusal.cause, refusal.line) == (cause, line) and detail in refusal.detail
    assert explain(cause, detail=refusal.detail)


@pytest.mark.parametrize(
    "source",
    [
        "\ufeff# a byte order mark\ndef kernel_function(x): pass\n",
        "# -*- coding: utf-8 -*-\r\ndef kernel_function(x): pass\r\n",
        "# encoding is decided elsewhere\nkernel_function = print\n",
        "if True:\n    def kernel_function(x): pass\n",
        "kernel_function: object = print\n",
        "class kernel_function: pass\n",
        "note = 'é\u2028\x85\x0b'\ndef kernel_function(x): pass\n",
    ],
)
def test_an_ordinary_source_is_read(source):
    assert extract(source).names == []


def test_odd_line_separators_in_a_string_shift_no_line(tmp_path):
    kernels = extracted(
        '''
        NOTE = "one\u2028two\x85three\x0bfour\x1cfive"
        @triton.jit
        def k(out):
            """six\u2028seven\x85eight"""
            tl.store(out, tl.load(out).nothing)
        '''
    )
    assert kernels.refused["k"].line == 7


def test_lines_of_a_dedented_kernel_are_the_candidates(tmp_path):
    head = "import os\nif os.name:\n"
    kernels = extracted('''
    # a comment
    ''', head=head, tail=textwrap.indent(textwrap.dedent('''
    @triton.jit
    def k(
        out,  # first
    ):
        """Doc
    string."""
        y = (1 +
    2)
        tl.store(out, y)
    def kernel_function(): pass
    '''), "    "))  # fmt: skip
    assert kernels.names == ["k"]
    loaded = kernels.load(tmp_path / "kernels.py")["k"]
    assert loaded.starting_line_number == 7 and loaded.src.startswith("def k(\n    out,  # first\n):\n")


EVERYTHING = """
import math
import torch
import triton as tr
import triton.language as tl
from triton.language.extra import libdevice
try:
    from triton.language.extra.cuda.libdevice import rsqrt
except ImportError:
    from triton.language.math import rsqrt

NEGATIVE = tl.constexpr(float("-inf"))
SCALE = tl.constexpr(1 / math.sqrt(4))
HALF = tl.float16
sqrt = tl.math.sqrt

@tr.jit
def add(a, b): return a + b

@tr.jit
def both(a, f: tl.constexpr = add, times: "tl.constexpr" = 2):
    if times == 0:
        return a, a
    return f(a, a), a * times

@tr.jit(do_not_specialize=["n"])
def k(
    x_ptr: torch.Tensor, y_ptr, n: tl.int32,
    B: tl.constexpr, ACT: tl.constexpr = "relu", dtype: tl.constexpr = tl.float32,
):
    tl.static_assert(B > 1, f"B is {B}")
    offsets = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    mask = (offsets < n) & (offsets >= 0)
    x = tl.load(x_ptr + offsets, mask=mask, other=NEGATIVE).to(dtype)
    one, two = both(x)
    steps: tl.constexpr = tr.cdiv(B, 8)
    for i in tl.static_range(2):
        one += i * SCALE * math.pi
    for j in tl.range(0, n, steps, num_stages=2):
        two = two + j
    for i in range(3):
        two = two - i
    while n > 4:
        n = n // 2
    assert n >= 0, "n"
    tl.device_print("n", n)
    top = tl.max(x, axis=0)
    low = tl.minimum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
    total = tl.reduce(x, 0, add) + x.sum()
    if ACT == "relu" and x.dtype.is_floating():
        x = tl.where(x > 0, x, 0.0) if B > 4 else libdevice.tanh(x)
    elif ACT is None:
        x = sqrt(x) + rsqrt(x)
    pair = (x, two)
    wide = pair[0][None, :].trans().to(HALF)
    tl.store(y_ptr + offsets[:, None], wide, mask=mask[:, None])
    tl.store(y_ptr, (total + top + tl.sum(low, 0) + tl.sum(one, 0) + tl.sum(pair[1], 0)).to(y_ptr.dtype.element_ty))

def kernel_function(x): pass
"""


def test_what_triton_offers_is_taken_and_compiles(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    kernels = extract(EVERYTHING)
    assert (kernels.names, kernels.refused) == (["add", "both", "k"], {})
    kernel = kernels.load(tmp_path / "kernels.py")["k"]
    assert "tt.reduce" in _ttir(kernel, {"x_ptr": "*fp32", "y_ptr": "*fp16", "n": "i32"}, {"B": 16})


def _ttir(kernel, signature, constants):
    """Triton's own first stage: what it sees is the text and the globals that we gave it."""
    from triton._C.libtriton import ir
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, make_backend

    constants = {**{p.name: p.default for p in kernel.params if p.has_default}, **constants}
    source = ASTSource(
        kernel,
        signature | dict.fromkeys(constants, "constexpr"),
        {(kernel.arg_names.index(n),): v for n, v in constants.items()},
    )
    backend, context = make_backend(GPUTarget("cuda", 80, 32)), ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    options = backend.parse_options({})
    return str(
        source.make_ir(
            GPUTarget("cuda", 80, 32),
            options,
            backend.get_codegen_implementation(options),
            backend.get_module_map(),
            context,
        )
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are new in Python 3.12")
def test_type_parameters_are_refused():
    assert "type parameters" in extracted("@triton.jit\ndef k[T](x): pass\n").refused["k"].detail


def test_extraction_is_fast():
    body = "".join(f"    y{i} = tl.where(x > {i}, x * {i}.5 + tl.exp(x), tl.maximum(x, {i}))\n" for i in range(84))
    source = CANDIDATE.replace("    x = tl.load", "    x = tl.full((4,), 1.0, tl.float32)\n" + body + "    x = tl.load")
    extract(source)
    assert min(_seconds(source) for _ in range(5)) < 0.05  # 0.01 on an idle machine: these lines are dense


def _seconds(source: str) -> float:
    start = time.process_time()
    extract(source)
    return time.process_time() - start
