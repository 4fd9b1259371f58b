"""Damaged candidates before the judge: it must never crash, and accept none whose meaning the damage changed.

    python -m benchmarks.fuzz --count 2000 --seed 7 --out survivors

Takes the kept kernels of problems/, damages each in a random way and judges it. What is accepted though its program is
another one is printed, and written to --out, to be explained by hand: some damage leaves a right kernel (a larger
block, one warp more). The exit code is 1 where the judge failed.
"""

from __future__ import annotations

import argparse
import ast
import io
import random
import sys
import time
import tokenize
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.figures import ROOT, machine
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

Damage = Callable[[random.Random, str], str]
ODD = [
    "\0",
    "\r",
    "\f",
    "\v",
    "\x1b",
    "\ufeff",
    "\u202e",
    "\u2028",
    "\ud800",
    "\U0001f9ff",
    "ｌ",
    "µ",
    "\t",
    "\\",
    '"""',
]
"""What Python, editors and terminals read in their own ways."""
HINTS = frozenset(("num_warps", "num_stages", "maxnreg"))
"""Launch options that change no result."""


def kernels() -> list[tuple[Path, Path]]:
    """Every problem that has a kept kernel, with it."""
    found = sorted((ROOT / "problems").glob("*/__kernels__/*.py"))
    return [(kernel.parents[1] / kernel.name, kernel) for kernel in found]


# damages


def flip(source: random.Random, text: str) -> str:
    """One to eight characters become others, mostly by a single bit."""
    characters = list(text)
    for _ in range(source.randint(1, 8)):
        at = source.randrange(len(characters))
        flipped = ord(characters[at]) ^ (1 << source.randrange(7))
        characters[at] = source.choice([chr(flipped), source.choice(ODD), chr(source.randrange(0x250))])
    return "".join(characters)


def truncate(source: random.Random, text: str) -> str:
    return text[: source.randrange(len(text))]


def insert(source: random.Random, text: str) -> str:
    at = source.randrange(len(text))
    return text[:at] + "".join(source.choices(ODD, k=source.randint(1, 4))) + text[at:]


def swap_tokens(source: random.Random, text: str) -> str:
    """Two tokens change places."""
    lines = text.splitlines(keepends=True)
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.string.strip()]
    plain = [token for token in tokens if token.start[0] == token.end[0] and token.type != tokenize.COMMENT]
    one, other = sorted(source.sample(plain, 2), key=lambda token: token.start)
    for token, new in ((other, one.string), (one, other.string)):
        row = token.start[0] - 1
        lines[row] = lines[row][: token.start[1]] + new + lines[row][token.end[1] :]
    return "".join(lines)


def shuffle_lines(source: random.Random, text: str) -> str:
    """Some neighbouring lines in another order."""
    lines = text.split("\n")
    start = source.randrange(len(lines) - 2)
    end = min(len(lines), start + source.randint(2, 12))
    part = lines[start:end]
    source.shuffle(part)
    return "\n".join([*lines[:start], *part, *lines[end:]])


def drop_lines(source: random.Random, text: str) -> str:
    lines = text.split("\n")
    start = source.randrange(len(lines))
    del lines[start : start + source.randint(1, 3)]
    return "\n".join(lines)


def repeat_lines(source: random.Random, text: str) -> str:
    lines = text.split("\n")
    start = source.randrange(len(lines))
    end = start + source.randint(1, 40)
    return "\n".join([*lines[:end], *lines[start:end], *lines[end:]])


def splice(source: random.Random, text: str) -> str:
    """The first part of one kernel and the last of another."""
    other = source.choice(kernels())[1].read_text()
    return text[: source.randrange(len(text))] + other[source.randrange(len(other)) :]


