"""Roles that do whatever they are told, behind the walls of real ones: `python -m tests.attackers KIND FD`.

A zygote as the judge's, with attackers in the place of its roles; it loads no torch, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge import sandbox
from pytest_kernelfalcon.judge.child import Child
from pytest_kernelfalcon.judge.host import Line, clean_environment
from pytest_kernelfalcon.judge.wire import Channel
from pytest_kernelfalcon.judge.zygote import ROLES, Home, serve

if TYPE_CHECKING:
    from tests.attacks import Attack  # its text holds the key, which shall not be in the zygote


TEMPORARY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
"""Where ordinary scratch directories are: in memory, since a disk may take seconds to delete one."""


class Attacker:
    """A role: runs the code that it is sent; what that leaves as `later`, once it has answered."""

    @staticmethod
    def serve(channel: Channel, job: dict[str, Any]) -> None:
        while True:
            request, _ = channel.receive()
            names: dict[str, Any] = {}
            try:
                exec(request["code"], names)
                said = {"booty": str(names["attack"](request["host"]))[:300]}
            except BaseException as error:
                number = getattr(error, "errno", None)
                said = {"error": type(error).__name__, "errno": number, "text": str(error)[:300]}
            channel.send(said)
            names.get("later", int)()


class Attackers(Line):
    """A line to such a zygote. refused: what the machine shall refuse, see denied.py."""

    def __init__(self, kind: str, mode: str = "auto", refused: Sequence[str] = ()) -> None:
        ours, theirs = Channel.pair()
        super().__init__(kind, ours)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._shared: dict[str, Child] = {}
        before = [sys.executable, "-m", "tests.denied", ",".join(refused)] if refused else []
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.attackers", kind, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=clean_environment("plain", mode) | {"TMPDIR": TEMPORARY},
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            cwd=Path(__file__).parent.parent,
            process_group=0,
        )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last_words(self) -> str:
        self.process.wait()
        self._errors.seek(0)
        return self._errors.read().decode()

    def close(self) -> None:
        for child in self._shared.values():
            child.close()
        super().close()
        self.process.kill()
        self.process.wait()
        self._errors.close()

    def ask(self, role: str, code: str, host: dict[str, Any]) -> dict[str, Any]:
        """What an attacker in that role says of that code; {"died": how} where it ends of it."""
        with self.attacker(role) as child:
            return said(child, code, host)

    def attacker(self, role: str) -> Child:
        return self.fork(role, {}, Control())

    def tried(self, attack: Attack, role: str, host: dict[str, Any]) -> dict[str, Any]:
        """What comes of it, in a process of its own or in one that attacks share."""
        if attack.alone:
            return self.ask(role, attack.code, host)
        if role not in self._shared:
            self._shared[role] = self.attacker(role)
        return said(self._shared[role], attack.code, host)


def said(child: Child, code: str, host: dict[str, Any]) -> dict[str, Any]:
    return child.ask({"code": code, "host": host}, Control(), 30)


def main() -> None:
    kind, fd = sys.argv[1], int(sys.argv[2])
    gpu = kind == "cuda"
    sandbox.die_with_parent()
    walls = sandbox.unconfined() if os.environ["KERNELFALCON_SANDBOX"] == "off" else sandbox.granted(gpu)
    sandbox.isolate(walls)
    walls = sandbox.enclose(walls, gpu)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    hello = {"missing": list(walls.missing), "versions": {}}
    serve(Channel(socket.socket(fileno=fd)), dict.fromkeys(ROLES[kind], Attacker), Home(walls, hello))


if __name__ == "__main__":
    main()
