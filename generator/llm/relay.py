"""`relay/<model>`: a gateway of one's own. The form of `LLM_RELAY_URL` says what it speaks.

An address that ends in `/v1` or `/v1/chat/completions` speaks OpenAI's chat completions, one in `/v1/responses` its
responses API. Any other is the whole address of a POST of `{model, messages, temperature, max_tokens, top_p, n,
reasoning}`, answered by a JSON list of `{"output": …}`, whole and without a stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.generator.llm.failures import refusal
from pytest_kernelfalcon.generator.llm.heard import Heard, from_json, look
from pytest_kernelfalcon.generator.llm.openai import OpenAI, endpoint
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Settings
from pytest_kernelfalcon.generator.llm.streaming import Streaming

URL_FORM = "it ends in `/v1` for OpenAI's protocol; any other is the whole address of a POST"


class Relay(Streaming):
    """The protocol without a stream. Silence is no stall here: nothing comes before all is there."""

    def optional(self, request: Request) -> dict[str, Any]:
        return {
            "top_p": request.top_p,
            "temperature": request.temperature,
            "reasoning": None if request.effort is None else {"effort": request.effort},
            "max_tokens": request.max_tokens,
        }

    async def converse(self, request: Request, options: Mapping[str, Any], heard: Heard) -> None:
        import httpx2

        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        headers = {"Authorization": f"Bearer {self.key.key}"} if self.key.key else {}
        timeout = httpx2.Timeout(None, connect=self.limits.connect_s)
        async with httpx2.AsyncClient(**self.transport() | {"timeout": timeout}) as client:
            body = {"model": request.model, "messages": messages, "n": 1, **options}
            reply = await client.post(self.address.url, json=body, headers=headers)
        if not reply.is_success:
            raise refusal(reply.status_code, reply.headers, from_json(reply.text), heard)
        whole = not reply.text.lstrip().startswith("[")  # so that it is something else, not the beginning of a list
        text = look(from_json(reply.text) if whole else json.loads(reply.text), 0, "output")
        if not isinstance(text, str):
            raise heard.failed(CallOutcome.MALFORMED, f'no list of {{"output": …}} but {reply.text[:100]!r}')
        heard.say(text)
        heard.end("stop", "stop")


def make(settings: Settings, limits: Limits) -> Provider:
    """From `LLM_RELAY_URL`, and `LLM_RELAY_API_KEY` and `LLM_RELAY_TIMEOUT_S` where set. Raises CallFailed."""
    about = About("relay", key_name="LLM_RELAY_API_KEY", url_name="LLM_RELAY_URL", url_form=URL_FORM, sdk="openai")
    if not settings.get("LLM_RELAY_URL"):
        raise CallFailed(CallOutcome.MISSING_URL, about)
    whole = settings.address("LLM_RELAY_URL", "", "relay")
    about = replace(about, url=whole.shown)
    limits = replace(limits, total_s=settings.seconds("LLM_RELAY_TIMEOUT_S", limits.total_s, "relay"))
    key = settings.secret("relay", whole, "LLM_RELAY_API_KEY")
    address, wire = endpoint(whole)
    if wire is None and not address.url.endswith("/v1"):
        return Relay(replace(about, sdk="httpx2"), key, address, limits)
    tokens = ("max_tokens", "max_completion_tokens")
    return OpenAI(about, key, address, limits, wire=wire or "chat", tokens=tokens, ambient=False)
