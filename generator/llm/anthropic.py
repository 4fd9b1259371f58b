"""`anthropic/<model>`: the messages API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_kernelfalcon.generator.llm.heard import Heard, count, look, plain
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Limits, Message, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Settings
from pytest_kernelfalcon.generator.llm.streaming import Streaming

DEFAULT_URL = "https://api.anthropic.com"
MAX_TOKENS = 32_000
"""The API must be told; a model that takes fewer says so, and is asked for as many as it takes."""
BREAKPOINTS = 4
"""After how many blocks of a prompt a cache may end."""

ENDS: dict[str, Literal["stop", "length", "refused"]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}
"""By `stop_reason`; any other is an end like `end_turn`."""


@dataclass(kw_only=True)
class Anthropic(Streaming):
    """Its address is without `/v1`. token: the key is an `auth_token`, sent as `Authorization`."""

    token: bool = False

    def optional(self, request: Request) -> dict[str, Any]:
        return {
            "top_p": request.top_p,
            "temperature": request.temperature,
            "output_config": None if request.effort is None else {"effort": request.effort},
            "thinking": None if request.effort is None else {"type": "adaptive"},
            "max_tokens": request.max_tokens or MAX_TOKENS,
        }

    async def converse(self, request: Request, options: Mapping[str, Any], heard: Heard) -> None:
        """The optional parameters go into `extra_body`: the SDK has none for `temperature`, which models may take."""
        import anthropic

        key: dict[str, Any] = {"auth_token" if self.token else "api_key": self.key.key}
        body: dict[str, Any] = dict(options)
        async with (
            anthropic.DefaultAsyncHttpxClient(**self.transport()) as http,
            anthropic.AsyncAnthropic(base_url=self.address.url, max_retries=0, http_client=http, **key) as client,
        ):
            stream: Any = await client.messages.create(
                model=request.model,
                max_tokens=body.pop("max_tokens", MAX_TOKENS),
                messages=_turns(request.messages),
                system=_blocks(request.messages),
                stream=True,
                extra_body=body,
            )
            async with stream:
                await self.check_stream(stream.response, heard)
                async for event in stream:
                    _event(plain(event, heard), heard)


def _marked(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Each message as a block of text; the last of the stable ones end what may be cached."""
    stable = [number for number, message in enumerate(messages) if message.stable][-BREAKPOINTS:]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message.text} for message in messages]
    for number in stable:
        blocks[number]["cache_control"] = {"type": "ephemeral"}
    return blocks


def _blocks(messages: tuple[Message, ...]) -> Any:
    return [block for message, block in zip(messages, _marked(messages), strict=True) if message.role == "system"]


def _turns(messages: tuple[Message, ...]) -> Any:
    return [
        {"role": message.role, "content": [block]}
        for message, block in zip(messages, _marked(messages), strict=True)
        if message.role != "system"
    ]


def _event(data: dict[str, Any], heard: Heard) -> None:
    match data.get("type"):
        case "message_start":
            heard.model = str(look(data, "message", "model") or heard.model)
            _tokens(look(data, "message", "usage"), heard)
        case "content_block_start" if look(data, "content_block", "type") == "text":
            heard.part()
            heard.say(look(data, "content_block", "text"))
        case "content_block_delta" if look(data, "delta", "type") == "text_delta":
            heard.say(look(data, "delta", "text"))
        case "message_delta":
            _tokens(data.get("usage"), heard)
            heard.finish = str(look(data, "delta", "stop_reason") or heard.finish)
        case "message_stop":
            heard.end(heard.finish or "end_turn", ENDS.get(heard.finish, "stop"))


def _tokens(usage: object, heard: Heard) -> None:
    """`input_tokens` are those that no cache had to do with."""
    read, written = count(usage, "cache_read_input_tokens"), count(usage, "cache_creation_input_tokens")
    fresh = count(usage, "input_tokens")
    heard.count(
        input=None if fresh is None else fresh + (read or 0) + (written or 0),
        cached=read,
        written=written,
        output=count(usage, "output_tokens"),
        reasoning=count(usage, "output_tokens_details", "thinking_tokens"),
    )


def make(settings: Settings, limits: Limits) -> Provider:
    """From `ANTHROPIC_API_KEY`, else `ANTHROPIC_AUTH_TOKEN`, and `ANTHROPIC_BASE_URL`. Raises CallFailed."""
    address = settings.address("ANTHROPIC_BASE_URL", DEFAULT_URL, "anthropic")
    about = About(
        "anthropic",
        key_name="ANTHROPIC_API_KEY",
        url_name="ANTHROPIC_BASE_URL",
        url=address.shown,
        url_form="it does not end in `/v1`",
        sdk="anthropic",
    )
    key = settings.secret("anthropic", address, "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    if not key.key:
        raise CallFailed(CallOutcome.MISSING_KEY, about)
    return Anthropic(about, key, address, limits, token=not settings.get("ANTHROPIC_API_KEY"))
