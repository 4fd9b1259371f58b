"""Cases: the sizes, types, strides and values that a candidate is tried on. hypothesis draws them, shrinks one that
fails, and keeps its structure, so that the next candidate meets it first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.contracts.variants import DECLARED, DRAWN, Variants

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DRAWS = 64


@dataclass(frozen=True)
class Case:
    """One call. sizes: sorted (name, value) pairs. draw: tells apart the values drawn at the same sizes.

    dtype, strides, values: see `contracts.variants`.
    """

    sizes: tuple[tuple[str, int], ...]
    draw: int = 0
    dtype: str = DECLARED
    strides: str = DECLARED
    values: str = DRAWN

    @classmethod
    def of(cls, sizes: Sizes, draw: int = 0, **variant: str) -> Case:
        return cls(tuple(sorted(sizes.items())), draw, **variant)

    @property
    def plain(self) -> bool:
        """Whether all but its sizes is the problem's own."""
        return (self.dtype, self.strides, self.values) == (DECLARED, DECLARED, DRAWN)

    @property
    def kind(self) -> str:
        """Cases among which eager's errors may be compared: the same types and kinds of values."""
        return f"{self.dtype}, {self.values}"

    def to_json(self) -> dict[str, Any]:
        """The verdict's `case`: structure only, no seed."""
        return {"sizes": dict(self.sizes), "dtypes": self.dtype, "strides": self.strides, "values": self.values}

    def seed(self, secret: bytes) -> int:
        """The seed of its values: not to be known without the judge's secret, which changes with every verdict."""
        text = json.dumps([self.sizes, self.draw, self.dtype, self.strides, self.values]).encode()
        return int.from_bytes(hmac.digest(secret, text, hashlib.sha256)[:7], "big")


def single(base: Sizes, variants: Variants) -> list[Case]:
    """Every variant of the problem alone, the simplest first; the stretched forms in each type too."""
    cases = [Case.of(base, 1, values=kind) for kind in variants.values]
    cases += [Case.of(base, 1, strides=layout) for layout in variants.strides]
    cases += [Case.of(base, 1, dtype=dtype) for dtype in variants.dtypes]
    cases += [Case.of(sizes, 1) for sizes in variants.stretched]
    return cases + [Case.of(sizes, 1, dtype=dtype) for sizes in variants.stretched for dtype in variants.dtypes]


def varied(base: Sizes, admitted: dict[str, list[int]], variants: Variants) -> SearchStrategy[Case]:
    """Cases around `base`: each data size at one of its admitted values, with a layout, and either another type or
    adversarial values: together they overflow. The smallest sizes, and what is the problem's own, are the simplest.
    """
    from hypothesis import strategies as st

    choices = {name: st.sampled_from(sorted(set(values))) for name, values in admitted.items()}
    fixed = {name: value for name, value in base.items() if name not in choices}
    others = [{}, *({"dtype": name} for name in variants.dtypes), *({"values": name} for name in variants.values)]

    def build(sizes: Sizes, draw: int, strides: str, other: dict[str, str]) -> Case:
        return Case.of(fixed | sizes, draw, strides=strides, **other)

    layouts = st.sampled_from([DECLARED, *variants.strides])
    return st.builds(build, st.fixed_dictionaries(choices), st.integers(1, DRAWS), layouts, st.sampled_from(others))


@dataclass(frozen=True)
class Memory:
    """Where the structures of failing cases are kept: a folder, or None, and what tells one search from another."""

    folder: Path | None
    key: str


def find_failing(cases: SearchStrategy[Case], fails: Callable[[Case], bool], count: int, memory: Memory) -> Case | None:
    """The simplest case that `fails`, of at most `count` drawn (more while shrinking); None if all pass.

    What failed before is tried first, and forgotten once it passes.
    """
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.database import DirectoryBasedExampleDatabase
    from hypothesis.errors import NoSuchExample

    chosen = settings(
        max_examples=count,
        database=DirectoryBasedExampleDatabase(memory.folder) if memory.folder else None,
        derandomize=False,
        deadline=None,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        with _no_trace():
            return find(cases, fails, settings=chosen, database_key=memory.key.encode())
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
