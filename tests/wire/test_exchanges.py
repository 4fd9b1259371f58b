"""What is kept of a call: all that was asked and all that came, exactly, and no key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.generator.llm import exchange
from pytest_kernelfalcon.generator.llm.exchange import Exchange, Left
from pytest_kernelfalcon.generator.llm.kept import Kept
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.prompts import Scene
from pytest_kernelfalcon.generator.llm.provider import Answer, Message, Provider, Request, Usage
from pytest_kernelfalcon.generator.llm.settings import Settings
from pytest_kernelfalcon.store import files
from tests.wire.asking import KEY, LIMITS, REQUEST, SPOKEN, WIRES, provider
from tests.wire.server import wire
from tests.wire.turns import Recorded, Turn, failing

SCENE = Scene("cpu", "3.6", ("sm_80", "sm_90"))
HARD = "\ud83d\ude00 \udc00 \ud800 😀 \x00 \x1b[31m \r\n \u2028 é ```"
"""Pieces of characters, control characters, ends of lines."""


def kept(asked: Provider, folder: Path) -> Kept:
    return Kept(asked, folder, "openai/m-1", SCENE)


def failed(call: Callable[[], object]) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_is_kept_with_what_was_asked(name: str, tmp_path: Path) -> None:
    with wire([Turn(texts=("one", "two")), Turn()]) as server:
        asked = kept(provider(name, server), tmp_path / "round0")
        answers = [asked.ask(REQUEST, Control()), asked.ask(REQUEST, Control())]
    assert exchange.read(tmp_path / "round0") == [Exchange("openai/m-1", SCENE, REQUEST, end) for end in answers]


@pytest.mark.parametrize(
    "turn",
    [failing(429, "rate_limit_error", "slower", retry_after="7"), Turn(texts=("half of it",), ending="cut")],
    ids=["refused", "cut"],
)
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_a_failure_is_kept_whole(name: str, turn: Turn, tmp_path: Path) -> None:
    with wire([turn]) as server:
        asked = kept(provider(name, server), tmp_path)
        came = failed(lambda: asked.ask(REQUEST, Control()))
    (one,) = exchange.read(tmp_path)
    assert isinstance(one.end, CallFailed)
    assert vars(one.end) == vars(came)
    assert str(one.end) == str(came)


def test_a_call_that_was_left_says_by_what(tmp_path: Path) -> None:
    with wire([Turn(mute=True), Turn(mute=True)]) as server:
        asked = kept(provider("chat", server), tmp_path)
        with pytest.raises(Cancelled):
            asked.ask(REQUEST, Control(cancelled=lambda: "seed[1] won" if server.requests else None))
        with pytest.raises(DeadlineExceeded):
            asked.ask(REQUEST, Control().within(0.1))
    assert [one.end for one in exchange.read(tmp_path)] == [Left("seed[1] won"), Left("its time was up")]


class Dies:
    """A provider in a process that ends in the middle of a call."""

    name = "dies"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def warmest(self, model: str) -> float | None:
        return None

    def left_out(self, model: str) -> tuple[str, ...]:
        return ("temperature",)

    def ask(self, request: Request, control: Control) -> Answer:
        assert [one.request for one in exchange.read(self.folder)] == [request]
        raise KeyboardInterrupt


def test_a_prompt_is_there_before_its_answer(tmp_path: Path) -> None:
    asked = kept(Dies(tmp_path), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        asked.ask(REQUEST, Control())
    assert [one.end for one in exchange.read(tmp_path)] == [None]
    assert (asked.name, asked.warmest("m"), asked.left_out("m")) == ("dies", None, ("temperature",))


@given(text=st.text(st.characters(codec=None)) | st.just(HARD), partial=st.text(st.characters(codec=None)))
def test_every_text_comes_back_as_it_was(text: str, partial: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("round")
    asked = Exchange(text, SCENE, Request(text, (Message("user", text),)))
    number = asked.begin(folder)
    exchange.finish(folder, number, Answer(text, Usage(1, 0, 2), text, text))
    (one,) = exchange.read(folder)
    assert one.request == asked.request
    assert one.end == Answer(text, Usage(1, 0, 2), text, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt0.json", '{"schema": 2}'),
        ("prompt0.json", '{"schema": 1, "author": "a"}'),
        ("answer0.json", '{"schema": 1}'),
        ("answer0.json", '{"schema": 1, "answer": {"text": 5, "usage": {}, "model": "m", "finish": "stop"}}'),
        ("answer0.json", '{"schema": 1, "failed": {"outcome": "tired"}}'),
        ("answer0.json", '{"schema": 1, "answer"'),
    ],
)
def test_a_damaged_file_is_named(name: str, text: str, tmp_path: Path) -> None:
    Exchange("a", SCENE, REQUEST).begin(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(files.Unreadable, match=name):
        exchange.read(tmp_path)


USER, PASSWORD, QUERY = "some-user", "pa55-planted-7Hq", "q-planted-31xZ"


def echo(status: int) -> Callable[[Recorded], Turn]:
    """A server that sends back what it was sent, as an error, or as the answer."""

    def turn(request: Recorded) -> Turn:
        heard = f"{request.path} {json.dumps(dict(request.headers))}"
        if status == 200:
            return Turn(texts=(heard,))
        at = min(heard.index(secret) for secret in secrets() if secret in heard)
        return failing(status, "bad", "." * (290 - at) + heard[max(0, at - 290) :] if status == 400 else heard[at:])

    return turn


def secrets() -> list[str]:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return [KEY, PASSWORD, QUERY, login]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("place", ["key", "login", "query"])
@pytest.mark.parametrize("name", SPOKEN)
def test_no_key_is_kept_whatever_a_server_sends_back(name: str, place: str, status: int, tmp_path: Path) -> None:
    _, (key_name, url_name), path = WIRES[name]
    with wire(echo(status)) as server:
        url = server.url + path
        if place == "login":
            url = url.replace("http://", f"http://{USER}:{PASSWORD}@")
        if place == "query":
            url += f"?token={QUERY}"
        (tmp_path / ".env").write_text(f"{key_name}={KEY}\n{url_name}={url}\n")
        pytest.importorskip("dotenv", reason="python-dotenv is not installed: no .env is read here")
        asked = kept(provider_of(name, tmp_path), tmp_path / "run")
        try:
            told = repr(asked.ask(REQUEST, Control()))
        except CallFailed as error:
            told = f"{error} {vars(error)}"
        assert server.requests
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir()).decode() + told
    assert "prompt" in {path.name[:6] for path in (tmp_path / "run").iterdir()}
    assert [secret for secret in secrets() if any(part in written for part in (secret, secret[:8], secret[-8:]))] == []


def provider_of(name: str, root: Path) -> Provider:
    """The provider as a run makes it: from `.env`."""
    from pytest_kernelfalcon.generator.llm import registry

    kind = WIRES[name][0]
    for package in registry.PROVIDERS[kind][1]:
        pytest.importorskip(package, reason=f"{package} is not installed: {kind} cannot be asked here")
    return registry.provider(kind, Settings.read(root, root, {}), LIMITS)
