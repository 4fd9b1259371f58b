from __future__ import annotations

import socket

import pytest


def test_tests_cannot_leave_this_machine() -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match=r"socket\.connect to 192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))
    with socket.socket(type=socket.SOCK_DGRAM) as outside, pytest.raises(RuntimeError, match=r"socket\.sendto"):
        outside.sendto(b"", ("192.0.2.1", 80))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
