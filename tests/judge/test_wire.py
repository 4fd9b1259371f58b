"""Frames: what a hostile peer can and cannot do to a reader."""

from __future__ import annotations

import os
import time

import pytest

from pytest_kernelfalcon.judge.wire import HEADER, Channel, Closed, Malformed


class Late(Exception):
    pass


def within(seconds: float):  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds

    def wait() -> float:
        if time.monotonic() > until:
            raise Late
        return 0.02

    return wait


def test_a_message_and_its_descriptors_arrive():
    left, right = Channel.pair()
    reader, writer = os.pipe()
    left.send({"a": [1, None, "ü"]}, [reader])
    os.write(writer, b"through")
    message, (fd,) = right.receive()
    assert message == {"a": [1, None, "ü"]}
    assert os.read(fd, 10) == b"through"


def test_a_message_larger_than_the_socket_buffer_arrives():
    left, right = Channel.pair()
    child = os.fork()
    if child == 0:
        left.send({"text": "x" * 3_000_000})
        os._exit(0)
    assert len(right.receive()[0]["text"]) == 3_000_000
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (HEADER.pack(3) + b"{]}", "not JSON"),
        (HEADER.pack(2) + b"[]", "not a JSON object"),
        (HEADER.pack(4) + b"\xff\xfe\x00\x01", "not JSON"),
        (HEADER.pack(200_000) + b"[" * 200_000, "not JSON"),
        (HEADER.pack(6000) + b'{"a":' + b"9" * 5990 + b"    }", "not JSON"),
        (HEADER.pack(15) + b'{"a":1,  "a":2}', "a key twice"),
        (HEADER.pack(506) + b'{"a":' + b"[" * 250 + b"]" * 250 + b"}", "more than 200 deep"),
        (HEADER.pack(0xFFFFFFFF), "a message of 4294967295 bytes"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, says: str):
    left, right = Channel.pair()
    right.limit = 1 << 20
    left.sock.sendall(data)
    with pytest.raises(Malformed, match=says):
        right.receive(within(5))


def test_a_peer_that_stalls_in_the_middle_of_a_message_is_left():
    left, right = Channel.pair()
    left.sock.sendall(HEADER.pack(100) + b'{"a"')
    with pytest.raises(Late):
        right.receive(within(0.1))


def test_a_peer_that_is_gone_is_told_apart():
    left, right = Channel.pair()
    left.sock.sendall(HEADER.pack(100) + b'{"a"')
    left.close()
    with pytest.raises(Closed):
        right.receive(within(5))
    with pytest.raises(Closed):
        right.send({})
