"""A pytest plugin that does nothing but tie a run to the process that asked for it. See child.py.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

CALLER = "KERNELFALCON_CALLER"
"""The variable that holds the number of the process that asked."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """The first one counts: a terminal's ^C reaches this process as well as the caller, who passes it on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def tie() -> None:
    """Where this process was started by the caller itself: an interrupt is heard, whatever was ignored there; and the
    caller's end, however it comes, is one. So no model is paid for what nobody waits for.
    """
    if os.environ.get(CALLER) != str(os.getppid()):
        return  # a worker of pytest-xdist, which ends with its controller
    from pytest_kernelfalcon.judge import linux

    signal.signal(signal.SIGINT, interrupt)
    linux.prctl(linux.PR_SET_PDEATHSIG, int(signal.SIGINT))


tie()
