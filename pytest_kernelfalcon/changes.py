"""What changed since a commit, as git tells it. Git is asked once a run; workers are told its answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.options import PREFIX

FLAG = f"{PREFIX}changed"
WORD = "kernelfalcon"
"""A line of a configuration that holds it is about us."""
CONFIGURATIONS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""Where pytest looks for its options."""
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Variables that a git hook sets, which would have git look at another repository or index."""
FILES = ("100644", "100755")
"""Modes of a tree's entries that are files: others are links and submodules."""


class Failed(Exception):
    """Git could not answer; its own words."""


@dataclass(frozen=True)
class Changes:
    """The work tree, untracked files too, held against a commit.

    ref: as the user named it. base: the merge base of it and HEAD. top: the repository's folder, no link in it.
    changed: files that differ, deleted ones included. tracked: Python and JSON files that git knows. Both are relative
    to top. everything: why every problem counts as changed, or empty.
    """

    ref: str
    base: str
    top: str
    changed: tuple[str, ...]
    tracked: tuple[str, ...]
    everything: str = ""

    @classmethod
    def since(cls, ref: str, root: Path, ini: Path | None) -> Changes:
        """Of the repository that holds `root`; raises `pytest.UsageError` where git cannot tell. ini: the ini file."""
        top = Path(_top(ref, root))
        base = _base(ref, top)
        try:
            changed = _git(top, "diff", "--no-ext-diff", "--no-renames", "--name-only", "-z", base, "--")
            tracked = _git(top, "ls-files", "-z", "--", "*.py", "*.json")
        except Failed as error:
            raise _unusable(ref, f"git cannot list what changed: {error}", "mend the repository") from None
        changes = cls(ref, base, str(top), tuple(_names(changed)), tuple(_names(tracked)))
        return replace(changes, everything=changes._configured(ini))

    def touches(self, path: Path) -> bool:
        """Whether `path` differs, is new or was deleted. What lies behind a link, or is unknown to git, counts as
        changed: it can change without git's knowing.

        Raises `pytest.UsageError` for a path outside of the repository.
        """
        name = self.name(path)
        if name is None or self._linked(path):
            return True
        return name in self._changed or (name not in self._tracked and os.path.lexists(path))

    def name(self, path: Path) -> str | None:
        """The path from the repository's top; None where a link of the repository leads out of it."""
        real = Path(os.path.realpath(path))
        if real.is_relative_to(self.top):
            return real.relative_to(self.top).as_posix()
        if self._linked(path):
            return None
        raise _unusable(
            self.ref,
            f"{str(path)!r} is outside of the repository {self.top!r}, so git cannot tell whether it changed",
            "start pytest in the repository of the problems and of their kernels, or leave the option away",
        )

    def before(self, path: Path) -> str | None:
        """The file's text at the base, with LF line ends; None where there was no such file of text."""
        name = self.name(path)
        return None if name is None else self._text(name)

    def _text(self, name: str) -> str | None:
        entry = _git(Path(self.top), "--literal-pathspecs", "ls-tree", "-z", self.base, "--", name)
        mode, _, blob = entry.partition("\t")[0].split() or ("", "", "")
        if mode not in FILES:
            return None
        try:
            return _git(Path(self.top), "cat-file", "blob", blob).replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Changes:
        return cls(**data | {name: tuple(data[name]) for name in ("changed", "tracked")})

    @property
    def short(self) -> str:
        """For people."""
        return f"{self.ref} ({self.base[:10]})"

    @cached_property
    def _changed(self) -> frozenset[str]:
        return frozenset(self.changed)

    @cached_property
    def _tracked(self) -> frozenset[str]:
        return frozenset(self.tracked)

    def _linked(self, path: Path) -> bool:
        """Whether a link that lies in the repository is on the way."""
        for place in (path, *path.parents):
            if place.is_symlink() and Path(os.path.realpath(place.parent)).is_relative_to(self.top):
                return True
        return False

    def _configured(self, ini: Path | None) -> str:
        """Whether a configuration says something else of us than at the base: where kernels live, say."""
        named = None if ini is None or not Path(os.path.realpath(ini)).is_relative_to(self.top) else self.name(ini)
        for name in self.changed:
            if name != named and Path(name).name not in CONFIGURATIONS:
                continue
            path = Path(self.top) / name
            now = path.read_bytes().decode(errors="replace") if path.is_file() else ""
            if _about_us(now) != _about_us(self._text(name) or ""):
                return f"{name} says something else of kernelfalcon"
        return ""


def _about_us(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if WORD in line]


def _top(ref: str, root: Path) -> str:
    try:
        return os.path.realpath(_git(root, "rev-parse", "--show-toplevel").removesuffix("\n"))
    except FileNotFoundError:
        raise _unusable(ref, "there is no `git` on the PATH", "install git") from None
    except Failed as error:
        fix = "run it in a checkout that git may read, or leave the option away"
        raise _unusable(ref, f"{str(root)!r} is in no git repository that can be used: {error}", fix) from None


def _base(ref: str, top: Path) -> str:
    fetch = "fetch it with its history (GitHub: `fetch-depth: 0` of actions/checkout; GitLab: `GIT_DEPTH: 0`)"
    try:
        commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except Failed:
        raise _unusable(ref, "git knows no such commit or branch here", f"name one that is there, or {fetch}") from None
    try:
        return _git(top, "merge-base", commit, "HEAD").strip()
    except Failed as error:
        shallow = _git(top, "rev-parse", "--is-shallow-repository").strip() == "true"
        why = "the clone is shallow" if shallow else f"the two have no common history {error}".rstrip()
        raise _unusable(ref, f"git finds no merge base of it and HEAD: {why}", fetch) from None


def _unusable(ref: str, what: str, fix: str) -> pytest.UsageError:
    return pytest.UsageError(f"{FLAG}: {ref!r} cannot be used: {what}. Fix: {fix}.")


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; raises `Failed`, and FileNotFoundError where there is no git."""
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode:
        raise Failed(" ".join(done.stderr.decode(errors="replace").split()))
    return done.stdout.decode(errors="strict" if arguments[0] == "cat-file" else "backslashreplace")


def _names(listing: str) -> Iterator[str]:
    return (name for name in listing.split("\0") if name)
