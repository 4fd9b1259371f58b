"""`python -m pytest_kernelfalcon generate FILE` or `generate -d "in words"`: `generate_kernel` for a terminal."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pytest_kernelfalcon.generating.api import generate_kernel
from pytest_kernelfalcon.generating.result import DECLINED, CannotGenerate, Generated, RunFailed
from pytest_kernelfalcon.generating.settings import NAMES
from pytest_kernelfalcon.judge.verdict import EXIT_CODES
from pytest_kernelfalcon.options import PREFIX

NO_KERNEL, FAILED, INTERRUPTED = 1, 3, 130


def add_parser(commands: Any) -> None:
    """The subcommand `generate`, with every option of a run."""
    command = commands.add_parser(
        "generate",
        help="search a kernel for one problem, or for a description in words",
        description="Search a kernel for FILE, or for a problem that a model drafts from WORDS. Exits 0 where there is "
        "one, 1 where none was found or the draft was declined, 2 on a broken problem or wrong usage, 3 undecided or "
        "failed.",
    )
    command.add_argument("problem", metavar="FILE", nargs="?", help="a file with Model, get_inputs, get_init_inputs")
    command.add_argument(
        "-d", "--description", metavar="WORDS", help="the computation in words, with shapes and dtypes"
    )
    command.add_argument("-n", "--workers", metavar="N", help="processes that share the search")
    command.add_argument("-y", "--yes", action="store_true", help="try kernels for a draft without asking")
    command.add_argument("--folder", metavar="DIR", help="where .fuse lies (default: the current folder)")
    for name, option in NAMES.items():
        kind: dict[str, Any] = (
            {"metavar": option.metavar} if option.metavar else {"action": "store_true", "default": None}
        )
        command.add_argument(f"--{option.flag.removeprefix(PREFIX)}", dest=name, help=option.help, **kind)


def run(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """What the subcommand does; returns its exit code."""
    options = {name: getattr(given, name) for name in NAMES}
    own = {name: getattr(given, name) for name in ("problem", "description", "workers", "folder")}
    try:
        found = generate_kernel(**own, **options, confirm=None if given.yes else _confirmed)
    except CannotGenerate as error:
        parser.error(str(error))
    except RunFailed as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    print(f"\n{found}" if not found.ok else f"\n{found.kernel}")
    return _code(found)


def _confirmed(text: str) -> bool:
    """Asks the terminal; where there is none, nobody has seen the draft."""
    try:
        return input("Try kernels for this problem? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _code(found: Generated) -> int:
    if found.outcome in ("no_kernel", DECLINED):
        return NO_KERNEL
    return next((code for outcome, code in EXIT_CODES.items() if outcome == found.outcome), FAILED)
