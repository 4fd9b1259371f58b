"""Providers of this project, asking the server of these tests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_kernelfalcon.generator.llm import registry
from pytest_kernelfalcon.generator.llm.provider import Limits, Message, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Settings
from tests.wire.server import WireServer

KEY = "sk-planted-b7Qz-0192"
LIMITS = Limits(connect_s=30.0, stall_s=60.0, total_s=120.0, retries=2, first_wait_s=0.01)
"""Generous, as a loaded machine must not lose; a test of a time that runs out shortens that one."""

OPENAI, ANTHROPIC, RELAY = (
    ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    ("LLM_RELAY_API_KEY", "LLM_RELAY_URL"),
)
WIRES = {
    "responses": ("openai", OPENAI, "/v1"),
    "chat": ("openai", OPENAI, "/v1/chat/completions"),
    "messages": ("anthropic", ANTHROPIC, ""),
    "relay-chat": ("relay", RELAY, "/v1"),
    "relay-responses": ("relay", RELAY, "/v1/responses"),
    "relay": ("relay", RELAY, "/relay"),
}
"""By wire: the provider, its variables for key and address, and how the address goes on after the server's own."""

SPOKEN = ("responses", "chat", "messages", "relay")
"""Each in one way of reaching it."""
STREAMING = ("responses", "chat", "messages")

REQUEST = Request(
    "m-1",
    (Message("system", "rules", stable=True), Message("user", "problem", stable=True), Message("user", "what failed")),
    max_tokens=5000,
    temperature=0.8,
    top_p=0.95,
    effort="high",
)


def environment(wire: str, url: str, key: str = KEY) -> dict[str, str]:
    _, (key_name, url_name), path = WIRES[wire]
    return {key_name: key, url_name: url + path}


def provider(wire: str, server: WireServer | str, limits: Limits = LIMITS, **more: str) -> Provider:
    """The provider that speaks this wire; skips where its SDK is not installed."""
    name = WIRES[wire][0]
    for package in registry.PROVIDERS[name][1]:
        pytest.importorskip(package, reason=f"{package} is not installed: {name} cannot be asked here")
    url = server if isinstance(server, str) else server.url
    values: Mapping[str, str] = {**environment(wire, url), **more}
    return registry.provider(name, Settings(values), limits)


def imported(*packages: str) -> None:
    """Skips where one of these is not installed."""
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed: no wire can be spoken here")
