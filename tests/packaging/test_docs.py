"""The README's tables say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.verdict import EXIT_CODES
from pytest_kernelfalcon.options import PREFIX, TABLE, Option

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    after = README.split(f"{heading}\n", 1)[1]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines is not None
    return [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in lines.group().splitlines()[2:]]


def _name(option: Option) -> str:
    return option.flag.removeprefix(PREFIX)


def test_every_option_is_listed_with_its_default() -> None:
    listed = {cells[0].strip("`").split()[0]: cells[1] for cells in rows("### Options")}
    assert list(listed) and sorted(listed) == sorted(_name(option) for option in TABLE)
    for option in TABLE:
        if option.metavar and option.default:
            assert listed[_name(option)].strip("`") == option.default


def test_every_outcome_is_listed_with_its_exit_code() -> None:
    listed = {int(cells[0]): cells[1] for cells in rows("### Verify one kernel")}
    for outcome, code in EXIT_CODES.items():
        assert f"*{outcome}*" in listed[code]


def test_the_page_of_verdicts_is_made_of_the_catalogue() -> None:
    docs = Path(__file__).parents[2] / "docs"
    made = runpy.run_path(str(docs / "verdicts.py"))["page"]
    text = (docs / "verdicts.md").read_text(encoding="utf-8")
    assert made(text) == text, "run: python docs/verdicts.py"
    for cause in Cause:
        assert text.count(f"| `{cause}` | {cause.outcome} |") == 1
