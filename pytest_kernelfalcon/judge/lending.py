"""Zygotes that several processes of a run share: one process starts them and lends lines to the others.

The lender listens on a socket in the abstract namespace, which belongs to the network namespace: what runs in the
sandbox cannot reach it, and nothing is left of it when its process is killed. Who asks must be of this user and know
the secret, which travels beside the offer's other words through a pipe between the two processes, never through the
environment; who is asked must be the process that made the offer.
"""

from __future__ import annotations

import os
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.judge.child import SLICE_SECONDS
from pytest_kernelfalcon.judge.host import Line, Zygote
from pytest_kernelfalcon.judge.platforms import Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.wire import Channel, Closed, Malformed, close_all
from pytest_kernelfalcon.judge.zygote import ROLES

REQUEST_BYTES = 4096
REQUEST_SECONDS = 2.0
"""How long the lender listens to one that asks."""
ANSWER_SECONDS = 60.0
CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class Offer:
    """What a process must know to be lent lines.

    address: without the NUL that begins it. pid: the lender's process.
    """

    address: str
    pid: int
    secret: str = field(repr=False)


class Lender:
    """Starts zygotes when they are asked for, and lends lines to them. `close` ends them all.

    A thread of its own does the work and lives as long: zygotes die with the thread that started them.
    """

    def __init__(self, sandbox: str) -> None:
        self._sandbox = sandbox
        self._zygotes: dict[str, Zygote] = {}
        self.offer = Offer(f"kernelfalcon-{secrets.token_hex(16)}", os.getpid(), secrets.token_hex(32))
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(_abstract(self.offer.address))
        self._server.listen()
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="kernelfalcon-lender", daemon=True)
        self._thread.start()

    def __enter__(self) -> Lender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stop.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            while self._stopped not in (ready := select.select([self._server, self._stopped], [], [])[0]):
                peer = Channel(ready[0].accept()[0], REQUEST_BYTES)
                try:
                    self._answer(peer)
                except (Closed, Malformed, TimeoutError):
                    continue  # it said nothing that we answer, or did not wait for it
                finally:
                    peer.close()
        finally:
            for zygote in self._zygotes.values():
                zygote.close()
            self._server.close()
            self._stopped.close()

    def _answer(self, peer: Channel) -> None:
        if _credentials(peer.sock)[1] != os.getuid():
            return
        request, fds = peer.receive(_within(REQUEST_SECONDS))
        close_all(fds)
        if not secrets.compare_digest(str(request.get("secret")).encode(), self.offer.secret.encode()):
            return
        kind = str(request.get("kind"))
        if kind not in ROLES:
            peer.send({"failed": f"there is no zygote {kind!r}"})
        elif request.get("want") == "words":
            peer.send({"words": self._zygotes[kind].last_words() if kind in self._zygotes else "never started"})
        else:
            place = request.get("place")
            self._lend(kind, place if isinstance(place, int) else 0, peer)

    def _lend(self, kind: str, place: int, peer: Channel) -> None:
        try:
            line = self._zygote(kind).lend(place)
        except (Closed, OSError, Unavailable) as error:
            peer.send({"failed": f"the {kind} zygote could not be started: {error!r}"})
            return
        try:
            peer.send({"lent": kind}, [line.fileno()])
        finally:
            line.close()

    def _zygote(self, kind: str) -> Zygote:
        known = self._zygotes.get(kind)
        if known is not None and known.alive:
            return known
        if known is not None:
            known.close()
        self._zygotes[kind] = Zygote(kind, self._sandbox)
        return self._zygotes[kind]


class Lent(Line):
    """A line to a zygote of another process. Raises `JudgeError` where that process does not lend it.

    place: see `platforms.choose`.
    """

    def __init__(self, kind: str, offer: Offer, place: int = 0) -> None:
        self._offer = offer
        _, fds = _ask(offer, kind, "line", place)
        if len(fds) != 1:
            close_all(fds)
            raise JudgeError(f"process {offer.pid} lent no line to the {kind} zygote")
        super().__init__(kind, Channel(socket.socket(fileno=fds[0])))

    def last_words(self) -> str:
        answer, fds = _ask(self._offer, self.kind, "words")
        close_all(fds)
        return str(answer.get("words"))


def _ask(offer: Offer, kind: str, want: str, place: int = 0) -> tuple[dict[str, Any], list[int]]:
    """The lender's answer. Raises `JudgeError` where it gives none."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel = Channel(sock)
    try:
        sock.connect(_abstract(offer.address))
        if _credentials(sock)[0] != offer.pid:  # the address is free again once the lender is dead
            raise JudgeError(f"process {offer.pid}, which has the zygotes of this run, is gone")
        channel.send({"secret": offer.secret, "kind": kind, "want": want, "place": place})
        answer, fds = channel.receive(_within(ANSWER_SECONDS))
    except (Closed, Malformed, OSError) as error:
        raise JudgeError(
            f"process {offer.pid}, which has the zygotes of this run, does not answer: {error!r}"
        ) from None
    finally:
        channel.close()
    if "failed" in answer:
        close_all(fds)
        raise JudgeError(str(answer["failed"]))
    return answer, fds


def _abstract(address: str) -> bytes:
    return b"\0" + address.encode()


def _credentials(sock: socket.socket) -> tuple[int, int, int]:
    """Process, user and group of the other end, as the kernel noted them when it connected or listened."""
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    pid, uid, gid = CREDENTIALS.unpack(data)
    return pid, uid, gid


def _within(seconds: float) -> Callable[[], float]:
    """Waits for a message no longer than that; then raises `TimeoutError`."""
    end = time.monotonic() + seconds

    def wait() -> float:
        if time.monotonic() > end:
            raise TimeoutError(f"no answer in {seconds:.0f} s")
        return SLICE_SECONDS

    return wait
