"""The pytest runs of this process, the innermost last: how a function that is handed no fixture finds its run."""

from __future__ import annotations

import pytest

configs: list[pytest.Config] = []


def enter(config: pytest.Config) -> None:
    """Notes a run until it ends."""
    configs.append(config)
    config.add_cleanup(lambda: configs.remove(config))
