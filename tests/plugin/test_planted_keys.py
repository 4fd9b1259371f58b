"""Keys are planted wherever one could be, a server sends back all that it hears, and none is found afterwards."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.conftest import Example
from tests.plugin.conftest import FakeJudge, candidate
from tests.wire.asking import WIRES, imported
from tests.wire.server import wire
from tests.wire.turns import Recorded, Turn, failing

imported("openai", "anthropic", "dotenv")

KEY, OTHER = "sk-planted-b7Qz-0192", "sk-planted-other-88c1"
USER, PASSWORD, QUERY, PROXY = "a-user-of-it", "pa55-planted-7Hq", "q-planted-31xZ", "pr0xy-planted-5Tt"
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = [KEY, OTHER, PASSWORD, QUERY, PROXY, LOGIN, base64.b64encode(f"u:{PROXY}".encode()).decode()]


class Echo:
    """Refuses once, fails once, answers in prose once, then with a candidate: always with all that it was sent."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, request: Recorded) -> Turn:
        self.calls += 1
        heard = f"{json.dumps(dict(request.headers))} {request.path}"
        if self.calls == 1:
            return failing(429, "rate_limit_error", heard[max(0, len(heard) - 280) :], retry_after_ms="1")
        if self.calls == 2:
            return Turn(texts=(f"What I was sent: {heard}",))
        if self.calls == 3:
            seen = f'HEARD = """{heard}"""\n'
            return Turn(texts=(f"```python\n{candidate('refused')}{seen}def kernel_function(x):\n    return x\n```",))
        return failing(400, "invalid", heard)


@pytest.mark.parametrize("place", ["key", "login", "query"])
@pytest.mark.parametrize("name", ["responses", "messages", "relay"])
def test_no_key_is_in_a_run_directory(
    name: str, place: str, example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, (key_name, url_name), path = WIRES[name]
    example.problem()
    monkeypatch.chdir(example.path)
    for variable in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, f"http://u:{PROXY}@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(key_name, raising=False)
    with wire(Echo()) as server:
        url = server.url + path
        url = {"key": url, "login": url.replace("//", f"//{USER}:{PASSWORD}@"), "query": f"{url}?token={QUERY}"}[place]
        monkeypatch.setenv(url_name, url)
        example.write(".env", f"{key_name}={KEY}\nOPENAI_ADMIN_KEY={OTHER}\n")
        run = example.run(f"--kernelfalcon-author={provider}/m-1", "--kernelfalcon-seeds=1")
        assert server.requests
    assert run.ended["add.py::model::seed[0]"] == "LOST"
    kept = _everything(example.path / ".fuse")
    if place != "query" or name == "relay":  # an SDK's own paths do not fit behind a question mark
        assert "What I was sent: " in kept
        assert "HEARD = " in kept
    assert _found(kept + run.output + json.dumps(run.report)) == []


def test_no_password_of_a_proxy_is_in_a_run_directory(
    example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.problem()
    for variable in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with wire([failing(407, "proxy", f"{PROXY} is wrong")]) as server:
        proxy = server.url.replace("//", f"//u:{PROXY}@")
        for variable in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(variable, proxy)
        monkeypatch.setenv("LLM_RELAY_URL", "http://models.invalid/relay")
        run = example.run("--kernelfalcon-author=relay/m-1", "--kernelfalcon-seeds=1")
        assert server.requests
    assert run.ret == 1
    assert _found(_everything(example.path / ".fuse") + run.output) == []


def _everything(folder: Path) -> str:
    return "".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())


def _found(text: str) -> list[str]:
    """Secrets of which a telling part is there."""
    return [secret for secret in SECRETS if any(part in text for part in (secret, secret[:12], secret[-8:]))]
