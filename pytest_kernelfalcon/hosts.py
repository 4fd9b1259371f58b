"""Workers of pytest-xdist in another place: with another Python, in another directory, on another machine.

They race seeds of the controller's run where they see its files under the same names and its locks hold for them. Both
is tried before anything runs: the controller holds a lock on a file, and each such worker looks for it.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.rundir import RunDir

ROOTDIR, BEACON = "rootdir", "beacon"
_USAGE = re.compile(r"[\w.]*\bUsageError: ")
RESTARTS = 4
"""Of workers that die, for each that was asked for: as with `-n`."""


class Beacon:
    """The file that workers in another place look for; there, and locked, until `close`."""

    def __init__(self, run: RunDir, rootdir: Path) -> None:
        self._path = run.root / f".{run.run_id}"
        self._rootdir = rootdir
        self._held = ExitStack()

    def told(self) -> dict[str, str]:
        """What a worker must know; from the first time on the file is there."""
        if not self._path.exists():
            self._held.callback(self._path.unlink)
            self._held.enter_context(files.try_lock(self._path))
        return {ROOTDIR: str(self._rootdir), BEACON: str(self._path)}

    def close(self) -> None:
        self._held.close()


def check(config: pytest.Config, told: dict[str, Any]) -> None:
    """In a worker. Raises `pytest.UsageError` where it is not in the controller's place and cannot take part."""
    if BEACON not in told:
        return
    here, path = socket.gethostname(), Path(told[BEACON])
    if told[ROOTDIR] != str(config.rootpath):
        raise pytest.UsageError(
            f"the root directory is {config.rootpath} there and {told[ROOTDIR]} here, and items and kept kernels go by "
            f"it. Fix: share the directory under one path, and add --rootdir={told[ROOTDIR]}"
        )
    if not path.exists():
        raise pytest.UsageError(
            f"the run directory {path.parent} of this run is not on {here}. Fix: share it between the machines, under "
            "one path"
        )
    with files.try_lock(path) as locked:
        if locked:
            raise pytest.UsageError(
                f"locks on files in {path.parent} do not hold between this machine and {here}. Fix: put the root "
                "directory on a file system with shared locks (docs/workers.md)"
            )


def check_arguments(config: pytest.Config, specs: Sequence[Any]) -> None:
    """In the controller. Raises `pytest.UsageError` for what xdist does not hand on to workers in other directories."""
    if all(spec.popen and not spec.chdir for spec in specs):
        return
    for argument in config.invocation_params.args:
        path = Path(str(argument).split("::")[0])
        if path.exists():
            raise pytest.UsageError(
                f"pytest-xdist does not hand the path {argument!r} on to a worker in another directory. Fix: write "
                f"-o addopts={path.absolute()} --rootdir={config.rootpath} instead of it"
            )


def not_started(spec: Any, worker: str, error: object) -> str:
    """For people: why a worker never began. error: what its process raised, with the traceback."""
    last = _USAGE.sub("", str(error).strip().splitlines()[-1])
    return f"worker {worker} ({_shown(spec)}) did not start: {last}"


def _shown(spec: Any) -> str:
    """As it was given to `--tx`."""
    return "//".join(part for part in str(spec).split("//") if not part.startswith(("execmodel=", "id=")))


def bound_restarts(config: pytest.Config) -> None:
    """With `--tx` alone xdist has no bound: what cannot start would be started for ever."""
    if config.getoption("tx", None) and config.option.maxworkerrestart is None and not config.option.numprocesses:
        config.option.maxworkerrestart = str(RESTARTS * len(config.option.tx))
