"""What all providers have in common: one call, from the request to an answer or a failure that says what to do."""

from __future__ import annotations

import asyncio
import functools
import importlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.attending import attend
from pytest_kernelfalcon.generator.llm.failures import failure, refusal
from pytest_kernelfalcon.generator.llm.heard import Heard, from_json, look
from pytest_kernelfalcon.generator.llm.knobs import Knobs
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Answer, Limits, Request
from pytest_kernelfalcon.generator.llm.secrets import Secret
from pytest_kernelfalcon.generator.llm.settings import Address

if TYPE_CHECKING:
    import httpx2


@functools.cache
def _trusted() -> ssl.SSLContext:
    import httpx2

    trusted: ssl.SSLContext = httpx2.create_ssl_context()
    return trusted


@dataclass
class Streaming(ABC):
    """A `Provider`; a subclass says how its wire is spoken, and may say more of its parameters.

    about: for messages. address: where the server is. key: what must show nowhere. knobs: what its models refused.
    hottest: the highest temperature worth asking for; 1 is what every model takes that takes any.
    """

    about: About
    key: Secret
    address: Address
    limits: Limits = field(default_factory=Limits)
    knobs: Knobs = field(default_factory=Knobs)
    hottest: float = 1.0

    @property
    def name(self) -> str:
        return self.about.provider

    @property
    def url(self) -> str:
        return self.about.url

    @abstractmethod
    async def converse(self, request: Request, options: Mapping[str, Any], heard: Heard) -> None:
        """Sends the request with these optional parameters and fills `heard`, up to the wire's end event.

        What an SDK raises may pass. Cancelling it must close the connection.
        """

    def optional(self, request: Request) -> dict[str, Any]:
        """Parameters that a model may refuse, by their names on the wire; None for one that is not asked for."""
        return {}

    def warmest(self, model: str) -> float | None:
        return None if self.knobs.refuses(model, "temperature") else self.hottest

    def left_out(self, model: str) -> tuple[str, ...]:
        return tuple(sorted(self.knobs.refused.get(model, ())))

    def transport(self) -> dict[str, Any]:
        """Settings of the HTTP client. A key follows no redirection; certificates are read once, not for each call."""
        import httpx2

        return {
            "timeout": httpx2.Timeout(self.limits.stall_s, connect=self.limits.connect_s),
            "verify": _trusted(),
            "auth": self.address.login,
            "follow_redirects": False,
        }

    async def check_stream(self, response: httpx2.Response, heard: Heard) -> None:
        """Raises CallFailed where a server sends something whole in the place of a stream: an error, a web page."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind not in ("application/json", "text/html"):
            return
        text = (await response.aread()).decode(errors="replace")
        data = from_json(text)
        if look(data, "error"):
            raise refusal(200, response.headers, data, heard)
        raise heard.failed(CallOutcome.MALFORMED, f"{kind} in the place of a stream: {text[:100]!r}")

    def ask(self, request: Request, control: Control) -> Answer:
        """See `Provider`. A parameter that the server refuses is left out, and the request sent again at once."""
        while True:
            options = self.knobs.taken(request.model, self.optional(request))
            result = self._try(request, options, control)
            if isinstance(result, Answer):
                return replace(result, text=self.key.hidden(result.text))
            if not self.learn(request, options, result):
                raise result

    def learn(self, request: Request, options: Mapping[str, Any], failed: CallFailed) -> bool:
        """Whether the failure teaches how to ask this model, so that it is worth asking again at once."""
        return self.knobs.learn(request.model, options, failed)

    def _try(self, request: Request, options: Mapping[str, Any], control: Control) -> Answer | CallFailed:
        heard = Heard(replace(self.about, model=request.model), request.model)
        return attend(lambda: self._attempt(request, options, heard), control)

    async def _attempt(self, request: Request, options: Mapping[str, Any], heard: Heard) -> Answer | CallFailed:
        """A failure is returned, not raised: the SDK's own exception, with all its headers, ends here."""
        importlib.import_module(self.about.sdk)  # takes seconds the first time, which are not the server's
        clock = asyncio.timeout(self.limits.total_s)
        try:
            async with clock:
                await self.converse(request, options, heard)
            return heard.answer()
        except Exception as error:
            if clock.expired():
                failed: CallFailed | None = heard.failed(CallOutcome.TIMEOUT, f"{self.limits.total_s:g} s")
            else:
                failed = failure(error, heard)
            if failed is None:
                raise
            if failed.outcome == CallOutcome.STALLED:
                failed = heard.failed(CallOutcome.STALLED, f"nothing for {self.limits.stall_s:g} s")
            return self._clean(failed)

    def _clean(self, failed: CallFailed) -> CallFailed:
        """The same failure with no key in what the server says, and nothing of where it came from."""
        return CallFailed(
            failed.outcome,
            failed.about,
            self.key.hidden_in_part(failed.detail),
            retry_after=failed.retry_after,
            again=failed.again,
            status=failed.status,
            param=self.key.hidden(failed.param),
            usage=failed.usage,
            partial=self.key.hidden_in_part(failed.partial),
        )
