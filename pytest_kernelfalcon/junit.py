"""What a JUnit file (and every other plugin that reads `user_properties`) learns of our items and of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from _pytest.junitxml import xml_key  # what `record_testsuite_property`, a fixture of workers too, writes to

from pytest_kernelfalcon import spending
from pytest_kernelfalcon.messages import Failure
from pytest_kernelfalcon.race import Kernel
from pytest_kernelfalcon.session import Session, machine, versions
from pytest_kernelfalcon.store.blackboard import SeedRecord
from pytest_kernelfalcon.workers import is_worker

FIGURES = ("registers", "spills", "shared")
Properties = dict[str, object]


def of_seed(record: SeedRecord) -> Properties:
    """What a seed came to: of its kernel, else of its last candidate."""
    facts: Properties = {"author": record.author, "round": record.round, "rounds": record.rounds}
    return _told(facts | _of_verdict(record.verdict or {}))


def of_kernel(kernel: Kernel) -> Properties:
    """The kernel that stands for a subgraph. winner_seed and winner_round are left out for a kept one."""
    found: Properties = {"author": kernel.author, "winner_seed": kernel.seed, "winner_round": kernel.round}
    return _told(found | _of_verdict(kernel.verdict))


def of_failure(failure: Failure) -> Properties:
    return {"outcome": failure.outcome, "cause": failure.cause}


def _of_verdict(verdict: Mapping[str, Any]) -> Properties:
    worst = verdict.get("worst") or {}
    facts: Properties = {name: verdict.get(name) for name in ("outcome", "cause", "cases")}
    return facts | {"error_over_eager": worst.get("error_over_eager")} | dict(_targets(verdict.get("targets") or {}))


def _targets(targets: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    for target, figures in targets.items():
        yield f"{target}.status", figures.get("status")
        for name in FIGURES:
            yield f"{target}.{name}", figures.get(name)


def _told(facts: Properties) -> Properties:
    return {name: value for name, value in facts.items() if value not in (None, "")}


class JUnit:
    """The properties of the suite. Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish"""
        xml = session.config.stash.get(xml_key, None)
        if xml is None or is_worker(session.config):
            return
        facts = {"run_id": self.session.run.run_id, "author": ",".join(self.session.options.author)}
        about = facts | machine(self.session.judge) | {f"version.{name}": text for name, text in versions().items()}
        for name, value in (*about.items(), *spending.properties(spending.of(self.session.run))):
            xml.add_global_property(f"kernelfalcon.{name}", value)
