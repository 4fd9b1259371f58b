"""What compiling alone tells of a kernel. It is no verdict: nothing of it says that a kernel is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figures:
    """targets: by name, {status, registers, spills (4-byte words), shared (bytes)}, each the worst launch's; none of
    what did not get as far. cause, message: what the judge found up to there, empty where nothing.
    """

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    cause: str = ""
    message: str = ""
