"""Cases: the sizes and draws that a candidate is tried on. hypothesis draws them, and shrinks one that fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_kernelfalcon.contracts.contract import Sizes

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DRAWS = 64


@dataclass(frozen=True)
class Case:
    """One call. sizes: sorted (name, value) pairs. draw: tells apart the values drawn at the same sizes."""

    sizes: tuple[tuple[str, int], ...]
    draw: int = 0

    @classmethod
    def of(cls, sizes: Sizes, draw: int = 0) -> Case:
        return cls(tuple(sorted(sizes.items())), draw)

    def to_json(self) -> dict[str, Any]:
        """The verdict's `case`: structure only, no seed."""
        return {"sizes": dict(self.sizes), "dtypes": "declared", "strides": "declared", "values": "drawn"}

    def seed(self, secret: bytes) -> int:
        """The seed of its values: not to be known without the judge's secret, which changes with every verdict."""
        text = json.dumps([self.sizes, self.draw]).encode()
        return int.from_bytes(hmac.digest(secret, text, hashlib.sha256)[:7], "big")


def varied(base: Sizes, admitted: dict[str, list[int]]) -> SearchStrategy[Case]:
    """Cases around `base`: each data size at one of its admitted values, the smallest drawn first when shrinking."""
    from hypothesis import strategies as st

    choices = {name: st.sampled_from(sorted(set(values))) for name, values in admitted.items()}
    fixed = {name: value for name, value in base.items() if name not in choices}
    drawn = st.fixed_dictionaries(choices)
    return st.builds(lambda sizes, draw: Case.of(fixed | sizes, draw), drawn, st.integers(1, DRAWS))


def find_failing(cases: SearchStrategy[Case], fails: Callable[[Case], bool], count: int) -> Case | None:
    """The simplest case that `fails`, of at most `count` drawn (more while shrinking); None if all pass."""
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NoSuchExample

    chosen = settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        with _no_trace():
            return find(cases, fails, settings=chosen)
    except NoSuchExample:
        return None


@contextmanager
def _no_trace() -> Iterator[None]:
    """hypothesis notes constants of loaded modules in a folder where the process was started: not in a user's tree."""
    from hypothesis import configuration

    before = configuration.storage_directory(intent_to_write=False).home_directory
    with tempfile.TemporaryDirectory(prefix="kernelfalcon-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