def nest(source: random.Random, text: str) -> str:
    """Something that is nested, or long, past what a parser takes."""
    deep = source.choice([50, 250, 3_000, 90_000])
    grown = source.choice(
        ["(" * deep + "1" + ")" * deep, "[" * deep + "]" * deep, "-" * deep + "1", "1" + "+1" * deep, "9" * deep]
    )
    lines = text.split("\n")
    bodies = [number for number, line in enumerate(lines) if line.startswith("    ") and line.rstrip().endswith(")")]
    at = source.choice(bodies) if bodies else len(lines) - 1
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines.insert(at + 1, f"{indent}nested = {grown}")
    return "\n".join(lines)


def swell(source: random.Random, text: str) -> str:
    """A file that is too long."""
    return text + source.choice(["\n# " + "x" * 500_000, "\nX = " + repr("é" * 300_000), "\nx = 1" * 90_000])


DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        flip,
        truncate,
        insert,
        swap_tokens,
        shuffle_lines,
        drop_lines,
        repeat_lines,
        splice,
        nest,
        swell,
    )
}


# meaning


class _Plain(ast.NodeTransformer):
    """Leaves out what no result hangs on: docstrings, bare constants, texts of errors, launch hints, and the variable
    that `nest` adds.
    """

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if ast.unparse(node.targets[0]) == "nested" else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.Raise(None, None)

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        return None if node.arg in HINTS else self.generic_visit(node)


def meaning(text: str) -> str | None:
    """Equal for two texts of the same program; None for what is none."""
    try:
        return ast.dump(_Plain().visit(ast.parse(text.removeprefix("\ufeff"))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# judging


@dataclass
class Fuzz:
    """Judges damaged kernels. crashes: how the judge failed, by the candidate. survivors: accepted, but changed."""

    judge: Judge
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashes: list[tuple[str, str]] = field(default_factory=list)
    survivors: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.contract = cache(self._contract)

    def _contract(self, problem: Path) -> Contract:
        return self.judge.inspect(Problem(str(problem), problem.read_text()), Control())

    def once(self, problem: Path, kernel: str, damage: str, source: random.Random) -> Verdict | None:
        """The verdict on one damaged kernel; None where the judge failed."""
        text = DAMAGES[damage](source, kernel)
        contract = self.contract(problem)
        try:
            verdict = self.judge.judge(contract, text, "seed", Control().within(120))
            repr(verdict.to_json()).encode()  # a verdict is printed and kept: no half characters in it
        except Exception:
            self.outcomes[damage, "the judge failed"] += 1
            self.crashes.append((text, traceback.format_exc()))
            return None
        self.outcomes[damage, verdict.cause or verdict.outcome] += 1
        if verdict.ok and meaning(text) != meaning(kernel):
            self.survivors.append((text, f"{problem.stem} {damage}"))
        return verdict


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="candidates (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--damage", choices=list(DAMAGES), action="append", help="only these kinds")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write survivors and what the judge failed on")
    options = parser.parse_args()
    start = time.monotonic()
    with Judge("cpu") as judge:
        fuzz = Fuzz(judge)
        for number in range(options.count):
            source = random.Random(f"{options.seed} {number}")
            problem, kernel = source.choice(kernels())
            fuzz.once(problem, kernel.read_text(), source.choice(options.damage or list(DAMAGES)), source)
    _report(fuzz, options.out)
    print(f"{options.count} candidates in {time.monotonic() - start:.0f} s on {machine()}")
    return 1 if fuzz.crashes else 0


def _report(fuzz: Fuzz, out: Path | None) -> None:
    for (damage, outcome), count in sorted(fuzz.outcomes.items()):
        print(f"{count:6}  {damage:14} {outcome}")
    for kind, found in (("crash", fuzz.crashes), ("survivor", fuzz.survivors)):
        print(f"{len(found)} {kind}s")
        for number, (text, why) in enumerate(found):
            print(f"--- {kind} {number}: {why}")
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{kind}{number}.py").write_text(text, errors="surrogatepass")


if __name__ == "__main__":
    sys.exit(main())
