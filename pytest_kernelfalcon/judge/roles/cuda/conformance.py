"""Role `cuda.conformance`: the accepted module used for real on a GPU. PYTEST_DONT_REWRITE

See judge/roles/conforming/session.py for what it is asked and answers. CUDA is started after the fork; the only inputs
that it is ever given a descriptor of are those of its request.
"""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.judge.roles import tracer
from pytest_kernelfalcon.judge.roles.conforming import session
from pytest_kernelfalcon.judge.roles.conforming.device import Gpu
from pytest_kernelfalcon.judge.wire import Channel


def preload() -> None:
    tracer.preload()


def serve(channel: Channel, job: dict[str, Any]) -> None:
    session.serve(channel, job, Gpu())
