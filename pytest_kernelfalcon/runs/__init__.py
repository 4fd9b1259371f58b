"""`python -m pytest_kernelfalcon runs list|show|replay|clean`: what past runs have left in `.fuse`."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.options import SANDBOXES

SPAN = re.compile(r"(\d{1,6})([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}
KEPT = 10
"""Runs that `clean` keeps where it is told nothing else."""


def add_parser(commands: Any) -> None:
    """The subcommand `runs`, with commands of its own."""
    command = commands.add_parser("runs", help="list, show, replay and clean past runs")
    parts = command.add_subparsers(dest="part", required=True)
    _add_list(parts)
    _add_show(parts)
    _add_replay(parts)
    _add_clean(parts)
    for part in parts.choices.values():
        part.add_argument("--fuse", metavar="DIR", type=Path, help="the folder of runs (default: the nearest .fuse)")


def _add_list(parts: Any) -> None:
    part = parts.add_parser("list", help="every run, the last one last")
    part.add_argument("--json", action="store_true", help="print them as JSON")


def _add_show(parts: Any) -> None:
    part = parts.add_parser("show", help="what became of a run's problems, seeds and rounds")
    part.add_argument("run", metavar="RUN", help="a run, the beginning of its name, or `last`")
    part.add_argument("problem", metavar="PROBLEM", nargs="?", help="this one alone")


def _add_replay(parts: Any) -> None:
    part = parts.add_parser(
        "replay",
        help="judge a run's candidates again",
        description="Judge what RUN has judged with the judge of today, and tell what it decides otherwise. No author "
        "is asked. Exits 0 where all is as it was, 1 where something differs, 2 on wrong usage, 3 where the judge "
        "failed.",
    )
    part.add_argument("run", metavar="RUN", help="a run, the beginning of its name, or `last`")
    part.add_argument("what", metavar="PROBLEM|ROUND", nargs="?", help="a problem, or a round as `seed0/round1`")
    part.add_argument("--platform", choices=("auto", "cpu", "cuda"), default="auto")
    part.add_argument("--sandbox", choices=SANDBOXES, default="auto")


def _add_clean(parts: Any) -> None:
    part = parts.add_parser(
        "clean",
        help="remove runs",
        description="Remove runs that are not in progress. With --keep and --older, those that both allow.",
    )
    part.add_argument("--keep", metavar="N", type=_count, help=f"keep the last N (default: {KEPT})")
    part.add_argument("--older", metavar="AGE", type=_span, help="only those older than AGE: 12h, 30d, 2w")
    part.add_argument("--state", action="store_true", help="remove what later runs go on from, too")
    part.add_argument("--cache", action="store_true", help="remove compile results and failing cases, too")
    part.add_argument("--dry-run", action="store_true", help="remove nothing; say what would be")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _span(text: str) -> timedelta:
    if not (found := SPAN.fullmatch(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no age. Fix: give hours, days or weeks, as in 12h, 30d, 2w")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def run(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """What the subcommand does; returns its exit code."""
    from pytest_kernelfalcon.runs import cleaning, past, replaying, showing

    try:
        root = past.find(given.fuse)
        if given.part == "list":
            return showing.list_all(root, given.json)
        if given.part == "clean":
            return cleaning.clean(root, given)
        run = past.choose(root, given.run)
        if given.part == "show":
            return showing.show(run, given.problem)
        return replaying.replay(run, given)
    except (past.NotThere, OSError) as error:
        parser.error(str(error))
