"""Providers by the name that the user gives. A new provider is one file and one entry in `PROVIDERS`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from pytest_kernelfalcon.generator.llm import anthropic, openai, relay
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Limits, Provider
from pytest_kernelfalcon.generator.llm.settings import Settings

PROVIDERS: dict[str, tuple[Callable[[Settings, Limits], Provider], tuple[str, ...]]] = {
    "openai": (openai.make, ("openai",)),
    "anthropic": (anthropic.make, ("anthropic",)),
    "relay": (relay.make, ("openai", "httpx2")),
}
"""What makes one, and the Python packages that it needs."""


def provider(name: str, settings: Settings, limits: Limits) -> Provider:
    """The provider of that name. Raises KeyError, and CallFailed where a package, a key or an address is missing."""
    make, packages = PROVIDERS[name]
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise CallFailed(CallOutcome.MISSING_SDK, About(name, sdk=package))
    return make(settings, limits)
