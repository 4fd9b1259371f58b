"""A scripted model: finds out from a prompt what it is asked, misbehaves as its script says, and answers at last.

A script is a list of *moves* by problem. Which problem a prompt is about stands in its text. Who asks is known by the
first question of the conversation and by the temperature, so that seeds that ask at the same time do not take each
other's moves: each has the list from its beginning. The last move is made again for ever.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.wire.turns import Recorded, Turn, failing

CODE = re.compile(r"^(`{3,})python\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)
"""Fenced code of a prompt, whatever is in it."""


@dataclass(frozen=True)
class Asked:
    """One question. problem: the key of its script. asker: who asks. number: of its questions, from 0.

    messages: each as its role and its text. last: the candidate that it speaks of, empty in a first question.
    """

    problem: str
    asker: str
    number: int
    messages: tuple[tuple[str, str], ...]
    request: Recorded

    @property
    def prompt(self) -> str:
        return "\n".join(text for _, text in self.messages)

    @property
    def last(self) -> str:
        said = [text for role, text in self.messages if role == "assistant"]
        codes = [found[2] for text in said for found in CODE.finditer(text)]
        return codes[-1] + "\n" if codes else ""


Move = Callable[[Asked], Turn]


def said(request: Recorded) -> tuple[tuple[str, str], ...]:
    """The messages of a request in the words of any wire."""
    body = request.body
    messages = [{"role": "system", "content": body["system"]}] if "system" in body else []
    messages += body.get("messages") or body["input"]
    return tuple((message["role"], _text(message["content"])) for message in messages)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


@dataclass
class Model:
    """moves: by a text that stands in the problem. A server's script: call it with each request."""

    moves: Mapping[str, Sequence[Move]]
    asked: list[Asked] = field(default_factory=list)
    answered: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Recorded) -> Turn:
        with self.lock:
            asked = self._asked(request)
            self.asked.append(asked)
        moves = self.moves[asked.problem]
        turn = moves[min(asked.number, len(moves) - 1)](asked)
        if answers(turn):
            self.answered.append(asked)
        return turn

    def _asked(self, request: Recorded) -> Asked:
        messages = said(request)
        prompt = next(text for role, text in messages if role == "user")
        (problem,) = [text for text in self.moves if text in prompt]
        asker = f"{request.body.get('temperature')}"
        earlier = sum((one.problem, one.asker) == (problem, asker) for one in self.asked)
        return Asked(problem, asker, earlier, messages, request)

    def numbered(self, number: int) -> list[Asked]:
        """The questions of that number, of all who ask."""
        return [one for one in list(self.asked) if one.number == number]

    def asked_again(self) -> list[Asked]:
        """Questions that had been answered before, word by word, to the same asker."""
        keys = [(one.asker, one.messages) for one in self.answered]
        return [one for one, key in zip(self.answered, keys, strict=True) if keys.count(key) > 1]


def answers(turn: Turn) -> bool:
    """Whether whoever asked gets an answer from it, whatever it is worth."""
    return turn.status == 200 and not turn.mute and not turn.refuses and not turn.ending and not turn.refusal


# What a model may answer


def says(text: str, **more: Any) -> Move:
    return lambda asked: Turn((text,), **more)


def code(source: str, **more: Any) -> Move:
    """A candidate as it should be given."""
    return says(fenced(source), **more)


def fenced(source: str, fence: str = "```", language: str = "python") -> str:
    return f"{fence}{language}\n{source.rstrip()}\n{fence}"


def talking(source: str) -> Move:
    """Thoughts, prose, a piece that is no candidate, and prose after it."""
    piece = fenced("x = tl.load(x_ptr)")
    return says(
        f"Let me look at the problem.\n\n{piece}\n\nSo here it is:\n\n{fenced(source)}\n\nThis is right because …",
        thinking="hm, a kernel",
    )


def wrongly_fenced(source: str) -> Move:
    return says(f"Here:\n\n{fenced(source, '~~~~', 'triton {{.numberLines}}')}")


def unclosed(source: str) -> Move:
    return says(f"```py\n{source}")


def bare(source: str) -> Move:
    """No fence at all."""
    return says(source)


def editing(search: str, replace: str) -> Move:
    """An edit of the last candidate."""
    edit = f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"
    return says(f"One line is wrong.\n\n{edit}\n")


def again(asked: Asked) -> Turn:
    """The last candidate once more, with another comment and another name."""
    assert asked.last, "the prompt shows no candidate"
    return Turn((fenced("# mended\n" + re.sub(r"\boffsets\b", "places", asked.last)),))


def gives_up(asked: Asked) -> Turn:
    return Turn(("I am sorry, I do not see how this could be done.",))


def refuses(asked: Asked) -> Turn:
    return Turn(refusal="I cannot help with kernels.")


def limited(asked: Asked) -> Turn:
    return failing(429, "rate_limit_error", "slow down", retry_after_ms="10")


def breaks(asked: Asked) -> Turn:
    return failing(500, "server_error", "it broke", retry_after_ms="10")


def overloaded(asked: Asked) -> Turn:
    return failing(529, "overloaded_error", "busy", retry_after_ms="10")


def wrong_key(asked: Asked) -> Turn:
    return failing(401, "authentication_error", "who are you")


def cut(asked: Asked) -> Turn:
    return replace(_half_said, ending="cut")


def truncated(asked: Asked) -> Turn:
    return replace(_half_said, ending="truncated")


def unfinished(asked: Asked) -> Turn:
    return replace(_half_said, ending="unfinished")


def endless(asked: Asked) -> Turn:
    """Thinks until the client leaves; on a wire without a stream, says nothing."""
    return Turn(mute=True) if asked.request.path.startswith("/relay") else Turn(ending="endless")


def slow(source: str, pause_s: float = 0.02) -> Move:
    return code(source, pause_s=pause_s)


_half_said = Turn((fenced("def kernel_function(x):\n    return x"),))
