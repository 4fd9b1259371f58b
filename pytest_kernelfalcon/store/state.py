"""What one contract's search leaves for later runs. It saves work and nothing else: no kernel is accepted by it.

    state/<key>/winner.json                      the last winner of any run (see blackboard.py)
    state/<key>/<authors>/seed<k>/round<r>.json  what these authors' seed tried, stored as soon as it was judged

Runs of the same time share it without asking each other. A file is replaced in one step and holds a digest of itself,
so that a torn, foreign or damaged one is known by itself; it is set aside. A round names the rounds that went before
it, by a digest of their texts: what another run put between them ends the sequence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.files import Unreadable

ASIDE = ".damaged"
"""What is added to the name of a file that is set aside."""


@dataclass(frozen=True)
class StoredRound:
    """One round of a seed. verdict: as JSON."""

    author: str
    note: str
    source: str
    verdict: dict[str, Any]


@dataclass(frozen=True)
class State:
    """The files of one contract. told: of each one that was set aside, in a line."""

    folder: Path
    told: Callable[[str], None]

    def read(self, name: str) -> dict[str, Any] | None:
        """What was written; None where nothing was, or where it had to be set aside."""
        path = self.folder / name
        try:
            return _unsealed(path)
        except Unreadable as error:
            self.set_aside(name, str(error))
            return None

    def write(self, name: str, data: dict[str, Any]) -> None:
        """Raises `files.Unwritable`."""
        files.write_json(self.folder / name, {"sha256": _digest(data), "data": data})

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def set_aside(self, name: str, why: str) -> None:
        """Gives the file (or whatever lies there) another name; another process may have done so."""
        path = self.folder / name
        with suppress(FileNotFoundError):
            os.rename(path, path.with_name(f"{path.name}{ASIDE}-{os.urandom(3).hex()}"))
            self.told(f"{why}; it is set aside, and what it held is worked out again")


@dataclass(frozen=True)
class Rounds:
    """What a seed has tried. authors: who was asked, in order: another list of them has rounds of its own."""

    state: State
    authors: Sequence[str]
    seed: int

    def load(self) -> list[StoredRound]:
        """The rounds from the first on, as far as each follows the one before it."""
        found: list[StoredRound] = []
        while (data := self.state.read(self._name(len(found)))) is not None:
            stored = self._parse(data, len(found))
            if stored is None or data["after"] != _trail(found):
                break
            found.append(stored)
        return found

    def save(self, rounds: Sequence[StoredRound]) -> None:
        """Stores the last of them. Raises `files.Unwritable`."""
        data = asdict(rounds[-1]) | {"after": _trail(rounds[:-1])}
        self.state.write(self._name(len(rounds) - 1), data)

    def correct(self, number: int, source: str, verdict: dict[str, Any]) -> None:
        """Gives a round a later, more thorough verdict, where it is still that candidate's."""
        rounds = self.load()
        if number < len(rounds) and rounds[number].source == source:
            self.save([*rounds[:number], replace(rounds[number], verdict=verdict)])

    def _name(self, number: int) -> str:
        return f"{sha256(','.join(self.authors))[:16]}/seed{self.seed}/round{number}.json"

    def _parse(self, data: dict[str, Any], number: int) -> StoredRound | None:
        names = StoredRound.__dataclass_fields__
        if set(data) == {*names, "after"}:
            return StoredRound(**{name: data[name] for name in names})
        path = self.state.folder / self._name(number)
        self.state.set_aside(self._name(number), f"{path}: not a round, but {', '.join(data) or 'empty'}")
        return None


def _trail(rounds: Sequence[StoredRound]) -> str:
    """Names a sequence of candidates; their verdicts may be corrected."""
    trail = ""
    for one in rounds:
        trail = sha256(trail + sha256(one.source))
    return trail


def _digest(data: dict[str, Any]) -> str:
    return sha256(files.to_json(data))


def _unsealed(path: Path) -> dict[str, Any] | None:
    sealed = files.read_json(path)
    if sealed is None:
        return None
    data = sealed.get("data")
    if not isinstance(data, dict) or sealed.get("sha256") != _digest(data):
        raise Unreadable(f"{path}: not what was written there")
    return data
