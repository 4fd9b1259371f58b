"""`python -m pytest_kernelfalcon bake PROBLEM KERNEL -o FILE`: an accepted kernel without its author's Python."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from pytest_kernelfalcon import github
from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.baking import NotBakeable
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import EXIT_CODES, JudgeError, Verdict
from pytest_kernelfalcon.options import SANDBOXES
from pytest_kernelfalcon.store.files import write
from pytest_kernelfalcon.store.kept import unwritable

WIDTH = 88
NOT_BAKED, JUDGE_FAILED, INTERRUPTED = 1, 3, 130


@dataclass(frozen=True)
class Baked:
    """verdict: of the module where it was baked, else of the kernel. text: the module, None where there is none."""

    verdict: Verdict
    text: str | None


def bake(judge: Judge, problem: Problem, name: str, source: str) -> Baked:
    """Judge the kernel, bake it, and judge what was baked. name: the kernel's file.

    Raises `ProblemError`, `NotBakeable`, and `JudgeError` where the module does not do what the kernel does.
    """
    control = Control()
    contract = judge.inspect(problem, control)
    verdict = judge.judge(contract, source, "accept", control)
    if not verdict.ok:
        return Baked(verdict, None)
    text = judge.bake(contract, source, _title(problem, name, verdict), control)
    if detail := judge.difference(contract, source, text, control):
        raise JudgeError(f"the baked module does not do what the kernel does: {detail}")
    return Baked(_again(judge, contract, text, control), text)


def _again(judge: Judge, contract: Contract, text: str, control: Control) -> Verdict:
    """The verdict on the module. Where only other sizes can be run here than those that it serves, that its plan is
    the accepted kernel's, message by message, stands for the run.
    """
    verdict = judge.judge(contract, text, "accept", control)
    if not verdict.ok and verdict.cause != Cause.UNSUPPORTED_SHRUNK:
        raise JudgeError(f"the baked module is {verdict.outcome} (stage {verdict.stage}): {verdict.message}")
    return verdict


def _title(problem: Problem, name: str, verdict: Verdict) -> str:
    """The module's docstring."""
    versions = ", ".join(f"{what} {version}" for what, version in verdict.versions.items())
    about = (
        f"Baked from {Path(name).name}, a kernel for {Path(problem.path).name}: the launches that it makes at the "
        "problem's own sizes, one after the other, and nothing else of it. Other sizes, strides and types are refused "
        "with a ValueError."
    )
    return (
        f"Kernel of {Path(problem.path).name}, baked for its own sizes.\n\n{fill(about, WIDTH)}\n\n"
        f"problem sha256: {verdict.problem_sha256}\nkernel sha256: {verdict.kernel_sha256}\n"
        f"judged: {verdict.outcome} on {verdict.platform} by judge {verdict.judge} ({versions})\n"
    )


def add_parser(commands: Any) -> None:
    """The subcommand `bake`."""
    command = commands.add_parser(
        "bake",
        help="write an accepted kernel as a module for the problem's own sizes",
        description="Judge KERNEL as a kernel for PROBLEM and write its launches at the problem's own sizes as a "
        "module that holds no other Python of its author's, judged again. Exits as `verify` does, and 1 where an "
        "accepted kernel cannot be baked.",
    )
    command.add_argument("problem", metavar="PROBLEM", type=Path, help="a file with Model, get_inputs, get_init_inputs")
    command.add_argument("kernel", metavar="KERNEL", type=Path, help="a file with kernel_function(*inputs, **state)")
    command.add_argument("-o", dest="output", metavar="FILE", type=Path, required=True, help="where the module goes")
    command.add_argument("--force", action="store_true", help="replace FILE")
    command.add_argument("--platform", choices=("auto", "cpu", "cuda"), default="auto")
    command.add_argument("--sandbox", choices=SANDBOXES, default="auto")


def run(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """What the subcommand does; returns its exit code."""
    if given.output.exists() and not given.force:
        parser.error(f"{str(given.output)!r} is there already. Fix: name another file, or give --force")
    if blocked := unwritable(given.output.parent):
        parser.error(f"{str(given.output)!r} cannot be written: {blocked} is not writable")
    try:
        problem = Problem.load(given.problem)
        source = given.kernel.read_bytes().decode().replace("\r\n", "\n")
        with Judge(given.platform, given.sandbox) as judge:
            made = bake(judge, problem, str(given.kernel), source)
    except Unavailable as error:
        parser.error(str(error))
    except ProblemError as error:
        return _say(str(error), EXIT_CODES[error.outcome])
    except UnicodeDecodeError as error:
        return _say(f"{given.kernel}: is no UTF-8 text: {error}", EXIT_CODES["refused"])
    except NotBakeable as error:
        return _say(f"{given.kernel}: accepted, but cannot be baked: {error}", NOT_BAKED)
    except JudgeError as error:
        return _say(f"the judge failed, which says nothing about the kernel: {error}", JUDGE_FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    if made.text is None:
        print(github.guard(verdict_text.render(made.verdict, source, str(given.kernel))))
        return EXIT_CODES[made.verdict.outcome]
    write(given.output, made.text)
    print(f"baked: {given.output} makes the launches that {given.kernel} makes")
    return 0


def _say(text: str, code: int) -> int:
    print(github.guard(text), file=sys.stderr)
    return code
