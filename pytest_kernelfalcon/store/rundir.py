"""The folders of a run.

.fuse/                           ignores itself in git
  state/<key of the contract>/   what outlives runs (see blackboard.py)
  cache/                         the judge's compiled kernels
  problems/, drafts/             what `generate_kernel` made problems of, and the calls for it
  verify/<kernel>-<key>/         what `verify` and `assert_kernel` leave: repro.py
  <run_id>/
    events.jsonl                 the record; everything named summary is derived from it
    summary.json                 the report
    orchestrator/code.py.tgz     the problem files as they were
    stopped                      there once the run should stop
    in_progress                  locked while a process of the run lives (see progress.py)
    llm/                         what calls of language models share: slots, ledger.jsonl (see ledger.py)
    cache/                       of a frozen or fresh run, which trusts no earlier one
    <problem key>/
      subgraphs.json             the plan
      kernels_out/<contract id>/ the search, one folder a contract (see blackboard.py)
      kernels_out/summary.json
      compose_out/{composed_kernel.py, summary.json}
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import secrets
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.store import files

FOLDER = ".fuse"


class NotWritableError(Exception):
    """No place for `.fuse/`; the message names each that was tried, and why."""


def new_run_id() -> str:
    """Sorts by time; unique among runs that start in the same second."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def find_root(places: Sequence[Path]) -> Path:
    """The `.fuse` folder in the first place that can be written; it ignores itself in git."""
    tried = []
    for place in places:
        root = place / FOLDER
        try:
            files.write(root / ".gitignore", "*\n")
        except OSError as error:
            tried.append(f"{root} ({error.strerror})")
        else:
            return root
    raise NotWritableError(", ".join(tried))


def problem_key(path: str) -> str:
    """A folder name for a problem: readable, and different for every path."""
    readable = re.sub(r"[^A-Za-z0-9]+", "_", path.removesuffix(".py")).strip("_")[-60:]
    return f"{readable}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class ProblemDir:
    """A problem's part of a run directory."""

    path: Path

    @property
    def plan(self) -> Path:
        return self.path / "subgraphs.json"

    @property
    def kernels_summary(self) -> Path:
        return self.path / "kernels_out" / "summary.json"

    @property
    def composed(self) -> Path:
        return self.path / "compose_out" / "composed_kernel.py"

    @property
    def before(self) -> Path:
        """What the kernel of an earlier commit takes (see comparison.py)."""
        return self.path / "compose_out" / "before.json"

    @property
    def compose_summary(self) -> Path:
        return self.path / "compose_out" / "summary.json"

    def contract(self, identifier: str) -> Path:
        return self.path / "kernels_out" / identifier

    def judged(self, identifier: str, sha256: str) -> Path:
        """A text that the gate *accept* has judged."""
        return self.contract(identifier) / "judged" / f"{sha256}.py"

    def round(self, identifier: str, seed: int, number: int) -> Path:
        return self.contract(identifier) / f"seed{seed}" / f"round{number}"


@dataclass(frozen=True)
class RunDir:
    """The directory of one run, shared by all its processes; made when something runs."""

    root: Path
    run_id: str

    @property
    def path(self) -> Path:
        return self.root / self.run_id

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def models(self) -> Path:
        """There where a language model was asked."""
        return self.path / "llm"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def own_cache(self) -> Path:
        """The same, for a run that trusts no earlier one."""
        return self.path / "cache"

    def problem(self, key: str) -> ProblemDir:
        return ProblemDir(self.path / key)

    def state(self, key: str) -> Path:
        return self.root / "state" / key

    def keeping(self, kernel: Path) -> Path:
        """What locks a kept kernel and its manifest: runs of the same time share it, and nothing of it is kept."""
        return self.root / "state" / f"{hashlib.sha256(bytes(kernel)).hexdigest()}.lock"

    def begin(self, sources: dict[str, str]) -> bool:
        """Makes the directory with the problems' sources; True for the one process that did it first."""
        return files.publish(self.path / "orchestrator" / "code.py.tgz", _archive(sources))

    def sources(self) -> dict[str, str]:
        """The problems' sources by path, as `begin` got them (without the slash at the front of an absolute path)."""
        with tarfile.open(self.path / "orchestrator" / "code.py.tgz") as tar:
            members = [(member.name, tar.extractfile(member)) for member in tar.getmembers()]
            return {name: file.read().decode() for name, file in members if file is not None}

    def stop(self) -> None:
        """Tells every process of the run to stop its work; nothing to tell where nothing began.

        Where not even this can be written, each of them ends by itself: it cannot write what it finds out.
        """
        if self.path.is_dir():
            with suppress(files.Unwritable):
                files.mark(self.path / "stopped")

    def stopped(self) -> str | None:
        return "the run was stopped" if (self.path / "stopped").exists() else None


def _archive(sources: dict[str, str]) -> bytes:
    """A gzipped tar of the texts by path; the same bytes for the same texts."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path, text in sorted(sources.items()):
            data = text.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()
