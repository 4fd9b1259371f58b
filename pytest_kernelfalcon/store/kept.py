"""Kept kernels: `__kernels__/<problem stem>.py` and, beside it, the manifest that vouches for it.

A kept kernel is fresh when the manifest names the problem's text and the kernel's text. The kernel is written
before the manifest: whoever is killed in between leaves a manifest that does not fit, which is stale. What the
manifest says of verdicts is never trusted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.store import files

SCHEMA = 1
FOLDER = "__kernels__"
MEASURED = ("seconds", "timing", "cases", "worst")
"""Parts of a verdict that differ from run to run: alone they are no reason to write a manifest again."""
KINDS = {"author": str, "contracts": list, "verdicts": dict, "versions": dict}

Status = Literal["fresh", "stale", "missing"]


@dataclass(frozen=True)
class Manifest:
    """contracts: id, signature and count of each. verdicts: the last one of each platform."""

    problem_sha256: str
    kernel_sha256: str
    author: str
    contracts: list[dict[str, Any]]
    verdicts: dict[str, dict[str, Any]]
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA} | {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def load(cls, path: Path) -> Manifest | None:
        """None where there is none, or none that can be read: it vouches for nothing then."""
        try:
            data = files.read_json(path)
        except ValueError:
            return None
        if data is None or data.get("schema") != SCHEMA or not set(cls.__dataclass_fields__) <= set(data):
            return None
        if not all(isinstance(data[name], kind) for name, kind in KINDS.items()):
            return None
        if not all(isinstance(verdict, dict) for verdict in data["verdicts"].values()):
            return None
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Kept:
    """The place of one problem's kept kernel."""

    kernel: Path

    @classmethod
    def of(cls, problem: Path, root: Path, folder: Path | None) -> Kept:
        """Beside the problem, or in `folder` under the problem's path from `root` (outside it: from the top)."""
        if folder is None:
            return cls(problem.parent / FOLDER / problem.name)
        return cls(folder / mirrored(problem, root))

    @property
    def manifest(self) -> Path:
        return self.kernel.with_suffix(".json")

    def status(self, problem: Problem) -> Status:
        """Whether there is a kernel, made for this very text of the problem and not changed since."""
        source = self.read()
        if source is None:
            return "missing"
        manifest = Manifest.load(self.manifest)
        named = manifest and (manifest.problem_sha256, manifest.kernel_sha256)
        return "fresh" if named == (problem.sha256, sha256(source)) else "stale"

    def read(self) -> str | None:
        """The kernel's text with LF line ends; None where there is none that could be one."""
        try:
            return self.kernel.read_bytes().decode().replace("\r\n", "\n")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except UnicodeDecodeError:
            return ""

    def save(self, source: str, manifest: Manifest) -> bool:
        """Writes what changed, kernel first; False where nothing did. `manifest` gets the other platforms' verdicts.

        For one process at a time (`RunDir.keeping`): else a kernel may be left with another one's manifest.
        """
        earlier = Manifest.load(self.manifest)
        same_kernel = earlier is not None and earlier.kernel_sha256 == manifest.kernel_sha256
        verdicts = {**earlier.verdicts, **manifest.verdicts} if earlier and same_kernel else manifest.verdicts
        newer = replace(manifest, verdicts=verdicts)
        if earlier and self.read() == source and _lasting(earlier) == _lasting(newer):
            return False
        files.write(self.kernel, source)
        files.write_json(self.manifest, newer.to_json())
        return True


def mirrored(problem: Path, root: Path) -> Path:
    """The problem's path below a folder of its own: from `root`, or from the top of the file system outside it."""
    return problem.relative_to(root if problem.is_relative_to(root) else problem.anchor)


def contract_entries(contracts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a manifest says of contracts, from their JSON."""
    return [{name: contract[name] for name in ("id", "signature", "count")} for contract in contracts]


def _lasting(manifest: Manifest) -> str:
    """A manifest's JSON without what was measured."""
    verdicts = {
        platform: {name: value for name, value in verdict.items() if name not in MEASURED}
        for platform, verdict in manifest.verdicts.items()
    }
    return files.to_json(manifest.to_json() | {"verdicts": verdicts})


def unwritable(folder: Path) -> Path | None:
    """The place that keeps `folder` from being written or made, None where nothing does."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return None if place.is_dir() and os.access(place, os.W_OK | os.X_OK) else place
