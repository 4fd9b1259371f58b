"""The author `dir/<path>`: kernels that another tool wrote, in a folder that mirrors the problems' paths."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round, Setting
from pytest_kernelfalcon.generator.registry import UnknownAuthor
from pytest_kernelfalcon.store.kept import mirrored

MAX_BYTES = 2**20
"""Of one candidate. What people and models write stays far below; a file above it is something else."""

UNREAD = "; not read: "


class Unreadable(ValueError):
    """A file that lies where a candidate should and cannot be one; the text says why."""


@dataclass(frozen=True)
class Directory:
    """A problem's candidates are `<its path>`, or `<its path without .py>/*.py` in natural order where that is absent.

    The path is mirrored as for kept kernels; where it leads nowhere, its leading folders are left out one by one, so
    that a folder that mirrors only the lower part of the tree is read as well. Of n seeds, seed k tries the files
    k, k + n, …: no file is tried by two of them.
    """

    name: str
    folder: Path
    setting: Setting

    @classmethod
    def of(cls, argument: str, setting: Setting) -> Directory:
        """Raises UnknownAuthor where there is no such folder. A relative path starts where pytest was started."""
        folder = (setting.start / argument).absolute()
        if not argument or not folder.is_dir():
            raise UnknownAuthor(f"'dir/{argument}': {str(folder)!r} is no folder. Fix: name a folder of kernels.")
        return cls(f"dir/{argument}", folder, setting)

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        control.check()
        place = self.folder / mirrored(self.setting.start / contract.source["module"], self.setting.root)
        try:
            files = self._files(place)
        except OSError as error:
            return Exhausted(f"the kernels for {contract.source['module']} cannot be listed: {error}")
        if not files:
            return Exhausted(
                f"no kernel for {contract.source['module']}: neither {place} nor {place.with_suffix('')}/*.py is "
                "there, nor either of them with leading folders of the problem's path left out"
            )
        return self._next(files, history, seed, control)

    def _files(self, place: Path) -> list[Path]:
        """The candidates at `place`, or at the longest end of its path below the folder that has some."""
        parts = place.relative_to(self.folder).parts
        for left_out in range(len(parts)):
            file = self.folder.joinpath(*parts[left_out:])
            if os.path.lexists(file):  # a link that leads nowhere is there, too, and is told of
                return [file]
            if several := _listed(file.with_suffix("")):
                return several
        return []

    def _next(
        self, files: Sequence[Path], history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        """The first file of this seed that it has not tried; what cannot be read is passed over and told of."""
        tried = {round.proposal.note.partition(UNREAD)[0] for round in history}
        own = files[seed :: self.setting.seeds]
        unread: list[str] = []
        for path in own:
            control.check()
            label = f"{self.name.rstrip('/')}/{path.relative_to(self.folder).as_posix()}"
            if label in tried:
                continue
            try:
                return Proposal(self._read(path), label + _told(unread))
            except Unreadable as error:
                unread.append(f"{path} ({error})")
        there = f"{len(files)} file{'s' if len(files) > 1 else ''}"
        ended = f"this seed has had its share of {there}" if own else f"there are {there}, for other seeds"
        return Exhausted(f"{self.name}: {ended}{_told(unread)}", unread=tuple(unread))

    def _read(self, path: Path) -> str:
        """The text, with LF line ends and without a byte order mark; raises Unreadable."""
        try:
            target = path.resolve(strict=True)
            if not target.is_relative_to(self.folder.resolve()):
                raise Unreadable(f"links to {target}, outside {self.folder}")
            if not target.is_file():
                raise Unreadable("is no file")
            with target.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, RuntimeError) as error:  # Python before 3.13 says RuntimeError of links in a circle
            raise Unreadable(f"cannot be read: {error}") from None
        if len(data) > MAX_BYTES:
            raise Unreadable(f"is larger than {MAX_BYTES} bytes")
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise Unreadable(f"is not UTF-8: {error.reason} at byte {error.start}") from None


def _listed(folder: Path) -> list[Path]:
    """Its `.py` entries in natural order; none where there is no such folder. Raises OSError where it is closed."""
    try:
        return sorted((path for path in folder.iterdir() if path.suffix == ".py"), key=_natural)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _natural(path: Path) -> tuple[list[str | int], str]:
    """k2 before k10: text and numbers alternate, so that like is compared with like."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], path.name


def _told(unread: Sequence[str]) -> str:
    return UNREAD + ", ".join(unread) if unread else ""
