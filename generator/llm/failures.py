"""What went wrong: an exception of an SDK or of the transport, or a server's refusal, as a `CallFailed`.

The SDKs' exceptions are known by what they carry (`status_code`, `response`, `body`), so that no SDK is imported here.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kernelfalcon.generator.llm.heard import Heard, look
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome

SHOWN = 300
"""Characters of what a server says that are shown."""

CODES = {
    "insufficient_quota": CallOutcome.NO_CREDIT,
    "billing_error": CallOutcome.NO_CREDIT,
    "billing_not_active": CallOutcome.NO_CREDIT,
    "rate_limit_exceeded": CallOutcome.RATE_LIMITED,
    "rate_limit_error": CallOutcome.RATE_LIMITED,
    "overloaded_error": CallOutcome.OVERLOADED,
    "server_overloaded": CallOutcome.OVERLOADED,
    "engine_overloaded": CallOutcome.OVERLOADED,
    "server_error": CallOutcome.SERVER_ERROR,
    "api_error": CallOutcome.SERVER_ERROR,
    "timeout_error": CallOutcome.SERVER_ERROR,
    "invalid_api_key": CallOutcome.WRONG_KEY,
    "authentication_error": CallOutcome.WRONG_KEY,
    "permission_error": CallOutcome.DENIED,
    "model_not_found": CallOutcome.UNKNOWN_MODEL,
    "context_length_exceeded": CallOutcome.TOO_LONG,
    "request_too_large": CallOutcome.TOO_LONG,
    "content_policy_violation": CallOutcome.CONTENT_REFUSED,
    "content_filter": CallOutcome.CONTENT_REFUSED,
    "invalid_prompt": CallOutcome.CONTENT_REFUSED,
}
"""By the `code` or `type` that a server gives; the words of all wires, as none means another thing elsewhere."""

STATUSES = {
    401: CallOutcome.WRONG_KEY,
    402: CallOutcome.NO_CREDIT,
    403: CallOutcome.DENIED,
    404: CallOutcome.WRONG_URL,
    405: CallOutcome.WRONG_URL,
    408: CallOutcome.SERVER_ERROR,
    409: CallOutcome.SERVER_ERROR,
    413: CallOutcome.TOO_LONG,
    429: CallOutcome.RATE_LIMITED,
    503: CallOutcome.OVERLOADED,
    529: CallOutcome.OVERLOADED,
}

TOO_LONG = re.compile(r"maximum context length|context window|prompt is too long|too many tokens", re.IGNORECASE)
NO_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)


def failure(error: BaseException, heard: Heard) -> CallFailed | None:
    """What `error` means for the call; None where it is no failure of a call but of a program."""
    if isinstance(error, CallFailed):
        return error
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        response = getattr(error, "response", None)
        return refusal(status, getattr(response, "headers", {}), getattr(error, "body", None), heard)
    import httpx2

    if isinstance(error, httpx2.HTTPStatusError):
        return refusal(error.response.status_code, error.response.headers, None, heard)
    for one in _chain(error):
        if isinstance(one, json.JSONDecodeError | UnicodeDecodeError):
            return heard.failed(CallOutcome.TRUNCATED_JSON, str(one)[:SHOWN])
        if (outcome := _of_transport(one)) is not None:
            return heard.failed(outcome, _said(str(one) or type(one).__name__))
    body = getattr(error, "body", None)  # an error within a stream has a body and no status
    return None if body is None else refusal(200, {}, body, heard)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_transport(error: BaseException) -> CallOutcome | None:
    import anyio
    import httpx2

    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError | httpx2.ProxyError):
        return CallOutcome.UNREACHABLE
    if isinstance(error, httpx2.TimeoutException):
        return CallOutcome.STALLED
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL | httpx2.TooManyRedirects):
        return CallOutcome.WRONG_URL
    if isinstance(error, httpx2.RequestError | anyio.EndOfStream):
        return CallOutcome.CUT
    return None


def refusal(status: int, headers: Mapping[str, str], body: object, heard: Heard) -> CallFailed:
    """What a server's error means. status: of HTTP, 200 for an error that comes within a stream."""
    told = _told(body)
    text = _said(told.get("message") or "")
    param = str(told.get("param") or "")
    return heard.failed(
        _outcome(status, told, text, param),
        text or (f"HTTP {status}" if status != 200 else ""),
        status=status,
        param=param,
        retry_after=_retry_after(headers),
        again={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )


def _told(body: object) -> dict[str, Any]:
    """The object that says `message`, `code`, `type` and `param`, wherever this server puts it."""
    inner = look(body, "error")
    if isinstance(inner, dict):
        return inner
    if isinstance(body, dict):
        return {**body, "message": body.get("message") or inner or body.get("detail")}
    return {"message": body or ""}


def _said(message: object) -> str:
    text = " ".join(str(message).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _outcome(status: int, told: Mapping[str, Any], text: str, param: str) -> CallOutcome:
    for word in (told.get("code"), told.get("type")):
        outcome = CODES.get(word) if isinstance(word, str) else None
        if outcome is not None and not (outcome == CallOutcome.SERVER_ERROR and 300 <= status < 500):
            return outcome
    if status in (400, 422) and TOO_LONG.search(text):
        return CallOutcome.TOO_LONG
    if (status == 404 and NO_MODEL.search(text)) or (status in (400, 422) and param == "model"):
        return CallOutcome.UNKNOWN_MODEL
    if status in STATUSES:
        return STATUSES[status]
    if 300 <= status < 400:
        return CallOutcome.WRONG_URL
    return CallOutcome.BAD_REQUEST if 400 <= status < 500 else CallOutcome.SERVER_ERROR


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: in milliseconds, in seconds, or until a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    date = email.utils.parsedate_tz(headers.get("retry-after"))
    return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())
