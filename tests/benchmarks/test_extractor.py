"""Counting what the extractor takes of a library."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = "import triton\nimport triton.language as tl\n"
FILES = {
    "__init__.py": "",
    "ops/__init__.py": "from .helpers import double\n",
    "runtime.py": "shim = object()\n",
    "ops/helpers.py": HEAD + "@triton.jit\ndef double(x):\n    return x * 2\n\n\ndef host(x): return x\n",
    "ops/uses.py": HEAD
    + "from lib.ops import double\nfrom .helpers import (\n    double as twice,\n    host,\n)\n"
    + "from . import helpers as h\n"
    + "from lib.runtime import shim as s\n"
    + "@triton.jit\ndef one(x):\n    return double(twice(x)) + h.double(x)\n"
    + "@triton.jit\ndef two(x):\n    return host(x)\n"
    + "@triton.jit\ndef three(x):\n    return s.tanh(x)\n",
    "other/gluon.py": "from triton.experimental import gluon\n@gluon.jit\ndef k(x): pass\n",
    "npu/k.py": HEAD + "@triton.jit\ndef n(x): return tl.nowhere(x)\n",
}


def test_functions_are_counted_with_and_without_helpers_of_other_files(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / "lib" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    options = ["--without", "npu/*", "--alias", "shim=triton.language.extra.libdevice"]
    command = [sys.executable, "-m", "benchmarks.extractor", str(tmp_path / "lib"), *options]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "each file by itself: 1 of 4 taken, 25.0 %; 1 of other compilers beside; 0 files unread" in told
    assert "other files: 3 of 4 taken, 75.0 %; 1 of other compilers beside; 0 files unread" in told
    assert "     1  a name imported from elsewhere (not Triton)" in told
