"""Framed JSON messages, with file descriptors, over a Unix stream socket.

A frame is four bytes (big-endian length) and that many bytes of JSON, an object. The peer may be hostile: a frame
over the limit, or one that is no JSON object, raises `Malformed`; the caller decides how long to wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

HEADER = struct.Struct(">I")
MAX_FDS = 16
Wait = Callable[[], float]
"""Returns how many seconds to wait for the next byte before asking again; raises to stop waiting."""


class Closed(Exception):
    """The peer has closed its end, or died."""


class Malformed(Exception):
    """The peer sent something that is not a frame."""


class Channel:
    """One end of a conversation. limit: the most bytes that a received frame may have."""

    def __init__(self, sock: socket.socket, limit: int = 64 << 20) -> None:
        self.sock, self.limit = sock, limit

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(left), cls(right)

    def fileno(self) -> int:
        return self.sock.fileno()

    def close(self) -> None:
        self.sock.close()

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Raises `Closed` when nobody reads any more."""
        data = json.dumps(message).encode()
        frame = HEADER.pack(len(data)) + data
        try:
            sent = socket.send_fds(self.sock, [frame], list(fds)) if fds else 0
            self.sock.sendall(frame[sent:])
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def receive(self, wait: Wait | None = None) -> tuple[dict[str, Any], list[int]]:
        """The next message and the descriptors that came with it (the caller closes them)."""
        fds: list[int] = []
        try:
            (length,) = HEADER.unpack(self._read(HEADER.size, wait, fds))
            if length > self.limit:
                raise Malformed(f"a message of {length} bytes; at most {self.limit} are read")
            return _object(self._read(length, wait, fds)), fds
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise

    def _read(self, size: int, wait: Wait | None, fds: list[int]) -> bytes:
        data = bytearray()
        while len(data) < size:
            if wait is not None and not select.select([self.sock], [], [], wait())[0]:
                continue
            try:
                part, new, _, _ = socket.recv_fds(self.sock, min(size - len(data), 1 << 20), MAX_FDS)
            except ConnectionResetError:
                raise Closed from None
            fds.extend(new)
            if not part:
                raise Closed
            data += part
        return bytes(data)


def _object(data: bytes) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise Malformed("not a JSON object")
    return message


def close_all(fds: Sequence[int]) -> None:
    """Close descriptors that may be closed already."""
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
