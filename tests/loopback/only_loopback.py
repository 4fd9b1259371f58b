"""Keeps a Python process on this machine, and notes what tried to leave it, so that no `except` hides it.

tests/conftest.py installs it in the process of the tests; `sitecustomize.py` beside it does in the processes that these
start. Neither a connection nor the look-up of a name goes out.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

NOTES = "TESTS_LEFT_THIS_MACHINE"
"""The environment variable that names the file with a line for each attempt."""

CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
LOOKING_UP = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


class NetworkBlocked(RuntimeError):
    """A test, or what it started, tried to leave this machine."""


def install() -> None:
    sys.addaudithook(_hold)


def _hold(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CONNECTING:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path, or nobody that is named
    elif event in LOOKING_UP:
        host = arguments[0]
    else:
        return
    if host and not _is_here(host.decode() if isinstance(host, bytes) else str(host)):
        _note(f"{event} to {host} by {' '.join(sys.argv)[:200]}")
        raise NetworkBlocked(f"{event} to {host}: no test may leave this machine")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _note(line: str) -> None:
    if path := os.environ.get(NOTES):
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
