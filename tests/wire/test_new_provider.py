"""The provider that CONTRIBUTING.md shows is whole: it answers, and fails in words, as the others do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Provider, Usage
from pytest_kernelfalcon.generator.llm.settings import Settings
from tests.wire.asking import LIMITS, REQUEST

pytest.importorskip("httpx2", reason="httpx2 is not installed: no provider can be asked here")

IMPORTS = """
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_kernelfalcon.generator.llm.heard import Heard, count, look
from pytest_kernelfalcon.generator.llm.outcomes import About
from pytest_kernelfalcon.generator.llm.provider import Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Settings
from pytest_kernelfalcon.generator.llm.streaming import Streaming
"""


def shown(url: str) -> Provider:
    """What the text shows, made for this address."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(class .*?)```", text, re.DOTALL)
    space: dict[str, Any] = {"__name__": "ollama"}
    exec(compile(IMPORTS + code, "CONTRIBUTING.md", "exec"), space)
    made = space["make"](Settings({"OLLAMA_HOST": url}), LIMITS)
    assert isinstance(made, space["Streaming"])
    return made


@contextmanager
def lines(status: int, *data: dict[str, Any]) -> Iterator[str]:
    """A server that answers once, with these lines of JSON."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write("".join(json.dumps(line) + "\n" for line in data).encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 60
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        thread.join()


HALVES = [{"message": {"content": "hel"}}, {"message": {"content": "lo"}}]
DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2}


def test_it_answers() -> None:
    with lines(200, *HALVES, DONE) as url:
        answer = shown(url).ask(REQUEST, Control())
    assert (answer.text, answer.usage, answer.finish) == ("hello", Usage(input=7, output=2), "stop")


@pytest.mark.parametrize(
    ("status", "data", "outcome"), [(200, HALVES, "unfinished"), (429, [], "rate_limited"), (401, [], "wrong_key")]
)
def test_it_fails_in_words(status: int, data: list[dict[str, Any]], outcome: str) -> None:
    with lines(status, *data) as url, pytest.raises(CallFailed, match="ollama/m-1: ") as caught:
        shown(url).ask(REQUEST, Control())
    assert caught.value.outcome == outcome
