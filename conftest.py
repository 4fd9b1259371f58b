"""Makes the checkout usable without installing it: pytest finds the plugin, unless it is there already."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

if importlib.util.find_spec("pytest_kernelfalcon") is None:
    sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Registers the plugin in time for its options; an installed one was registered by its entry point."""
    from pytest_kernelfalcon import plugin

    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "kernelfalcon")
