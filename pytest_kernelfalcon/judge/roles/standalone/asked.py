"""What a repro.py is asked, what it finds, and what a candidate raises. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """What is to be shown. problem, candidate: their texts, the problem's at the sizes of the case.

    dtype, strides, values: of the case, as the judge names them. rms_bound, worst_bound: the judge's, over eager's
    errors. target: a compute capability to compile for in place of a call, or None. raises: whether the refusal is an
    exception, so that one is no fault of the interpreter.
    """

    problem: str
    candidate: str
    cause: str
    dtype: str = "declared"
    strides: str = "declared"
    values: str = "drawn"
    seed: int = 0
    rms_bound: float = 4.0
    worst_bound: float = 8.0
    target: int | None = None
    sizes: str = ""
    raises: bool = False


@dataclass
class Shown:
    """What is wrong, one line each."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.lines.append(text)
        print(f"WRONG: {text}")


class Raised(Exception):
    """The candidate, or what it launches, raised: the cause of this."""


@contextlib.contextmanager
def candidates() -> Iterator[None]:
    """Exceptions in here are the candidate's; an exit is one."""
    leave = os._exit
    os._exit = left  # type: ignore[assignment]
    try:
        yield
    except (Exception, SystemExit) as error:
        raise Raised from error
    finally:
        os._exit = leave


def left(code: int = 0) -> None:
    """In place of `os._exit`, after which nobody could say anything."""
    raise SystemExit(f"os._exit({code}) is called")
