"""Keys: seen by an SDK, and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = "[key]"


@dataclass(frozen=True)
class Secret:
    """Texts that must show nowhere. key: empty where there is none. others: a password in an address."""

    key: str = field(default="", repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)

    def hidden(self, text: str) -> str:
        """The text without any of them: a server may send back what it was sent."""
        for secret in (self.key, *self.others):
            text = text.replace(secret, SHOWN) if secret else text
        return text
