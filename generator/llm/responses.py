"""OpenAI's responses API: what is sent, and what its events mean."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

from pytest_kernelfalcon.generator.llm.failures import refusal
from pytest_kernelfalcon.generator.llm.heard import Heard, count, look, plain
from pytest_kernelfalcon.generator.llm.provider import Request


def required(request: Request) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.text} for message in request.messages]
    return {"model": request.model, "input": messages, "stream": True}


def optional(request: Request) -> dict[str, Any]:
    """`store`: an answer is kept here, and need not be kept there. Servers that know no such thing may refuse it."""
    return {
        "top_p": request.top_p,
        "temperature": request.temperature,
        "reasoning": None if request.effort is None else {"effort": request.effort},
        "max_output_tokens": request.max_tokens,
        "store": False,
    }


async def listen(stream: AsyncIterable[object], heard: Heard) -> None:
    """Raises CallFailed for an error, which comes as an event here."""
    async for event in stream:
        _event(plain(event, heard), heard)


def _event(data: dict[str, Any], heard: Heard) -> None:
    match data.get("type"):
        case "response.created":
            heard.model = str(look(data, "response", "model") or heard.model)
        case "response.content_part.added":
            heard.part()
        case "response.output_text.delta":
            heard.say(data.get("delta"))
        case "response.refusal.delta":
            heard.refusal += str(data.get("delta") or "")
        case "error":
            raise refusal(200, {}, data, heard)
        case "response.failed":
            _tokens(data, heard)
            raise refusal(200, {}, look(data, "response", "error") or "it says no more", heard)
        case "response.incomplete":
            _tokens(data, heard)
            reason = look(data, "response", "incomplete_details", "reason")
            heard.end(reason, "refused" if reason == "content_filter" else "length")
        case "response.completed":
            _tokens(data, heard)
            heard.end("completed", "stop")


def _tokens(data: dict[str, Any], heard: Heard) -> None:
    usage = look(data, "response", "usage")
    heard.count(
        input=count(usage, "input_tokens"),
        cached=count(usage, "input_tokens_details", "cached_tokens"),
        output=count(usage, "output_tokens"),
        reasoning=count(usage, "output_tokens_details", "reasoning_tokens"),
        written=count(usage, "input_tokens_details", "cache_write_tokens"),
    )
