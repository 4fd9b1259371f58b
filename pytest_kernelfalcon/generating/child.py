"""The run: pytest in a process of its own, of whose settings, plugins and files nothing is the caller's.

So it works wherever Python does: in a notebook, within an event loop, in a thread, in a test.
"""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest_kernelfalcon
from pytest_kernelfalcon.generating.tied import CALLER

PLUGINS = ("pytest_kernelfalcon.generating.tied", "pytest_kernelfalcon.plugin", "xdist.plugin", "xdist.looponfail")
BARE = ("-c", os.devnull, "--noconftest", "-p", "no:cacheprovider")
"""No ini file, no conftest.py; of pytest's cache a run of one problem needs nothing."""
POLL_S = 0.1
STOPPING_S = 60.0
"""How long an interrupted run may take to end by itself. What it has judged is kept all the same."""


@dataclass(frozen=True)
class Ended:
    """code: as `subprocess` has it. output: all that was printed."""

    code: int
    output: str


def run(arguments: Sequence[str], environment: Mapping[str, str], tell: Callable[[str], None]) -> Ended:
    """Runs `pytest --kernelfalcon ARGUMENTS` and returns when it has ended.

    environment: beside the caller's own. tell: is given what is printed, as it comes. Whatever is raised meanwhile, a
    KeyboardInterrupt above all, ends the process first.
    """
    loaded = [word for plugin in PLUGINS for word in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", *loaded, *BARE, "--kernelfalcon", *arguments]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_environment(), **environment},
        )
        try:
            text = _follow(process, output, tell)
        except BaseException:
            _stop(process)
            raise
    return Ended(process.returncode, text)


def _environment() -> dict[str, str]:
    """The caller's without what is meant for a pytest of its own; with the place of this package, if it is no installed
    one. Python adds no folder to its path, and pytest loads no plugin, that is not named.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own = {CALLER: str(os.getpid()), "PYTHONSAFEPATH": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    own["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    home = str(Path(pytest_kernelfalcon.__file__).absolute().parents[1])
    if home not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        own["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return kept | own


def _follow(process: subprocess.Popen[bytes], output: IO[bytes], tell: Callable[[str], None]) -> str:
    """A file, not a pipe: what a process that outlives the run holds open keeps nobody waiting."""
    decoder, parts, at = codecs.getincrementaldecoder("utf-8")(errors="replace"), list[str](), 0
    ended = False
    while not ended:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
        ended = process.returncode is not None
        while data := os.pread(output.fileno(), 1 << 16, at):
            at += len(data)
            parts.append(decoder.decode(data))
            tell(parts[-1])
    return "".join(parts)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """As ^C does, so that the run ends in order; a second interrupt does not wait for that."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOPPING_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
