"""What is sent on each wire, and what is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.knobs import diversity
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Message, Usage
from tests.wire.asking import KEY, REQUEST, STREAMING, WIRES, provider
from tests.wire.server import wire
from tests.wire.turns import Turn, failing

CODE = "```python\nx = 1\n```\n"


@pytest.mark.parametrize("name", WIRES)
def test_the_text_of_all_parts_is_heard_and_what_is_thought_before_is_not(name: str) -> None:
    with wire([Turn(("Here it is.", CODE), thinking="perhaps y = 2")]) as server:
        answer = provider(name, server).ask(REQUEST, Control())
    assert (answer.text, answer.model) == ("Here it is.\n" + CODE, "m-1")


@pytest.mark.parametrize("name", STREAMING)
def test_tokens_are_as_the_server_counts_them(name: str) -> None:
    with wire([Turn(tokens=(100, 60, 20, 5))]) as server:
        usage = provider(name, server).ask(REQUEST, Control()).usage
    assert replace(usage, written=None) == Usage(input=100, cached=60, output=20, reasoning=5)


def test_the_relay_counts_nothing() -> None:
    with wire([Turn()]) as server:
        assert provider("relay", server).ask(REQUEST, Control()).usage == Usage()


@pytest.mark.parametrize("name", STREAMING)
def test_a_slow_answer_is_waited_for(name: str) -> None:
    with wire([Turn(pause_s=0.02)]) as server:
        assert provider(name, server).ask(REQUEST, Control()).text == "hello"


MESSAGES = [
    {"role": "system", "content": "rules"},
    {"role": "user", "content": "problem"},
    {"role": "user", "content": "what failed"},
]
COMMON = {"model": "m-1", "temperature": 0.8, "top_p": 0.95}
SENT = {
    "responses": COMMON
    | {"input": MESSAGES, "stream": True, "store": False, "reasoning": {"effort": "high"}, "max_output_tokens": 5000},
    "chat": COMMON
    | {"messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    | {"reasoning_effort": "high", "max_completion_tokens": 5000},
    "relay-chat": COMMON
    | {"messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    | {"reasoning_effort": "high", "max_tokens": 5000},
    "relay": COMMON | {"messages": MESSAGES, "n": 1, "reasoning": {"effort": "high"}, "max_tokens": 5000},
    "messages": COMMON
    | {"stream": True, "max_tokens": 5000, "output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}}
    | {"system": [{"type": "text", "text": "rules", "cache_control": {"type": "ephemeral"}}]}
    | {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "problem", "cache_control": {"type": "ephemeral"}}],
            },
            {"role": "user", "content": [{"type": "text", "text": "what failed"}]},
        ]
    },
}


@pytest.mark.parametrize("name", SENT)
def test_a_request_has_all_that_was_asked_for(name: str) -> None:
    with wire([Turn()]) as server:
        provider(name, server).ask(REQUEST, Control())
    (request,) = server.requests
    assert request.body == SENT[name]
    assert request.headers.get("authorization", request.headers.get("Authorization")) == f"Bearer {KEY}"


@pytest.mark.parametrize("name", WIRES)
def test_what_is_not_asked_for_is_not_sent(name: str) -> None:
    bare = replace(REQUEST, max_tokens=None, temperature=None, top_p=None, effort=None)
    with wire([Turn()]) as server:
        provider(name, server).ask(bare, Control())
    assert not {"temperature", "top_p", "reasoning", "reasoning_effort", "output_config", "thinking"} & {
        *server.requests[0].body
    }
    assert name == "messages" or not {"max_tokens", "max_completion_tokens"} & {*server.requests[0].body}


def test_no_more_blocks_end_a_cache_than_the_api_takes() -> None:
    many = tuple(Message("user", str(number), stable=True) for number in range(6))
    with wire([Turn()]) as server:
        provider("messages", server).ask(replace(REQUEST, messages=many), Control())
    turns = server.requests[0].body["messages"]
    assert ["cache_control" in turn["content"][0] for turn in turns] == [False, False, True, True, True, True]


REFUSED = {
    "responses": ("temperature", "top_p", "reasoning", "max_output_tokens", "store"),
    "chat": ("temperature", "top_p", "reasoning_effort", "stream_options"),
    "messages": ("temperature", "top_p", "output_config", "thinking"),
    "relay-chat": ("temperature", "top_p", "reasoning_effort", "stream_options"),
    "relay": ("temperature", "top_p", "reasoning", "max_tokens"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_server_refuses_is_left_out_from_then_on(name: str) -> None:
    with wire([Turn(refuses=REFUSED[name]), Turn()]) as server:
        asked = provider(name, server)
        assert asked.ask(REQUEST, Control()).text == "hello"
        first = len(server.requests)
        asked.ask(REQUEST, Control())
    assert first == len(REFUSED[name]) + 1
    assert len(server.requests) == first + 1
    assert not {*REFUSED[name]} & {*server.requests[-1].body}
    assert asked.left_out("m-1") == tuple(sorted(REFUSED[name]))


def test_what_one_model_refuses_another_is_still_asked_for() -> None:
    with wire([Turn(refuses=("temperature",)), Turn()]) as server:
        asked = provider("responses", server)
        asked.ask(REQUEST, Control())
        assert asked.warmest("m-1") is None
        assert asked.warmest("m-2") is not None
        asked.ask(replace(REQUEST, model="m-2"), Control())
    assert server.requests[-1].body["temperature"] == 0.8


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("chat", "max_completion_tokens", "max_tokens"), ("relay-chat", "max_tokens", "max_completion_tokens")],
)
def test_the_most_tokens_go_by_the_name_that_the_server_knows(name: str, first: str, second: str) -> None:
    with wire([Turn(refuses=(first,))]) as server:
        provider(name, server).ask(REQUEST, Control())
    assert server.requests[-1].body[second] == 5000


TOO_MANY = {
    "messages": "max_tokens: 5000 > 4096, which is the maximum allowed number of output tokens for m-1",
    "chat": "max_completion_tokens is too large: 5000. This model supports at most 4096 completion tokens.",
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_a_model_that_gives_fewer_tokens_is_asked_for_as_many_as_it_gives(name: str) -> None:
    refusal = failing(400, "invalid_request_error", TOO_MANY[name])
    with wire([refusal, Turn()]) as server:
        provider(name, server).ask(REQUEST, Control())
    body = server.requests[-1].body
    assert 4096 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_a_refusal_that_names_nothing_we_sent_is_not_answered_by_sending_less() -> None:
    with wire([failing(400, "invalid_request_error", "the input is odd")]) as server, pytest.raises(CallFailed):
        provider("responses", server).ask(REQUEST, Control())
    assert len(server.requests) == 1


def test_a_server_without_the_responses_api_is_asked_for_chat_completions_from_then_on() -> None:
    with wire([Turn(), Turn()], lacks=["responses"]) as server:
        asked = provider("responses", server)
        assert asked.ask(REQUEST, Control()).text == "hello"
        asked.ask(REQUEST, Control())
    paths = [request.path for request in server.requests]
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


def test_an_unknown_model_is_no_reason_to_ask_another_way() -> None:
    with wire([failing(404, "model_not_found", "there is no m-1"), Turn()]) as server:
        asked = provider("responses", server)
        with pytest.raises(CallFailed):
            asked.ask(REQUEST, Control())
        asked.ask(replace(REQUEST, model="m-2"), Control())
    assert [request.path for request in server.requests] == ["/v1/responses"] * 2


@pytest.mark.parametrize(
    ("warm", "expected"), [("messages", [0.8, 0.9, 1.0, 0.8]), ("responses", [0.8, 0.9, 1.0, 1.1, 1.2, 0.8])]
)
def test_each_seed_has_its_own_temperature_within_what_the_model_takes(warm: str, expected: list[float]) -> None:
    asked = provider(warm, "http://127.0.0.1:9")
    assert [diversity(seed, asked, "m-1") for seed in range(len(expected))] == expected


def test_a_model_that_takes_no_temperature_is_given_none() -> None:
    with wire([Turn(refuses=("temperature",))]) as server:
        asked = provider("messages", server)
        asked.ask(REQUEST, Control())
    assert diversity(0, asked, "m-1") is None


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire([Turn()] * len(WIRES)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        for name in WIRES:
            assert provider(name, "http://models.invalid").ask(REQUEST, Control()).text == "hello"
    assert {request.headers["Host"] for request in proxy.requests} == {"models.invalid"}


@pytest.mark.parametrize("name", ["relay-chat", "relay-responses", "relay"])
def test_a_relay_is_sent_nothing_that_is_meant_for_openai(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ambient = {
        "OPENAI_API_KEY": "sk-openai",
        "OPENAI_ORG_ID": "org-mine",
        "OPENAI_PROJECT_ID": "proj-mine",
        "OPENAI_CUSTOM_HEADERS": "X-Team: team-mine\nauthorization: Bearer team-mine",
    }
    for variable, value in ambient.items():
        monkeypatch.setenv(variable, value)
    with wire([Turn(), Turn()]) as server:
        provider(name, server).ask(REQUEST, Control())
        provider(name, server, LLM_RELAY_API_KEY="").ask(REQUEST, Control())
    sent = str([request.headers for request in server.requests])
    assert not [word for word in ("sk-openai", "org-mine", "proj-mine", "team-mine") if word in sent]
    given, bare = ({name.lower() for name in request.headers} for request in server.requests)
    assert "authorization" in given
    assert "authorization" not in bare
