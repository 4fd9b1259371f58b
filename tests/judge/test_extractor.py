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
    assert rows.starting_line_number == CANDIDATE.splitlines().index("@triton.autotune([triton.Config({\"B\": 64})], key=[\"n\"])") + 1
    assert kernels["_scale"].params[1].default == 128
    seen = rows.fn.__globals__
    assert not {"eval", "exec", "open", "getattr", "__import__", "__build_class__"} & seen["__builtins__"].keys()
    assert not {"os", "torch", "sys"} & seen.keys()
    assert "torch" not in sys.modules


def test_native_line_and_source_are_those_of_the_candidate(tmp_path):
    """Triton's compile key holds the source and its first line: a kernel compiled from our text is the candidate's."""
    from importlib.util import module_from_spec, spec_from_file_location

    path = tmp_path / "candidate.py"
    source = CANDIDATE.replace('open("/tmp/never-written-by-the-extractor", "w").close()', "").replace("import torch", "")
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


def test_extraction_is_fast():
    body = "".join(f"    y{i} = tl.where(x > {i}, x * {i}.5 + tl.exp(x), tl.maximum(x, {i}))\n" for i in range(84))
    source = CANDIDATE.replace("    x = tl.load", "    x = tl.full((4,), 1.0, tl.float32)\n" + body + "    x = tl.load")
    extract(source)
    assert min(_seconds(source) for _ in range(5)) < 0.05  # 0.01 on an idle machine: these lines are dense


def _seconds(source: str) -> float:
    start = time.process_time()
    extract(source)
    return time.process_time() - start
