"""Keys: seen by an SDK, and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = "[key]"
TELLING = 4
"""So many of its first characters are a part of a secret that must not show either."""
ENDS = "…'\""
"""What stands behind a text that was cut."""


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

    def hidden_in_part(self, text: str) -> str:
        """The same for a text whose end was cut off, perhaps within one of them."""
        text = self.hidden(text)
        body = text.rstrip(ENDS)
        for secret in (self.key, *self.others):
            for length in range(len(secret) - 1, TELLING - 1, -1):
                if body.endswith(secret[:length]):
                    return body[:-length] + SHOWN + text[len(body) :]
        return text
