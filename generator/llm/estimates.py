"""What a call has cost in tokens, also where its server does not say, or had no time to say."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Answer, Request, Usage

MESSAGE_TOKENS = 16
"""Around each message, and around them all: its role, and where it begins and ends."""
BYTES_PER_TOKEN = 2
"""Of prompts and answers, where tokens are estimated: programs have three to four, other scripts than Latin two."""
TOKENS_PER_S = 200
"""What a model thinks and writes in a second, where it is estimated: most write a hundred at most."""
LONGEST_ANSWER = 32_000
"""Tokens, where neither the request nor a budget says how many."""

FREE = frozenset({CallOutcome.MISSING_KEY, CallOutcome.MISSING_URL, CallOutcome.MISSING_SDK, CallOutcome.WRONG_SETTING,
                  CallOutcome.UNREACHABLE, CallOutcome.WRONG_URL})  # fmt: skip
"""No model saw these."""
WHOLE = frozenset({CallOutcome.CONTENT_REFUSED, CallOutcome.CUT_AT_MAX_TOKENS, CallOutcome.EMPTY})
"""The server came to its end, and has said what there is to say."""


@dataclass(frozen=True)
class Taken:
    """Tokens of one call; input and output are numbers. estimated: one of them at least is not the server's."""

    usage: Usage
    estimated: bool = False

    @property
    def tokens(self) -> int:
        return (self.usage.input or 0) + (self.usage.output or 0)


def most_input(request: Request) -> int:
    """More tokens than the prompt can have: none is less than a byte."""
    return _size(request) + MESSAGE_TOKENS * (len(request.messages) + 1)


def taken(request: Request, result: Answer | BaseException, seconds: float) -> Taken:
    """What a call took that ended so after so long. Where the server does not say, rather too much than too little.

    A server that is left goes on until it notices, and counts what it thought: nobody knows more of it than the time.
    """
    if isinstance(result, CallFailed) and _free(result):
        return Taken(Usage(0, output=0))
    usage, text, whole = Usage(), "", False
    if isinstance(result, Answer):
        usage, text, whole = result.usage, result.text, True
    elif isinstance(result, CallFailed):
        usage, text, whole = result.usage, result.partial, result.outcome in WHOLE and result.status is None
    if whole and usage.input is not None and usage.output is not None:
        return Taken(usage)
    read = usage.input if usage.input is not None else -(-_size(request) // BYTES_PER_TOKEN)
    wrote = usage.output if whole else None
    if wrote is None:
        wrote = max(usage.output or 0, _written(text, seconds, request.max_tokens or LONGEST_ANSWER))
    return Taken(replace(usage, input=read, output=wrote), estimated=True)


def _free(failed: CallFailed) -> bool:
    """Whether the server, or nobody, refused it before a model saw it."""
    return failed.outcome in FREE or failed.status not in (None, 200)


def _written(text: str, seconds: float, most: int) -> int:
    known = -(-_bytes(text) // BYTES_PER_TOKEN)
    return max(known, min(most, round(seconds * TOKENS_PER_S)))


def _size(request: Request) -> int:
    return sum(_bytes(message.text) for message in request.messages)


def _bytes(text: str) -> int:
    """Lone surrogates count, too."""
    return len(text.encode("utf-8", "surrogatepass"))
