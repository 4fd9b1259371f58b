"""pytest-xdist: workers take part in the controller's run and share its zygotes; the controller ends them all.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NoReturn

import pytest

from pytest_kernelfalcon.judge.lending import Lender
from pytest_kernelfalcon.session import INHERITED, Session

TOGETHER = ("::accept", "::compose")
"""The ends of the node ids of items that one worker does best; a problem's seeds race on several."""
UNUSABLE = "kernelfalcon_unusable"
"""What a worker leaves in its `workeroutput`: why no item can be run, which the user has to change first."""


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def give_up(session: pytest.Session, text: str) -> None:
    """Ends the run as wrong usage: no item can be run.

    A worker that just left would take its items with it, which pytest-xdist reports as an error of its own; so there
    this returns, and the controller ends the run. The caller ends its item.
    """
    if not is_worker(session.config):
        _exit(text)
    session.config.workeroutput[UNUSABLE] = text  # type: ignore[attr-defined]
    session.shouldstop = text


def _exit(text: str) -> NoReturn:
    pytest.exit(text, returncode=pytest.ExitCode.USAGE_ERROR)


class Workers:
    """The controller's part."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lender: Lender | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """https://pytest-xdist.readthedocs.io/en/stable/how-to.html#creating-one-fixture-for-all-workers"""
        run = self.session.run
        changes = self.session.changes and self.session.changes.to_json()
        node.workerinput[INHERITED] = {"root": str(run.root), "run_id": run.run_id, "changes": changes}
        if _is_alike(node.gateway.spec):
            self.lender = self.lender or Lender(self.session.options.sandbox)
            node.workerinput[INHERITED]["offer"] = asdict(self.lender.offer)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Instead of `--dist=load`, which deals out items one by one: `compose` would wait on one worker for what
        `accept` does on another. A worker that gets both helps with the seeds that no other has taken.
        """
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import LoadScopeScheduling

        class ByProblem(LoadScopeScheduling):  # type: ignore[misc]
            def _split_scope(self, nodeid: str) -> str:
                return nodeid.split("::")[0] if nodeid.endswith(TOGETHER) else nodeid

        return ByProblem(config, log)

    def pytest_runtest_logstart(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logstart

        A controller runs nothing itself; it ends last.
        """
        if self.session.run.path.is_dir():
            self.session.take_part()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended: `error` is None unless it died."""
        text = getattr(node, "workeroutput", {}).get(UNUSABLE)
        if text is not None:
            _exit(text)

    def pytest_unconfigure(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_unconfigure"""
        if self.lender is not None:
            self.lender.close()


def _is_alike(spec: Any) -> bool:
    """Whether a worker is a process of this machine with this Python: only then may it use our zygotes."""
    return bool(spec.popen) and not (spec.python or spec.chdir or spec.via or spec.ssh)
