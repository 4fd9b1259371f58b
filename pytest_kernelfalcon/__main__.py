"""`python -m pytest_kernelfalcon`: `verify` gives one verdict, `bake` writes a module; without pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_kernelfalcon import baking, verdict_text
from pytest_kernelfalcon.contracts.causes import Cause, ProblemError, explain, fix
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import EXIT_CODES, JudgeError, Verdict
from pytest_kernelfalcon.options import SANDBOXES, Sandbox
from pytest_kernelfalcon.store.files import to_json

JUDGE_FAILED, USAGE, INTERRUPTED = 3, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for path in (given.problem, given.kernel):
        if not path.is_file():
            parser.error(f"{str(path)!r} is not a file")
    if given.command == "bake":
        return baking.run(given, parser)
    try:
        verdict, source = verify(given.problem, given.kernel, given.platform, given.sandbox)
    except Unavailable as error:
        parser.error(str(error))
    except JudgeError as error:
        print(f"the judge failed, which says nothing about the kernel: {error}", file=sys.stderr)
        return JUDGE_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    about = given.problem if verdict.outcome in ("broken", "inadmissible") else given.kernel
    print(to_json(verdict.to_json()) if given.json else verdict_text.render(verdict, source, str(about)))
    return EXIT_CODES[verdict.outcome]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_kernelfalcon")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "verify",
        help="judge one kernel",
        description="Judge KERNEL as a kernel for PROBLEM. Exits 0 accepted or specialised, 1 refused, "
        "2 broken or inadmissible problem or wrong usage, 3 undecided or the judge failed.",
    )
    command.add_argument("problem", metavar="PROBLEM", type=Path, help="a file with Model, get_inputs, get_init_inputs")
    command.add_argument("kernel", metavar="KERNEL", type=Path, help="a file with kernel_function(*inputs, **state)")
    command.add_argument("--json", action="store_true", help="print the verdict as JSON")
    command.add_argument("--platform", choices=("auto", "cpu", "cuda"), default="auto")
    command.add_argument("--sandbox", choices=SANDBOXES, default="auto")
    baking.add_parser(commands)
    return parser


def verify(problem: Path, kernel: Path, platform: str, sandbox: Sandbox) -> tuple[Verdict, str]:
    """The verdict of the accept gate, and the text that its lines are of.

    Raises `Unavailable` where platform or sandbox cannot be had, `JudgeError` where the judge itself fails.
    """
    try:
        loaded = Problem.load(problem)
    except ProblemError as error:
        return _of_problem(error), ""
    try:
        source = kernel.read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return _unreadable(error), ""
    with Judge(platform, sandbox) as judge:
        try:
            contract = judge.inspect(loaded, Control())
            return judge.judge(contract, source, "accept", Control()), source
        except ProblemError as error:
            return _of_problem(error), loaded.text


def _of_problem(error: ProblemError) -> Verdict:
    where = {"file": error.path, "line": error.line, "program": None} if error.line else None
    return Verdict(
        error.outcome, "problem", cause=str(error.cause), message=error.text, fix=fix(error.cause), where=where
    )


def _unreadable(error: UnicodeDecodeError) -> Verdict:
    cause = Cause.SOURCE_UNREADABLE
    return Verdict("refused", "parse", cause=str(cause), message=explain(cause, detail=str(error)), fix=fix(cause))


if __name__ == "__main__":
    sys.exit(main())
