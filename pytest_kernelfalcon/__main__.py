"""`python -m pytest_kernelfalcon`: `verify` gives one verdict, `bake` writes a module, `runs` tells of past runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon import baking, github, repros, runs
from pytest_kernelfalcon.contracts.causes import Cause, ProblemError, explain, fix
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generating import command as generating
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import EXIT_CODES, JudgeError, Verdict
from pytest_kernelfalcon.options import SANDBOXES, Sandbox
from pytest_kernelfalcon.store.files import to_json
from pytest_kernelfalcon.store.rundir import NotWritableError

JUDGE_FAILED, USAGE, INTERRUPTED = 3, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command in (alone := {"runs": runs.run, "generate": generating.run}):
        return alone[given.command](given, parser)
    for path in (given.problem, given.kernel):
        if not path.is_file():
            parser.error(f"{str(path)!r} is not a file")
    if given.command == "bake":
        return baking.run(given, parser)
    if given.repro is not None and repros.foreign(given.repro):
        parser.error(f"--repro: {str(given.repro)!r} is there already, and is no repro.py. Fix: name another file")
    try:
        judged = verify(given.problem, given.kernel, given.platform, given.sandbox, given.sanitize)
    except Unavailable as error:
        parser.error(str(error))
    except JudgeError as error:
        text = f"the judge failed, which says nothing about the kernel: {error}"
        print(github.guard(text), file=sys.stderr)
        return JUDGE_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    verdict = judged.verdict
    notes = _repro(judged, given)
    about = given.problem if verdict.outcome in ("broken", "inadmissible") else given.kernel
    if given.json:
        print(github.guard_json(to_json(verdict.to_json())))
        print(*notes, sep="\n", end="\n" if notes else "", file=sys.stderr)
    else:
        print(github.guard(verdict_text.render(verdict, judged.source, str(about), *notes)))
    return EXIT_CODES[verdict.outcome]


def _repro(judged: Judged, given: argparse.Namespace) -> list[str]:
    """Writes the script that shows a refusal, and says where."""
    if judged.contract is None:
        return []
    try:
        path = given.repro or repros.default(given.problem, given.kernel)
        return repros.write(path, judged.contract, judged.verdict, judged.source)
    except (NotWritableError, OSError) as error:
        return [f"no {repros.NAME}: it cannot be written: {error}. Fix: name a file with --repro"]


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
    command.add_argument(
        "--repro",
        metavar="FILE",
        type=Path,
        help="where the script that shows a refusal is written (default: below .fuse/verify/)",
    )
    command.add_argument("--sanitize", action="store_true", help="run compute-sanitizer as well (cuda)")
    command.add_argument("--sandbox", choices=SANDBOXES, default="auto")
    baking.add_parser(commands)
    generating.add_parser(commands)
    runs.add_parser(commands)
    return parser


@dataclass(frozen=True)
class Judged:
    """source: the text that the verdict's lines are of. contract: None where the problem or the candidate is no text of
    its kind.
    """

    verdict: Verdict
    source: str = ""
    contract: Contract | None = None


def verify(problem: Path, kernel: Path, platform: str, sandbox: Sandbox, sanitize: bool = False) -> Judged:
    """The verdict of the accept gate.

    Raises `Unavailable` where platform, sandbox or compute-sanitizer cannot be had, `JudgeError` where the judge itself
    fails.
    """
    try:
        loaded = Problem.load(problem)
    except ProblemError as error:
        return Judged(_of_problem(error), _text_of(problem))
    try:
        source = kernel.read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return Judged(_unreadable(error))
    with Judge(platform, sandbox, sanitize=sanitize) as judge:
        try:
            contract = judge.inspect(loaded, Control())
            return Judged(judge.judge(contract, source, "accept", Control()), source, contract)
        except ProblemError as error:
            return Judged(_of_problem(error), loaded.text)


def _text_of(problem: Path) -> str:
    """As far as it is text: to show the line of a problem that does not load."""
    return problem.read_bytes().decode(errors="replace").replace("\r\n", "\n")


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
