"""Keys and addresses: where they come from, and that they show nowhere."""

from __future__ import annotations

import base64
import importlib.util
import logging
import os
import traceback
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm import registry
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Limits
from pytest_kernelfalcon.generator.llm.settings import Settings
from tests.wire.asking import KEY, LIMITS, REQUEST, WIRES, environment, provider
from tests.wire.server import wire
from tests.wire.turns import Turn, failing


def settings(root: Path, start: Path, **environ: str) -> Settings:
    pytest.importorskip("dotenv", reason="python-dotenv is not installed: no .env is read here")
    return Settings.read(start, root, environ)


def test_a_file_gives_what_the_environment_lacks(tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (tmp_path / ".env").write_text("A=root\nB=root\nC=root\n")
    (start / ".env").write_text("# mine\nexport B='start'\nC=start\n")
    before = dict(os.environ)
    read = settings(tmp_path, start, C="environment")
    assert [read.get(name) for name in "ABC"] == ["root", "start", "environment"]
    assert dict(os.environ) == before


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(CallFailed, match=r"\.env") as caught:
        settings(tmp_path, tmp_path)
    assert caught.value.outcome == "wrong_setting"


@pytest.mark.parametrize(("name", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
@pytest.mark.parametrize("value", [None, "", " "])
def test_a_missing_key_is_said_before_any_call(name: str, variable: str, value: str | None) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed, and is missed first")
    with pytest.raises(CallFailed) as caught:
        registry.provider(name, Settings({} if value is None else {variable: value}), Limits())
    assert caught.value.outcome == "missing_key"
    assert variable in caught.value.message
    assert variable in caught.value.fix


def test_a_missing_address_of_the_relay_is_said_before_any_call() -> None:
    pytest.importorskip("openai", reason="openai is not installed, and is missed first")
    with pytest.raises(CallFailed, match="LLM_RELAY_URL is not set") as caught:
        registry.provider("relay", Settings({}), Limits())
    assert caught.value.outcome == "missing_url"


@pytest.mark.parametrize("value", ["models.example", "ftp://models.example", "http://", "http://[::1", "http://x:port"])
def test_an_address_that_is_none(value: str) -> None:
    pytest.importorskip("openai", reason="openai is not installed, and is missed first")
    with pytest.raises(CallFailed, match="LLM_RELAY_URL") as caught:
        registry.provider("relay", Settings({"LLM_RELAY_URL": value}), Limits())
    assert caught.value.outcome == "wrong_setting"


@pytest.mark.parametrize("name", ["responses", "messages", "relay"])
@pytest.mark.parametrize("key", ["sk-plant\ned", "sk-planté"])
def test_a_key_that_no_header_can_hold_is_not_shown(name: str, key: str) -> None:
    variable = WIRES[name][1][0]
    with pytest.raises(CallFailed, match=f"{variable} has characters that no key has") as caught:
        provider(name, "http://127.0.0.1:9", **{variable: key})
    assert "plant" not in str(caught.value)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_that_is_none(value: str) -> None:
    with pytest.raises(CallFailed, match="LLM_RELAY_TIMEOUT_S is"):
        provider("relay", "http://127.0.0.1:9", LLM_RELAY_TIMEOUT_S=value)


def test_the_relays_own_time_limits_its_calls() -> None:
    with wire([Turn(mute=True)]) as server, pytest.raises(CallFailed) as caught:
        provider("relay", server, LLM_RELAY_TIMEOUT_S="0.2").ask(REQUEST, Control())
    assert caught.value.outcome == "timeout"


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_a_package_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(CallFailed) as caught:
        registry.provider(name, Settings({}), Limits())
    package = registry.PROVIDERS[name][1][0]
    assert caught.value.outcome == "missing_sdk"
    assert caught.value.fix == f"pip install {package}"


def test_a_token_of_anthropic_is_a_key_too() -> None:
    with wire([Turn()]) as server:
        asked = provider("messages", server, ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN="token-1")
        asked.ask(REQUEST, Control())
    assert server.requests[0].headers["Authorization"] == "Bearer token-1"


@pytest.mark.parametrize("name", WIRES)
def test_a_login_in_the_address_is_used(name: str) -> None:
    with wire([Turn()]) as server:
        login = server.url.replace("http://", "http://me:pa%20ss@")
        provider(name, login).ask(REQUEST, Control())
    headers = {key.lower(): value for key, value in server.requests[0].headers.items()}
    assert headers["authorization"] == "Basic bWU6cGEgc3M="


PASSWORD = "pa55word"
ECHO = f"Incorrect API key provided: {KEY}"
TURNS = [
    failing(401, "authentication_error", ECHO),
    failing(400, "invalid_request_error", ECHO),
    Turn(ending="error", error={"type": "server_error", "message": ECHO}),
    Turn(ending="page"),
    Turn(ending="cut"),
    Turn((f"your key is {KEY}", "")),
    Turn((f"your key is {KEY}",), ending="max_tokens"),
]


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("login", ["", f"me:{PASSWORD}@"], ids=["key", "login"])
def test_a_key_shows_nowhere(name: str, login: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(Settings(environment(name, "http://x")))]
    with wire(TURNS) as server:
        asked = provider(name, server.url.replace("http://", f"http://{login}"), LIMITS)
        shown.append(repr(asked))
        for _ in TURNS:
            try:
                shown.append(repr(asked.ask(REQUEST, Control())))
            except CallFailed as failed:
                below = failed.with_traceback(failed.__traceback__ and failed.__traceback__.tb_next)
                frames = traceback.TracebackException.from_exception(below, capture_locals=True)
                shown += [repr(vars(failed)), repr(failed), *frames.format()]
    assert len(server.requests) == len(TURNS)
    assert any("[key]" in text for text in shown)
    for text in (*shown, caplog.text):
        assert KEY not in text
        assert PASSWORD not in text
        assert base64.b64encode(f"me:{PASSWORD}".encode()).decode() not in text
