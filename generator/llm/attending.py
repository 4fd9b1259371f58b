"""A call runs in an event loop of its own, in a thread of its own; whoever asked attends it, and can leave at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from pytest_kernelfalcon.contracts.control import Control

POLL_S = 0.05
CLOSING_S = 0.5
"""How long a call that was left is waited for: it closes its connection. A hanging look-up of a name takes longer."""

T = TypeVar("T")


def attend(work: Callable[[], Coroutine[Any, Any, T]], control: Control) -> T:
    """What `work` returns or raises. Raises what `control.check()` does, and KeyboardInterrupt; `work` is ended then.

    The thread makes it work where an event loop is running already, as in a notebook.
    """
    left, result = threading.Event(), Future[T]()
    thread = threading.Thread(target=_run, args=(work, left, result), name="kernelfalcon call", daemon=True)
    thread.start()
    try:
        while not wait([result], POLL_S).done:
            control.check()
        return result.result()
    finally:
        left.set()
        thread.join(CLOSING_S)


def _run(work: Callable[[], Coroutine[Any, Any, T]], left: threading.Event, result: Future[T]) -> None:
    try:
        result.set_result(asyncio.run(_until(work, left)))
    except BaseException as error:
        result.set_exception(error)


async def _until(work: Callable[[], Coroutine[Any, Any, T]], left: threading.Event) -> T:
    task = asyncio.ensure_future(work())
    while not task.done():
        await asyncio.wait([task], timeout=POLL_S)
        if left.is_set() and not task.done():
            task.cancel()
    return task.result()
