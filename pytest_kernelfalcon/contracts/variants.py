"""What a problem takes besides other sizes: other floating types, other strides, other values. Found by trying."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DECLARED, DRAWN = "declared", "drawn"
"""The problem's own dtypes and strides; the values that its `get_inputs()` draws."""


@dataclass(frozen=True)
class Variants:
    """working: the floating type of all its inputs and state, or "" where there are several or none.

    dtypes: other types that it runs in. strides: layouts of its inputs. values: kinds of adversarial values
    (judge/roles/values.py names them). stretched: forms in which one data size is as large as can be run, if the
    problem is run at smaller sizes than its own.
    """

    working: str = ""
    dtypes: list[str] = field(default_factory=list)
    strides: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    stretched: list[dict[str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Variants:
        return cls(**data)
