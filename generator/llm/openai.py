"""`openai/<model>`: the responses API, or chat completions where a server has no other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_kernelfalcon.generator.llm import chat, responses
from pytest_kernelfalcon.generator.llm.heard import Heard
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Address, Settings
from pytest_kernelfalcon.generator.llm.streaming import Streaming

Wire = Literal["responses", "chat"]
DEFAULT_URL = "https://api.openai.com/v1"
ENDPOINTS: dict[str, Wire] = {"/chat/completions": "chat", "/responses": "responses"}
WARMEST = 1.2
"""The API takes 2, but what is drawn above this is seldom a program."""


@dataclass(kw_only=True)
class OpenAI(Streaming):
    """Its address goes up to `/v1`. wire: None until it is known, or told by the address's end.

    ambient: whether what the SDK reads from the environment by itself is meant for this server.
    """

    wire: Wire | None = None
    tokens: tuple[str, str] = ("max_completion_tokens", "max_tokens")
    ambient: bool = True

    def optional(self, request: Request) -> dict[str, Any]:
        if self.wire != "chat":
            return responses.optional(request)
        first, second = self.tokens
        return chat.optional(request, second if self.knobs.refuses(request.model, first) else first)

    async def converse(self, request: Request, options: Mapping[str, Any], heard: Heard) -> None:
        import openai

        nobody = {} if self.key.key else {"Authorization": openai.Omit()}
        stream: Any
        async with (
            openai.DefaultAsyncHttpxClient(**self.transport()) as http,
            openai.AsyncOpenAI(
                api_key=self.key.key or "none",
                base_url=self.address.url,
                max_retries=0,
                http_client=http,
                default_headers=self._headers(),
            ) as client,
        ):
            if self.wire == "chat":
                body = chat.required(request)
                stream = await client.chat.completions.create(**body, **options, extra_headers=nobody)
            else:
                body = responses.required(request)
                stream = await client.responses.create(**body, **options, extra_headers=nobody)
                self.wire = "responses"
            async with stream:
                await self.check_stream(stream.response, heard)
                await (chat if self.wire == "chat" else responses).listen(stream, heard)

    def learn(self, request: Request, options: Mapping[str, Any], failed: CallFailed) -> bool:
        """Also that the server has no responses API, of which all that it says is that nothing is there."""
        absent = failed.status in (404, 405, 501) and failed.outcome != CallOutcome.UNKNOWN_MODEL
        if self.wire is None and absent:
            self.wire = "chat"
            return True
        return super().learn(request, options, failed)

    def _headers(self) -> dict[str, Any]:
        """Leaves out what is meant for another server: the SDK reads `OPENAI_…` for whatever address it calls."""
        import openai

        if self.ambient:
            return {}
        custom = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
        names = [line.partition(":")[0].strip() for line in custom if ":" in line]
        omitted = {name: openai.Omit() for name in ("OpenAI-Organization", "OpenAI-Project", *names)}
        own = {"Authorization": f"Bearer {self.key.key}"} if self.key.key else {}
        return {name: value for name, value in omitted.items() if name.lower() != "authorization"} | own


def endpoint(address: Address) -> tuple[Address, Wire | None]:
    """The base of an address, and the wire where the address names one by its end."""
    for end, wire in ENDPOINTS.items():
        if address.url.endswith(end):
            return replace(address, url=address.url.removesuffix(end)), wire
    return address, None


def make(settings: Settings, limits: Limits) -> Provider:
    """From `OPENAI_API_KEY` and `OPENAI_BASE_URL`. Raises CallFailed where the key is missing."""
    address, wire = endpoint(settings.address("OPENAI_BASE_URL", DEFAULT_URL, "openai"))
    about = About(
        "openai",
        key_name="OPENAI_API_KEY",
        url_name="OPENAI_BASE_URL",
        url=address.shown,
        url_form="it ends in `/v1`, or in `/v1/chat/completions` for a server that has no responses API",
        sdk="openai",
    )
    key = settings.secret("openai", address, "OPENAI_API_KEY")
    if not key.key:
        raise CallFailed(CallOutcome.MISSING_KEY, about)
    return OpenAI(about, key, address, limits, hottest=WARMEST, wire=wire)
