"""What a baked module's text is made of besides the plan, and that it cannot be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class NotBakeable(Exception):
    """The plan cannot be written down; the text says why."""


@dataclass
class Words:
    """What the `bake` role tells of the kernels: see roles/bake.py."""

    kernels: dict[str, str]
    parameters: dict[str, list[str]]
    names: dict[str, dict[str, Any]]
    dtypes: dict[str, str]
