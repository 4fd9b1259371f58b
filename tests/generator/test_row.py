"""The recipe *row* against eager, in the hardened interpreter. One process runs the cases of row/models.py."""

import ast
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "row"
ROOT = Path(__file__).parents[2]


def cases():
    tree = ast.parse((FOLDER / "models.py").read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")]


@functools.cache
def run():
    paths = (str(ROOT), os.environ.get("PYTHONPATH"))
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TRITON_INTERPRET": "1",
    }
    command = [sys.executable, str(FOLDER / "run.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", cases())
def test_case(case):
    failure = run()[case]
    assert not failure, failure
