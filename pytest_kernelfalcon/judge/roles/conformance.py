"""Role `conformance`: the accepted module used for real, where there is no GPU. PYTEST_DONT_REWRITE

See judge/roles/conforming/session.py for what it is asked and answers.
"""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.judge.roles import tracer
from pytest_kernelfalcon.judge.roles.conforming import session
from pytest_kernelfalcon.judge.roles.conforming.host import Host
from pytest_kernelfalcon.judge.wire import Channel


def preload() -> None:
    tracer.preload()


def serve(channel: Channel, job: dict[str, Any]) -> None:
    session.serve(channel, job, Host())
