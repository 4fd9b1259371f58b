"""A process that looks like any other that uses the module: what a wrapper may look at besides its tensors.

It takes away what would tell a wrapper that it is being judged, and shows a clock that runs ahead. A wrapper that
searches its process thoroughly can still tell; a check of honesty need not be more. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import _thread
import contextvars
import ctypes
import io
import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "pytest_kernelfalcon"
SCRIPT = "main.py"
TELLING = ("KERNELFALCON_SANDBOX", "CUDA_VISIBLE_DEVICES")
"""Variables that the judge sets, and that have done their work."""
MAIN = """
def main(run, call, arguments, named, around, end):
    try:
        with around:
            end["value"] = run(call, *arguments, **named)
    except BaseException as error:
        end["error"] = error
    end["over"].release()
"""


class Terminal(io.StringIO):
    """Somebody's terminal."""

    def isatty(self) -> bool:
        return True


class Plainly:
    """From `begin` on a process without traces of the judge. `behind_the_scenes` brings back what our code needs."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._hidden: dict[str, types.ModuleType] = {}
        self._variables: dict[str, str] = {}
        self._main: Any = None
        self._context = contextvars.Context()

    def begin(self) -> None:
        script = types.ModuleType("__main__")
        script.__file__ = SCRIPT
        exec(compile(MAIN, SCRIPT, "exec"), script.__dict__)
        self._main = script.__dict__.pop("main")
        self._variables = {name: os.environ[name] for name in TELLING if name in os.environ}
        names = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
        self._hidden = {"__main__": sys.modules["__main__"]} | {name: sys.modules[name] for name in names}
        self._context = contextvars.copy_context()  # what a call sets, Triton's allocator say, the next one finds
        _rename_process()
        sys.argv, sys.orig_argv = [SCRIPT], [sys.executable, SCRIPT]
        sys.stdout = Terminal()
        threading.main_thread = threading.current_thread  # a call has a thread of its own, for its stack
        _set_clock(lambda: self._ahead)
        self._hide(script)

    def _hide(self, script: types.ModuleType) -> None:
        for name in self._variables:
            os.environ.pop(name, None)
        for name in self._hidden:
            sys.modules.pop(name, None)
        sys.modules["__main__"] = script

    @contextmanager
    def behind_the_scenes(self) -> Iterator[None]:
        script = sys.modules["__main__"]
        sys.modules.update(self._hidden)
        os.environ.update(self._variables)
        try:
            yield
        finally:
            self._hide(script)

    def wait(self, seconds: float) -> None:
        """The clock goes forward."""
        self._ahead += seconds

    def call(
        self, around: AbstractContextManager[Any], function: Callable[..., Any], /, *arguments: Any, **named: Any
    ) -> Any:
        """`function(…)`, with a script's one line below it on the stack. Raises what it raises."""
        end: dict[str, Any] = {"over": _thread.allocate_lock()}
        end["over"].acquire()
        _thread.start_new_thread(self._main, (self._context.run, function, arguments, named, around, end))
        end["over"].acquire()
        if "error" in end:
            raise end["error"]
        return end["value"]


def _rename_process() -> None:
    """`/proc/self/cmdline`, where there is a /proc: the memory that holds it is this process's own."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return
    start, end = int(fields[45]), int(fields[46])
    shown = f"{sys.executable}\0{SCRIPT}\0".encode()[: max(end - start, 0)]
    if start:
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, shown, len(shown))


def _set_clock(ahead: Callable[[], float]) -> None:
    """Python's clocks, so many seconds ahead."""

    def shifted(clock: Callable[..., Any], unit: float | int) -> Callable[..., Any]:
        return lambda *which: clock(*which) + type(unit)(ahead() * unit)

    for name in ("time", "monotonic", "perf_counter", "clock_gettime"):
        setattr(time, name, shifted(getattr(time, name), 1.0))
        setattr(time, f"{name}_ns", shifted(getattr(time, f"{name}_ns"), 10**9))
