"""Role `cuda.reference`: inputs, eager outputs and fp64 truth of one problem on a GPU. PYTEST_DONT_REWRITE

As on the CPU (judge/roles/reference.py), whose messages it speaks. Inputs are drawn on the device; fp32 is fp32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles.broken import Broken
from pytest_kernelfalcon.judge.roles.cuda.blobs import Device
from pytest_kernelfalcon.judge.roles.cuda.memory import OutOfMemory
from pytest_kernelfalcon.judge.roles.reference import Reference, answer
from pytest_kernelfalcon.judge.wire import Channel


def serve(channel: Channel, job: dict[str, Any]) -> None:
    answer(channel, DeviceReference(Device()))


class DeviceReference(Reference):
    """The device's memory may not suffice."""

    def case(self, *given: Any, **named: Any) -> tuple[dict[str, Any], list[int]]:
        with self._within_memory():
            return super().case(*given, **named)

    def leeway(self, *given: Any, **named: Any) -> tuple[dict[str, Any], list[int]]:
        with self._within_memory():
            return super().leeway(*given, **named)

    @contextmanager
    def _within_memory(self) -> Iterator[None]:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        except (OutOfMemory, torch.OutOfMemoryError):
            raise Broken(Cause.PROBLEM_MEMORY, detail="drawing inputs and expected values") from None
        finally:
            self.place.rest()
