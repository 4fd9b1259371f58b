"""Role `cuda.comparer`: the comparer, where kernel's bytes and expected ones lie on a GPU. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.judge.roles.comparer import answer
from pytest_kernelfalcon.judge.roles.cuda.blobs import Device
from pytest_kernelfalcon.judge.wire import Channel


def serve(channel: Channel, job: dict[str, Any]) -> None:
    answer(channel, Device())
