"""Providers: who answers a prompt. Read this file first; each implementation is one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from pytest_kernelfalcon.contracts.control import Control


@dataclass(frozen=True)
class Message:
    """One message of a prompt. stable: a provider's cache may end after it, as the next prompt begins the same way."""

    role: Literal["system", "user", "assistant"]
    text: str
    stable: bool = False


@dataclass(frozen=True)
class Request:
    """One call. What is None is left to the server.

    max_tokens: of the answer, thinking included. effort: how long a model thinks, in its provider's own words (`low`,
    `high`, …). Of temperature, top_p and effort the server takes what its model takes: what it refuses is left out.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    effort: str | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens of one call as the server counts them; None where it does not say.

    input: all of the prompt, of which `cached` were read from a cache and `written` stored in one.
    output: all of the answer, of which `reasoning` were thinking.
    """

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None
    written: int | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer, never an empty one. model: what the server says that it ran. finish: its own word for the end."""

    text: str
    usage: Usage
    model: str
    finish: str


@dataclass(frozen=True)
class Limits:
    """How long a call may take, in seconds, and how often it is tried again.

    connect_s: until a server is reached. stall_s: without a byte. total_s: for one try.
    retries: tries after the first. first_wait_s: before the second, doubled before each further one.
    longest_wait_s: the longest wait that a server may ask for; one that asks for more is given up.
    """

    connect_s: float = 20.0
    stall_s: float = 300.0
    total_s: float = 1800.0
    retries: int = 4
    first_wait_s: float = 2.0
    longest_wait_s: float = 120.0


class Provider(Protocol):
    """Answers requests. Making one raises `CallFailed` where a key, an address or its SDK is missing."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Where the server is, without a user's name or password."""
        ...

    def warmest(self, model: str) -> float | None:
        """The highest temperature worth asking of this model; None once its server has refused one."""
        ...

    def left_out(self, model: str) -> tuple[str, ...]:
        """The parameters that this model's server has refused so far: whoever asked for one should be told."""
        ...

    def ask(self, request: Request, control: Control) -> Answer:
        """One call. Raises `CallFailed`, and Cancelled or DeadlineExceeded of `control`, with the connection closed."""
        ...


@dataclass
class Around:
    """What a provider that wraps another has of it."""

    provider: Provider

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def url(self) -> str:
        return self.provider.url

    def warmest(self, model: str) -> float | None:
        return self.provider.warmest(model)

    def left_out(self, model: str) -> tuple[str, ...]:
        return self.provider.left_out(model)
