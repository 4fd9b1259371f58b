"""Every way in which a call ends without an answer, on every wire that has it."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Limits
from tests.wire.asking import LIMITS, REQUEST, SPOKEN, STREAMING, provider
from tests.wire.server import wire
from tests.wire.turns import Turn, failing

BY_STATUS = {
    "rate_limited": failing(429, "rate_limit_error", "slow down", retry_after="7"),
    "server_error": failing(500),
    "overloaded": failing(529, "overloaded_error", "busy"),
    "wrong_key": failing(401, "authentication_error", "who are you"),
    "denied": failing(403, "permission_error", "not for you"),
    "no_credit": failing(402, "billing_error", "pay first"),
    "unknown_model": failing(404, "not_found_error", "model: m-1"),
    "too_long": failing(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "bad_request": failing(400, "invalid_request_error", "the input is odd"),
}


def fails(name: str, turn: Turn, limits: Limits = LIMITS) -> CallFailed:
    with wire([turn]) as server, pytest.raises(CallFailed) as caught:
        provider(name, server, limits).ask(REQUEST, Control())
    return caught.value


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize("outcome", BY_STATUS)
def test_a_refusal_by_status(name: str, outcome: str) -> None:
    turn = BY_STATUS[outcome]
    with wire([turn, turn]) as server, pytest.raises(CallFailed) as caught:
        provider(name, server).ask(REQUEST, Control())
    assert (caught.value.outcome, caught.value.status) == (outcome, turn.status)
    assert turn.error["message"] in caught.value.message
    assert caught.value.retry_after == (7.0 if outcome == "rate_limited" else None)


BY_CODE = {
    "no_credit": failing(429, "insufficient_quota", "you are over your quota"),
    "content_refused": failing(400, "content_policy_violation", "not this"),
    "unknown_model": failing(400, "model_not_found", "there is no m-1"),
    "too_long": failing(400, "context_length_exceeded", "too much"),
}


@pytest.mark.parametrize("name", [name for name in STREAMING if name != "messages"])
@pytest.mark.parametrize("outcome", BY_CODE)
def test_a_code_says_more_than_the_status(name: str, outcome: str) -> None:
    assert fails(name, BY_CODE[outcome]).outcome == outcome


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize(
    ("outcome", "turn", "partial"),
    [
        ("cut", Turn(ending="cut"), "he"),
        ("unfinished", Turn(ending="unfinished"), "hello"),
        ("truncated_json", Turn(ending="truncated"), "hello"),
        ("server_error", Turn(ending="error"), "he"),
        ("overloaded", Turn(ending="error", error={"type": "overloaded_error", "message": "busy"}), "he"),
        ("rate_limited", Turn(ending="failed", error={"type": "rate_limit_exceeded", "message": "busy"}), "he"),
        ("cut_at_max_tokens", Turn(ending="max_tokens"), "hello"),
        ("content_refused", Turn(ending="filtered"), "hello"),
        ("content_refused", Turn(refusal="I will not."), ""),
        ("empty", Turn(("",), thinking="hm"), ""),
        ("malformed", Turn(ending="strange"), "hello"),
        ("malformed", Turn(ending="page"), ""),
        ("overloaded", Turn(ending="whole", error={"type": "overloaded_error", "message": "busy"}), ""),
    ],
)
def test_a_stream_that_ends_badly(name: str, outcome: str, turn: Turn, partial: str) -> None:
    failed = fails(name, turn)
    assert (failed.outcome, failed.partial) == (outcome, partial)


@pytest.mark.parametrize("name", STREAMING)
def test_an_answer_that_is_cut_at_the_most_tokens_is_counted(name: str) -> None:
    assert fails(name, Turn(ending="max_tokens")).usage.output == 20


@pytest.mark.parametrize(
    ("outcome", "turn"),
    [
        ("cut", Turn(ending="cut")),
        ("truncated_json", Turn(ending="truncated")),
        ("malformed", Turn(ending="error")),
        ("malformed", Turn(ending="strange")),
        ("malformed", Turn(ending="page")),
        ("empty", Turn(("",))),
    ],
)
def test_an_answer_of_the_relay_that_is_none(outcome: str, turn: Turn) -> None:
    assert fails("relay", turn).outcome == outcome


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize("turn", [Turn(ending="silent"), Turn(mute=True)], ids=["within", "at once"])
def test_a_server_that_falls_silent(name: str, turn: Turn) -> None:
    failed = fails(name, turn, replace(LIMITS, stall_s=0.2))
    assert failed.outcome == "stalled"
    assert "nothing for 0.2 s" in failed.message


@pytest.mark.parametrize(
    ("name", "turn"), [*((name, Turn(ending="endless")) for name in STREAMING), ("relay", Turn(ending="silent"))]
)
def test_an_answer_that_never_ends(name: str, turn: Turn) -> None:
    assert fails(name, turn, replace(LIMITS, total_s=0.3)).outcome == "timeout"


@pytest.mark.parametrize("name", SPOKEN)
def test_no_server(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(CallFailed) as caught:
        provider(name, url).ask(REQUEST, Control())
    assert caught.value.outcome == "unreachable"
    assert url in caught.value.message


@pytest.mark.parametrize("name", SPOKEN)
def test_an_address_where_nothing_answers(name: str) -> None:
    with wire([Turn()]) as server, pytest.raises(CallFailed) as caught:
        elsewhere = server.url + "/elsewhere"
        provider(name, elsewhere).ask(REQUEST, Control())
    assert caught.value.outcome == "wrong_url"
    assert elsewhere in caught.value.message


@pytest.mark.parametrize("name", SPOKEN)
def test_a_key_follows_no_redirection(name: str) -> None:
    with wire([Turn()]) as other, wire([failing(307, location=other.url + "/v1/responses")]) as server:
        with pytest.raises(CallFailed) as caught:
            provider(name, server).ask(REQUEST, Control())
        assert other.requests == []
    assert caught.value.outcome == "wrong_url"


@pytest.mark.parametrize("outcome", CallOutcome)
def test_every_outcome_has_words_and_a_fix(outcome: CallOutcome) -> None:
    failed = CallFailed(
        outcome, About("openai", "m-1", "OPENAI_API_KEY", "OPENAI_BASE_URL", "http://x/v1", "form", "openai")
    )
    assert failed.message.startswith("openai/m-1: ")
    assert failed.fix
    assert "{" not in str(failed)
