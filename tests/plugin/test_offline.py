"""No test leaves this machine: who tries fails its test, also where the error is caught, or is another process's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Example
from tests.loopback import only_loopback

PLANTED = """
import contextlib
import socket
import subprocess
import sys

import pytest

LEAVES = {
    "connects": "import socket; socket.socket().connect(('192.0.2.1', 80))",
    "connects_by_6": "import socket; socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "sends": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 80))",
    "looks_up": "import socket; socket.getaddrinfo('models.example', 443)",
    "asks_a_model": "import openai; openai.OpenAI(api_key='k', base_url='https://api.openai.com').models.list()",
}


@pytest.mark.parametrize("code", LEAVES.values(), ids=LEAVES)
def test_itself(code):
    with contextlib.suppress(Exception):
        exec(code)


@pytest.mark.parametrize("code", LEAVES.values(), ids=LEAVES)
def test_its_child(code):
    subprocess.run([sys.executable, "-c", code], capture_output=True)


def test_its_childs_child():
    inner = [sys.executable, "-c", LEAVES["connects"]]
    subprocess.run([sys.executable, "-c", f"import subprocess; subprocess.run({inner!r})"], capture_output=True)


def test_stays_here():
    with socket.create_server(("localhost", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
"""


def test_who_tries_to_leave_this_machine_fails_its_test(example: Example) -> None:
    pytest.importorskip("openai", reason="openai is not installed: it cannot be caught leaving")
    example.write("conftest.py", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.conftest import *\n")
    example.write("test_planted.py", PLANTED)
    output, _ = example.spawn("-rA", "test_planted.py").communicate(timeout=200)
    passed = {line.split()[1] for line in output.splitlines() if line.startswith("PASSED ")}
    failed = {line.split()[1] for line in output.splitlines() if line.startswith("ERROR ")}
    assert passed - failed == {"test_planted.py::test_stays_here"}, output
    assert len(failed) == 11, output
    assert "socket.connect to 192.0.2.1" in output
    assert "socket.getaddrinfo to api.openai.com" in output


def test_the_error_names_where_it_went(tmp_path: Path) -> None:
    code = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_elsewhere(tmp_path))
    assert "NetworkBlocked: socket.connect to 192.0.2.1: no test may leave this machine" in ended.stderr


def _elsewhere(folder: Path) -> dict[str, str]:
    """An environment in which what is tried is noted elsewhere, so that it does not fail the test that tries it."""
    return os.environ | {only_loopback.NOTES: str(folder / "left")}


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
