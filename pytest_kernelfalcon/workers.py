"""pytest-xdist: workers take part in the controller's run and share its zygotes; the controller ends them all.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NoReturn

import pytest

from pytest_kernelfalcon.hosts import Beacon, bound_restarts, check_arguments, not_started
from pytest_kernelfalcon.idle import IDLES
from pytest_kernelfalcon.judge.lending import Lender
from pytest_kernelfalcon.session import INHERITED, Session

DIST = "load"
"""The way to distribute items that is ours; xdist's others stay its own."""
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


class Places:
    """Numbers of workers, for each machine from 0: the smallest free one, so that who stands in for a worker that died
    has its place. Devices are dealt out by them.
    """

    def __init__(self) -> None:
        self._taken: dict[str, list[str | None]] = {}

    def take(self, spec: Any, worker: str) -> int:
        taken = self._taken.setdefault(_machine(spec), [])
        if None not in taken:
            taken.append(None)
        place = taken.index(None)
        taken[place] = worker
        return place

    def free(self, spec: Any, worker: str) -> None:
        taken = self._taken[_machine(spec)]
        if worker in taken:
            taken[taken.index(worker)] = None


class Workers:
    """The controller's part."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lender: Lender | None = None
        self.places = Places()
        self.beacon = Beacon(session.run, session.root)
        self.ready: set[str] = set()

    def pytest_configure(self, config: pytest.Config) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_configure"""
        if not is_worker(config):
            bound_restarts(config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: Sequence[Any]) -> None:
        check_arguments(config, specs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """https://pytest-xdist.readthedocs.io/en/stable/how-to.html#creating-one-fixture-for-all-workers"""
        run = self.session.run
        node.workerinput[INHERITED] = {
            "root": str(run.root),
            "run_id": run.run_id,
            "changes": self.session.changes and self.session.changes.to_json(),
            "place": self.places.take(node.gateway.spec, node.gateway.id),
            IDLES: node.config.getoption("dist") == DIST,
        }
        if _is_alike(node.gateway.spec):
            self.lender = self.lender or Lender(self.session.options.sandbox)
            node.workerinput[INHERITED]["offer"] = asdict(self.lender.offer)
        else:
            node.workerinput[INHERITED] |= self.beacon.told()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        self.ready.add(node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """https://pytest-xdist.readthedocs.io/en/stable/distribution.html: ours for `--dist load`."""
        if config.getoption("dist") != DIST:
            return None
        from pytest_kernelfalcon.scheduler import RaceScheduling

        scheduler = RaceScheduling(config, log)
        config.pluginmanager.register(scheduler, "kernelfalcon-scheduler")
        return scheduler

    def pytest_runtest_logstart(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logstart

        A controller runs nothing itself; it ends last.
        """
        if self.session.run.path.is_dir():
            self.session.take_part()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended: `error` is None unless it died. First of all: xdist shows the whole traceback."""
        self.places.free(node.gateway.spec, node.gateway.id)
        text = getattr(node, "workeroutput", {}).get(UNUSABLE)
        if text is not None:
            _exit(text)
        if node.gateway.id not in self.ready and _raised(error):  # and would again
            _exit(not_started(node.gateway.spec, node.gateway.id, error))

    def pytest_unconfigure(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_unconfigure"""
        self.beacon.close()
        if self.lender is not None:
            self.lender.close()


def _machine(spec: Any) -> str:
    """What tells the machines of workers apart; empty for this one."""
    return str(spec.ssh or spec.vagrant_ssh or spec.socket or spec.via or "")


def _raised(error: object) -> bool:
    """Whether the worker's own Python said why it ended; else it was killed, and another may live."""
    from execnet import RemoteError

    return isinstance(error, RemoteError)


def _is_alike(spec: Any) -> bool:
    """Whether a worker is a process of this machine with this Python: only then may it use our zygotes."""
    return bool(spec.popen) and not (spec.python or spec.chdir or spec.via or spec.ssh)
