"""OpenAI's chat completions, which most other servers speak as well: what is sent, and what its chunks mean."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, Literal

from pytest_kernelfalcon.generator.llm.heard import Heard, count, look, plain
from pytest_kernelfalcon.generator.llm.provider import Request

ENDS: dict[str, Literal["stop", "length", "refused"]] = {"length": "length", "content_filter": "refused"}
"""By `finish_reason`; any other is an end like `stop`."""


def required(request: Request) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.text} for message in request.messages]
    return {"model": request.model, "messages": messages, "stream": True}


def optional(request: Request, tokens: str) -> dict[str, Any]:
    """tokens: by which name this server takes the most tokens of an answer."""
    return {
        "top_p": request.top_p,
        "temperature": request.temperature,
        "reasoning_effort": request.effort,
        tokens: request.max_tokens,
        "stream_options": {"include_usage": True},
    }


async def listen(stream: AsyncIterable[object], heard: Heard) -> None:
    async for chunk in stream:
        data = plain(chunk, heard)
        heard.model = str(data.get("model") or heard.model)
        _tokens(data.get("usage"), heard)
        heard.say(look(data, "choices", 0, "delta", "content"))
        heard.refusal += str(look(data, "choices", 0, "delta", "refusal") or "")
        if finish := look(data, "choices", 0, "finish_reason"):
            heard.end(finish, ENDS.get(str(finish), "stop"))


def _tokens(usage: object, heard: Heard) -> None:
    heard.count(
        input=count(usage, "prompt_tokens"),
        cached=count(usage, "prompt_tokens_details", "cached_tokens"),
        output=count(usage, "completion_tokens"),
        reasoning=count(usage, "completion_tokens_details", "reasoning_tokens"),
        written=count(usage, "prompt_tokens_details", "cache_write_tokens"),
    )
