"""Platforms: where kernels run. Adding one is one file and one entry in `PLATFORMS`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_kernelfalcon.contracts.contract import Contract, Sizes


class Unavailable(Exception):
    """The platform or sandbox that was asked for cannot be had here; the text says why and what to do."""


@dataclass(frozen=True)
class Form:
    """Sizes to run at. admitted: values of its data sizes to vary. declared: whether these are the problem's own."""

    sizes: Sizes
    admitted: dict[str, list[int]]
    declared: bool


class Platform(Protocol):
    """name: as on the command line. device: for reports. reference, executor, comparer: the roles that know expected
    values, run kernels, and hold the one against the other there. conformance: the role that uses an accepted module
    for real. zygotes: the kinds that are needed, see `environment`. target: the device's compute capability, where
    there is one. interpreted: whether a candidate is run in the interpreter as well, which sees what a device does not
    tell.
    """

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def reference(self) -> str: ...

    @property
    def executor(self) -> str: ...

    @property
    def comparer(self) -> str: ...

    @property
    def conformance(self) -> str: ...

    @property
    def zygotes(self) -> Sequence[str]: ...

    @property
    def target(self) -> int | None: ...

    @property
    def interpreted(self) -> bool: ...

    def forms(self, contract: Contract, programs: int) -> list[Form]:
        """What to run, given how many programs the problem's own sizes launch: those sizes where they can be run here,
        then the form whose data sizes are varied (the same one, or a smaller). None where the smaller ones tell no
        kernel from an answer that computes nothing, and its own cannot be run.
        """
        ...


def _cpu(place: int) -> Platform:
    from pytest_kernelfalcon.judge.platforms.cpu import Cpu

    return Cpu()


def _cuda(place: int) -> Platform:
    from pytest_kernelfalcon.judge.platforms.cuda import find

    return find(place)


def _cuda_environment(place: int) -> Mapping[str, str]:
    from pytest_kernelfalcon.judge.platforms.cuda import find

    return find(place).environment


PLATFORMS: dict[str, Callable[[int], Platform]] = {"cuda": _cuda, "cpu": _cpu}
"""The best first. place: of the worker, whose device it is: see `choose`."""
PLANNED = ("xpu",)
ENVIRONMENTS: dict[str, Callable[[int], Mapping[str, str]]] = {
    "plain": lambda place: {},
    "interpreted": lambda place: {"TRITON_INTERPRET": "1"},
    "cuda": _cuda_environment,
}
"""The kinds of zygotes, and what each is told beside the clean environment."""


def environment(kind: str, place: int = 0) -> dict[str, str]:
    """What a zygote of that kind is told beside the clean environment. Raises `Unavailable`."""
    return dict(ENVIRONMENTS[kind](place))


def choose(name: str, place: int = 0) -> Platform:
    """The platform of that name; `auto` is the best one that there is. Raises `Unavailable`.

    place: of several workers on this machine, the number of the one that asks: N devices are dealt out in turn.
    """
    if name == "auto":
        with contextlib.suppress(Unavailable):
            return PLATFORMS["cuda"](place)
        return PLATFORMS["cpu"](place)
    if name in PLANNED:
        raise Unavailable(f"platform {name} is not there yet; use one of: {', '.join(PLATFORMS)}")
    if name not in PLATFORMS:
        raise Unavailable(f"unknown platform {name!r}; use one of: auto, {', '.join(PLATFORMS)}")
    return PLATFORMS[name](place)
