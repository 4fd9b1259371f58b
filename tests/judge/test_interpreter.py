"""The hardened interpreter. Each script of tests/judge/interpreter is one process; each of its cases is one test."""

import ast
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "interpreter"
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join(filter(None, (str(SCRIPTS.parents[2]), os.environ.get("PYTHONPATH")))),
    "TRITON_INTERPRET": "1",
}


def cases():
    for script in sorted(SCRIPTS.glob("*.py")):
        for node in ast.parse(script.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("case_"):
                yield pytest.param(script.name, node.name, id=f"{script.stem}-{node.name.removeprefix('case_')}")


def python(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@functools.cache
def run(script):
    return python(str(SCRIPTS / script))


@pytest.mark.parametrize(("script", "case"), list(cases()))
def test_case(script, case):
    code, output, errors = run(script)
    assert code == 0, f"{script} ended with {code}: {errors[-3000:]}"
    failure = json.loads(output.splitlines()[-1])[case]
    assert not failure, failure


INSTALL = "from pytest_kernelfalcon.judge import interpreter; interpreter.install()"


def test_install_needs_the_interpreter_to_be_switched_on():
    code, _, errors = python("-c", INSTALL, TRITON_INTERPRET="0")
    assert code and "RuntimeError: set TRITON_INTERPRET=1" in errors


@pytest.mark.parametrize(
    "missing", ["runtime.interpreter.TensorHandle", "runtime.jit.KernelParam", "language.core._unwrap_if_constexpr"]
)
def test_install_names_the_version_and_what_it_lacks(missing):
    owner, _, name = missing.rpartition(".")
    code, _, errors = python("-c", f"import triton, triton.{owner} as owner; del owner.{name}; {INSTALL}")
    assert code and f"RuntimeError: Triton {triton_version()} has no `triton.{missing}`" in errors


@functools.cache
def triton_version():
    return python("-c", "import triton; print(triton.__version__)")[1].strip()


def test_launch_before_install_is_an_error():
    code, _, errors = python(
        "-c", "from pytest_kernelfalcon.judge import interpreter; interpreter.launch(None, (1,), (), ())"
    )
    assert code and "RuntimeError: call install() before launch()" in errors
