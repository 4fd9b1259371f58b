"""The markers of problem items, for `-m`. Their arguments are named ones, which `-m` can compare.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import re

import pytest

from pytest_kernelfalcon.fixtures import WORK

TEXTS = (
    "kernelfalcon_item(number, kept): of a problem: the number its name begins with; its kernel, fresh|stale|missing",
    "kernelfalcon_seed(number): a search for a kernel",
    "kernelfalcon_accept: the full gate for a subgraph's kernel",
    "kernelfalcon_compose: the whole problem, or a file that is none",
    "level(n): the items of a problem in a folder level<n>",
)
LEVEL = re.compile(r"level(\d+)")
NUMBER = re.compile(r"(\d+)")


def register(config: pytest.Config) -> None:
    for text in TEXTS:
        config.addinivalue_line("markers", text)


def mark_problem(file: pytest.Module, kept: str) -> None:
    """What all items of the file have."""
    file.add_marker(pytest.mark.kernelfalcon_item(number=_number(NUMBER.match(file.path.name)), kept=kept))
    levels = (_number(LEVEL.fullmatch(folder.name)) for folder in file.path.parents)
    if (level := next((level for level in levels if level is not None), None)) is not None:
        file.add_marker(pytest.mark.level(n=level))


def mark_step(item: pytest.Function, function: str) -> None:
    match function:
        case "seed":
            item.add_marker(pytest.mark.kernelfalcon_seed(number=item.callspec.params[WORK]))
        case "accept":
            item.add_marker(pytest.mark.kernelfalcon_accept)
        case _:
            item.add_marker(pytest.mark.kernelfalcon_compose)


def _number(found: re.Match[str] | None) -> int | None:
    return int(found[1]) if found else None
