"""From a description in words to a problem file: a model drafts it, and is told what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.llm.answers import code_blocks
from pytest_kernelfalcon.generator.llm.prompts import Prompts
from pytest_kernelfalcon.generator.llm.provider import Message

DRAFTS = 4
"""How many the model may write."""
LONGEST, LONGEST_LINE = 20_000, 200
"""Characters. People read a draft before it counts: it is neither hidden behind a screen's edge nor endless."""
SHOWN = 2_000
"""Characters of what is wrong that the model is told."""


class Unusable(ValueError):
    """A draft is no problem; the text says why. It is told to the model."""


@dataclass(frozen=True)
class Drafted:
    """text: of a problem that was inspected and taken, None where no draft was. fault: of the last draft."""

    text: str | None
    drafts: int
    fault: str = ""


def draft(
    words: str,
    prompts: Prompts,
    ask: Callable[[Sequence[Message]], str],
    inspect: Callable[[Problem], object],
    refused: Callable[[int, str], None],
) -> Drafted:
    """ask: the model's answer to these messages. inspect: raises `ProblemError` for what is no problem.
    refused: is told what is wrong with a draft, by its number from 0. Raises what these raise beside that.
    """
    messages = [Message("user", prompts.draft(words, LONGEST, LONGEST_LINE), stable=True)]
    fault = ""
    for number in range(DRAFTS):
        answer = ask(messages)
        try:
            text = _taken(answer, inspect)
        except (Unusable, ProblemError) as error:
            fault = _shown(str(error))
            refused(number, fault)
            said = _shown(answer[:LONGEST])
            messages += [Message("assistant", said or "(nothing)"), Message("user", prompts.redraft(fault[:SHOWN]))]
            continue
        return Drafted(text, number + 1)
    return Drafted(None, DRAFTS, fault)


def _taken(answer: str, inspect: Callable[[Problem], object]) -> str:
    """The problem in an answer, after it was inspected; raises `Unusable` and `ProblemError`."""
    text = found(answer)
    problem = Problem("draft.py", text)
    problem.check()
    inspect(problem)
    return text


def found(answer: str) -> str:
    """The last code block that has a `Model`, else the last; raises `Unusable`.

    What shows is all that there is: no character in it is invisible, reorders a line or steers a terminal.
    """
    texts = [block.text.strip("\n") + "\n" for block in code_blocks(answer.replace("\r\n", "\n"))]
    if not texts:
        raise Unusable("the answer has no code block: answer with the whole file in one")
    text = next((text for text in reversed(texts) if "class Model" in text), texts[-1])
    for fault in _hides(text):
        raise Unusable(fault)
    return text


def _hides(text: str) -> Iterator[str]:
    if len(text) > LONGEST:
        yield f"the file has {len(text)} characters, and {LONGEST} are allowed"
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} characters, and {LONGEST_LINE} are allowed"
        if strange := [one for one in line if not (one.isascii() and one.isprintable())]:
            yield f"line {number} has the character U+{ord(strange[0]):04X}: write plain ASCII, without tabs"


def _shown(text: str) -> str:
    """With characters only that show."""
    return "".join(one if one.isprintable() or one == "\n" else f"\\x{ord(one):02x}" for one in text)
