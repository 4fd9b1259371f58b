"""Role `cuda.conformance`: the accepted module used for real on a GPU. PYTEST_DONT_REWRITE

See judge/roles/conforming/session.py for what it is asked and answers. CUDA is started after the fork; the only inputs
that it is ever given a descriptor of are those of its request.
"""

from __future__ import annotations

import os
from typing import Any

from pytest_kernelfalcon.judge.roles import tracer
from pytest_kernelfalcon.judge.roles.conforming import session
from pytest_kernelfalcon.judge.roles.conforming.device import Gpu
from pytest_kernelfalcon.judge.wire import Channel

WITHOUT_CUDA = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""Lets `torch.cuda.is_available()` ask the driver's library instead of starting CUDA."""


def preload() -> None:
    """What is loaded here must not start CUDA: its driver would be of no use to a fork."""
    os.environ[WITHOUT_CUDA] = "1"
    tracer.preload()
    del os.environ[WITHOUT_CUDA]


def serve(channel: Channel, job: dict[str, Any]) -> None:
    session.serve(channel, job, Gpu())
