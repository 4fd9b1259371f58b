"""The server: hears a request, takes the next turn of the script, and answers in the words of the wire."""

from __future__ import annotations

import importlib
import json
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.wire.speech import SPEECH, encode, refused, thinking
from tests.wire.turns import Recorded, Turn

ROUTES = {
    "/v1/responses": "responses",
    "/v1/chat/completions": "chat",
    "/v1/messages": "messages",
    "/relay": "seed",
}
POLL_S = 0.05
LATE = ("openai", "anthropic", "httpx2", "httpcore2", "anyio._backends._asyncio")
"""What a call imports. pytester forgets what was first imported in a run: httpx2 would then go by other classes of
errors than httpcore2 and anyio raise in the next one.
"""

Script = Sequence[Turn] | Callable[[Recorded], Turn]


class WireServer(ThreadingHTTPServer):
    """script: turns in the order of the requests, or a function of the request. lacks: wires that are not served."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script, lacks: Sequence[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.lacks = script, lacks
        self.requests: list[Recorded] = []
        self.spoken = 0
        self.faults: list[BaseException] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is what is tested; anything else is a fault of this server, told when it is closed."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.faults.append(error)

    def turn(self, request: Recorded) -> Turn:
        """What to do about this request; a turn that refuses one of its parameters stays the next."""
        with self.lock:
            self.requests.append(request)
        if callable(self.script):
            return self.script(request)
        with self.lock:
            if self.spoken == len(self.script):
                return Turn(status=400, error={"type": "script", "message": "the script has no further turn"})
            turn = self.script[self.spoken]
            self.spoken += not refusing(turn, request)
            return turn


def refusing(turn: Turn, request: Recorded) -> str | None:
    return next((name for name in turn.refuses if name in request.body), None)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: WireServer

    def log_message(self, *arguments: Any) -> None:
        """Says nothing: what came is in `requests`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = urlsplit(self.path).path  # as a proxy it is asked for a whole address
        wire = ROUTES.get(path)
        request = Recorded(self.path, dict(self.headers), body, threading.Event())
        if wire is None or wire in self.server.lacks:
            self.server.requests.append(request)
            self._whole(404, b'{"detail": "Not Found"}')
            return
        self._answer(wire, self.server.turn(request), request)

    def _answer(self, wire: str, turn: Turn, request: Recorded) -> None:
        if (name := refusing(turn, request)) is not None:
            error = {"type": "invalid_request_error", "message": f"Unsupported parameter: {name!r}", "param": name}
            self._whole(400, refused(wire, error | ({"code": "unsupported_parameter"} if wire != "messages" else {})))
        elif turn.mute:
            self._wait(request)
        elif turn.status != 200:
            self._whole(turn.status, refused(wire, dict(turn.error)), **turn.headers)
        elif turn.ending in ("whole", "page"):
            page = turn.ending == "page"
            body = b"<html>sign in</html>" if page else refused(wire, dict(turn.error))
            self._whole(200, body, **{"content-type": "text/html" if page else "application/json"})
        elif wire == "seed":
            self._seed(turn, request)
        else:
            self._stream(wire, turn, request)

    def _whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _seed(self, turn: Turn, request: Recorded) -> None:
        body = json.dumps([{"output": "\n".join(turn.texts)}]).encode()
        if turn.ending == "truncated":
            self._whole(200, body[:-5])
        elif turn.ending == "strange":
            self._whole(200, b"[5]")
        elif turn.ending == "error":
            self._whole(200, json.dumps(dict(turn.error)).encode())
        elif turn.ending in ("silent", "cut"):
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self._wait(request) if turn.ending == "silent" else self._cut()
        else:
            self._whole(200, body)

    def _stream(self, wire: str, turn: Turn, request: Recorded) -> None:
        model = request.body["model"]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in SPEECH[wire](turn, model):
            self.server.closing.wait(turn.pause_s)
            self._chunk(encode(event))
        if turn.ending == "truncated":
            self._chunk(encode(thinking(wire, model))[:-8] + b"\n\n")
        if turn.ending == "strange":
            self._chunk(encode(("message_delta", 5)))
        while turn.ending == "endless" and not self.server.closing.is_set():
            if self._gone(request):
                return
            self._chunk(encode(thinking(wire, model)))
        if turn.ending == "silent":
            self._wait(request)
        elif turn.ending == "cut":
            self._cut()
        else:
            self._chunk(b"data: [DONE]\n\n" if wire == "chat" and turn.ending != "unfinished" else b": end\n\n")
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, request: Recorded) -> None:
        while not self.server.closing.is_set() and not self._gone(request):
            continue
        self.close_connection = True

    def _gone(self, request: Recorded) -> bool:
        """Whether the client has left, looked at for a moment."""
        readable, _, _ = select.select([self.connection], [], [], POLL_S)
        try:
            gone = bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            gone = True
        if gone:
            request.left.set()
            self.close_connection = True
        return gone


@contextmanager
def wire(script: Script, lacks: Sequence[str] = ()) -> Iterator[WireServer]:
    """A server that speaks while the block runs."""
    for package in LATE:
        with suppress(ImportError):
            importlib.import_module(package)
    server = WireServer(script, lacks)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_S}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
    if server.faults:
        raise ExceptionGroup("the wire server failed", [Exception(repr(fault)) for fault in server.faults])
