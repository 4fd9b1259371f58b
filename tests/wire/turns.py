"""What the scripted model does in answer to one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Ending = Literal[
    "",  # as it should
    "silent",  # the first half of the text, then nothing, and the connection stays
    "cut",  # the first half, then the connection breaks
    "unfinished",  # all of the text, then an orderly end without the finish event
    "truncated",  # an event whose JSON is not whole
    "error",  # the first half, then an error event: `error`
    "failed",  # the same as the wire's own last event, where it has one: else like `error`
    "whole",  # an error as JSON, with status 200, in the place of a stream
    "page",  # a web page in the place of a stream
    "strange",  # an event that is no object
    "max_tokens",
    "filtered",
    "endless",  # thinks until the client leaves
]


@dataclass(frozen=True)
class Turn:
    """One answer.

    texts: the parts of the answer, each an output item of its own. thinking: before them.
    status: of HTTP; other than 200, `error` says why. headers: beside the usual ones.
    mute: nothing at all is sent, not even headers, until the client leaves.
    refusal: the model's own words for not answering. pause_s: before each event.
    refuses: parameters of the body that are answered by a status 400 naming them; the turn is then still to come.
    """

    texts: tuple[str, ...] = ("hello",)
    thinking: str = ""
    status: int = 200
    error: Mapping[str, Any] = field(default_factory=lambda: {"type": "server_error", "message": "it broke"})
    headers: Mapping[str, str] = field(default_factory=dict)
    mute: bool = False
    ending: Ending = ""
    refusal: str = ""
    pause_s: float = 0.0
    refuses: tuple[str, ...] = ()
    tokens: tuple[int, int, int, int] = (100, 60, 20, 5)  # input, of them cached, output, of them thinking

    @property
    def whole(self) -> bool:
        """Whether all of the text is sent."""
        return self.ending not in ("silent", "cut", "error", "failed", "endless")


def failing(status: int, kind: str = "server_error", message: str = "it broke", **headers: str) -> Turn:
    """A refusal by status. Underscores in names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Turn(status=status, error={"type": kind, "message": message}, headers=named)


@dataclass
class Recorded:
    """One request as it came. left: set once the client has closed the connection before the answer was whole."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    left: Any
