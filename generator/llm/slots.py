"""One limit of calls at a time over all the processes of a run."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.store import files

POLL_S = 0.05
DEFAULT = 8


@dataclass(frozen=True)
class Slots:
    """`count` files in `folder`, one for each call that may be under way; a process that dies lets go of its own.

    folder: None where there is no run to share a limit with.
    """

    folder: Path | None
    count: int = DEFAULT

    @contextmanager
    def taken(self, control: Control) -> Iterator[None]:
        """Holds one, waiting until one is free. Raises what `control.check()` does."""
        if self.folder is None:
            yield
            return
        while True:
            control.check()
            for number in random.sample(range(self.count), self.count):
                with files.try_lock(self.folder / f"slot{number}") as mine:
                    if mine:
                        yield
                        return
            time.sleep(POLL_S)
