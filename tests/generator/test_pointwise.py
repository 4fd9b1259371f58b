"""The recipe *pointwise* against eager, in the hardened interpreter. One process runs the cases of pointwise/."""

import ast
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "pointwise"
ROOT = Path(__file__).parents[2]


def cases():
    return [
        pytest.param(f"{script.stem}-{node.name}", id=f"{script.stem}-{node.name.removeprefix('case_')}")
        for script in sorted(FOLDER.glob("*.py"))
        for node in ast.parse(script.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")
    ]


@functools.cache
def run():
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "TRITON_INTERPRET": "1",
    }
    command = [sys.executable, str(FOLDER / "harness.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", cases())
def test_case(case):
    failure = run()[case]
    assert not failure, failure
