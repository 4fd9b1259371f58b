"""The judge of a pytest process: opened at the first use, closed with the run.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kernelfalcon import options as options_module
from pytest_kernelfalcon import repros, running
from pytest_kernelfalcon import session as run_time
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.platforms import Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError, Verdict
from pytest_kernelfalcon.store import rundir

if TYPE_CHECKING:
    from pytest_kernelfalcon.judge.gates import GateName
    from pytest_kernelfalcon.judge.judge import Judge


@dataclass
class Court:
    """root: the folder `.fuse`, or None where none can be written. contracts: by the problem's hash."""

    judge: Judge
    root: Path | None
    contracts: dict[tuple[str, str], Contract] = field(default_factory=dict)

    def inspect(self, problem: Problem) -> Contract:
        """Raises `ProblemError`."""
        key = problem.path, problem.sha256
        if key not in self.contracts:
            self.contracts[key] = self.judge.inspect(problem, Control())
        return self.contracts[key]

    def verdict(self, contract: Contract, source: str, gate: GateName) -> Verdict:
        return self.judge.judge(contract, source, gate, Control())

    def repro(self, name: str, contract: Contract, verdict: Verdict, source: str) -> list[str]:
        """Writes the script that shows a refusal; the line that says where it is."""
        if self.root is None:
            return []
        key = hashlib.sha256(f"{contract.source['code']}\n{source}".encode(errors="surrogatepass")).hexdigest()[:8]
        path = self.root / "verify" / f"{name}-{key}" / repros.NAME
        try:
            return repros.write(path, contract, verdict, source)
        except OSError as error:
            return [f"no {repros.NAME}: it cannot be written: {error}"]


COURT = pytest.StashKey[Court]()


@contextlib.contextmanager
def opened() -> Iterator[Court]:
    """The court of the innermost run. Ends the test, in one line, where it cannot be had or fails itself."""
    __tracebackhide__ = True
    try:
        yield _court(running.configs[-1])
    except JudgeError as error:
        text = f"the judge failed, which says nothing about the kernel: {error}"
    except (Unavailable, pytest.UsageError) as error:
        text = str(error)
    else:
        return
    pytest.fail(text, pytrace=False)


def _court(config: pytest.Config) -> Court:
    if COURT not in config.stash:
        config.stash[COURT] = (
            _of_run(config.stash[run_time.SESSION]) if run_time.SESSION in config.stash else _own(config)
        )
    return config.stash[COURT]


def _of_run(session: run_time.Session) -> Court:
    """Under `--kernelfalcon`: the run's own judge, which is closed with it."""
    return Court(session.judge, session.run.root)


def _own(config: pytest.Config) -> Court:
    options = options_module.read(config)
    try:
        root = rundir.find_root([config.rootpath, config.invocation_params.dir])
    except rundir.NotWritableError:
        root = None
    cache = root / "cache" if root and not options.frozen else None  # in CI a checkout could bring one that lies
    judge = run_time.open_judge(options, cache, None)
    config.add_cleanup(judge.close)
    return Court(judge, root)
