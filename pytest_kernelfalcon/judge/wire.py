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
from collections.abc import Callable, Collection, Sequence
from typing import Any

HEADER = struct.Struct(">I")
MAX_FDS = 16
"""Descriptors that come with one message."""
MAX_DEPTH = 200
"""Of a message's lists and objects inside one another; to walk it stays far from Python's own limit."""
Wait = Callable[[], float]
"""Returns how many seconds to wait for the next byte before asking again; raises to stop waiting."""


class Closed(Exception):
    """The peer has closed its end, or died."""


class Malformed(Exception):
    """The peer sent something that is not a frame."""


class Channel:
    """One end of a conversation. limit, depth: the most bytes that a received frame may have, and how deeply its
    lists and objects may be nested. received: bytes of all frames until now.
    """

    def __init__(self, sock: socket.socket, limit: int = 64 << 20, depth: int = MAX_DEPTH) -> None:
        self.sock, self.limit, self.depth = sock, limit, depth
        self.received = 0

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
        """The next message and the descriptors that came with it (the caller closes them).

        Raises `Closed`, and `Malformed` for what is no frame of an object within the limits.
        """
        fds: list[int] = []
        try:
            (length,) = HEADER.unpack(self._read(HEADER.size, wait, fds))
            if length > self.limit:
                raise Malformed(f"a message of {length} bytes; at most {self.limit} are read")
            data = self._read(length, wait, fds)
            self.received += HEADER.size + length
            return _object(data, self.depth), fds
        except BaseException:
            close_all(fds)
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
            if len(fds) > MAX_FDS:
                raise Malformed(f"more than {MAX_FDS} file descriptors with one message")
            if not part:
                raise Closed
            data += part
        return bytes(data)


def _object(data: bytes, depth: int) -> dict[str, Any]:
    try:
        message = json.loads(data, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise Malformed("not a JSON object")
    level: list[Any] = [message]
    for _ in range(depth):
        level = [part for whole in level for part in _parts(whole)]
    if level:
        raise Malformed(f"lists and objects more than {depth} deep")
    return message


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two equal keys counts is nobody's to choose."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice in one object")
    return found


def _parts(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def close_all(fds: Sequence[int]) -> None:
    """Close descriptors that may be closed already."""
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
