"""How a problem's failures leave the roles that run it."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_kernelfalcon.contracts.causes import Cause

_OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "allocate memory",
    "not enough memory",
    "bad_alloc",
    "calculation overflowed",
    "out of memory",
)


class TooSlow(BaseException):
    """Our own limit on time has passed. No `Exception`: a problem's `except Exception` must not hold it."""


def _nobody(phase: str) -> None:
    pass


listener: ContextVar[Callable[[str], None]] = ContextVar("listener", default=_nobody)
"""Is told of each phase before it begins, so that a hang or a crash can be placed."""


class Broken(Exception):
    """The problem failed. `facts` fill the cause's message; `line` is the problem's own, where known."""

    def __init__(self, cause: Cause, line: int | None = None, **facts: object) -> None:
        super().__init__(cause, facts, line)
        self.cause, self.facts, self.line = cause, facts, line


@contextmanager
def guarded(phase: str, cause: Cause, path: str) -> Iterator[None]:
    """Turns whatever the problem's text raises in `phase`, an exit too, into `Broken`."""
    listener.get()(phase)
    try:
        yield
    except (Broken, TooSlow):
        raise
    except BaseException as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line = lines[-1] if lines else None
        if isinstance(error, SystemExit):
            raise Broken(Cause.PROBLEM_EXIT, line, detail=phase) from error
        if isinstance(error, SyntaxError) and error.filename == path:
            raise Broken(Cause.PROBLEM_SYNTAX, error.lineno, detail=error.msg) from error
        if isinstance(error, MemoryError) or any(part in describe(error) for part in _OUT_OF_MEMORY):
            raise Broken(Cause.PROBLEM_MEMORY, line, detail=phase) from error
        raise Broken(cause, line, detail=describe(error)) from error


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `TooSlow` in the main thread after `seconds`, for code that no dispatch mode can watch."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def describe(error: BaseException) -> str:
    """The error on one line of at most 300 characters."""
    try:
        words = " ".join(str(error).split())
    except Exception as unprintable:  # the text of a problem's own exception class may itself fail
        words = f"(its text cannot be printed: {type(unprintable).__name__})"
    name = type(error).__name__
    return (f"{name}: {words}" if words else name)[:300]
