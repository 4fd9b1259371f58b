"""Three problems solved by a language model that is wrong at first, each over another wire, and what was said.

    python -m benchmarks.transcript [--prompts]

The model is the scripted one of tests/wire, at a server of this machine: its mistakes and its right kernels are written
down here. Prompts, calls, verdicts and sums are the real ones. Its tokens are counted at four characters each, and its
prices made up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_kernelfalcon import spending
from pytest_kernelfalcon.generator.llm.prompts import tokens
from pytest_kernelfalcon.store import costs, events
from tests.wire import model
from tests.wire.asking import WIRES, environment
from tests.wire.model import Asked, Model, Move, code
from tests.wire.server import wire
from tests.wire.turns import Recorded, Turn

ROOT = Path(__file__).parent.parent
MODEL = "scripted"
PRICE = "1.25/0.125/10"
"""Dollars for a million tokens: read, from a cache, written."""


@dataclass(frozen=True)
class Case:
    """problem: its path below problems/. wire: by which it is asked for. marker: a text that the problem has."""

    problem: str
    wire: str
    marker: str

    @property
    def path(self) -> Path:
        return ROOT / "problems" / f"{self.problem}.py"

    @property
    def right(self) -> str:
        return (self.path.parent / "__kernels__" / self.path.name).read_text(encoding="utf-8")

    def wrong(self, *changes: tuple[str, str]) -> str:
        """The right kernel with some lines of it changed."""
        text = self.right
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is in the kept kernel of {self.problem} {text.count(old)} times"
            text = text.replace(old, new)
        return text


SWIGLU = Case("level1/1_swiglu", "responses", "gate")
SOFTMAX = Case("level1/16_softmax_temperature", "messages", "temperature")
NORM = Case("level2/1_residual_rms_norm", "relay-chat", "residual")

UNMASKED = (
    "gate = tl.load(gate_ptr + offsets, mask=mask).to(tl.float32)",
    "gate = tl.load(gate_ptr + offsets).to(tl.float32)",
)
SQUARED = ("mul = silu * up", "mul = silu * gate")
BY_TORCH = ("    numel = out.numel()\n", "    gate = torch.nn.functional.silu(gate)\n    numel = out.numel()\n")
NO_POWER = ("BLOCK=triton.next_power_of_2(columns)", "BLOCK=columns")
NO_MAXIMUM = ("shifted = div - largest", "shifted = div")
NO_MEAN = ("mean = tl.div_rn(total, tl.cast(columns, tl.float32))", "mean = total")
ONE_OUTPUT = ("    tl.store(out_1_ptr + row * columns + column, add, mask=mask)\n", "")


def moves() -> dict[Case, Sequence[Move]]:
    return {
        SWIGLU: [
            model.limited,
            model.talking(SWIGLU.wrong(BY_TORCH, UNMASKED)),
            code(SWIGLU.wrong(SQUARED, UNMASKED)),
            model.editing(*reversed(SQUARED)),
            model.editing(*reversed(UNMASKED)),
        ],
        SOFTMAX: [
            code(SOFTMAX.wrong(NO_POWER, NO_MAXIMUM)),
            model.again,
            model.overloaded,
            model.wrongly_fenced(SOFTMAX.wrong(NO_MAXIMUM)),
            code(SOFTMAX.right),
        ],
        NORM: [
            model.gives_up,
            model.truncated,
            model.unclosed(NORM.wrong(NO_MEAN, ONE_OUTPUT)),
            code(NORM.wrong(NO_MEAN)),
            code(NORM.right),
        ],
    }


class Counting(Model):
    """Says how many tokens it read and wrote; what it has read before in the same words comes from its cache."""

    def __call__(self, request: Recorded) -> Turn:
        turn = super().__call__(request)
        asked = self.asked[-1]
        before = self.asked[-2].messages if len(self.asked) > 1 else ()
        cached = sum(tokens(text) for text in _common(before, asked))
        wrote = sum(tokens(text) for text in turn.texts)
        return replace(turn, tokens=(sum(tokens(text) for _, text in asked.messages), cached, wrote, 0))


def _common(before: Sequence[tuple[str, str]], asked: Asked) -> Iterator[str]:
    for one, other in zip(before, asked.messages, strict=False):
        if one != other:
            return
        yield one[1]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transcript",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--prompts", action="store_true", help="print a first prompt and a refinement as well")
    given = parser.parse_args()
    solved = [_solve(case, said, given.prompts and case is SWIGLU) for case, said in moves().items()]
    return 0 if all(solved) else 1


def _solve(case: Case, said: Sequence[Move], show: bool) -> bool:
    """Whether it was solved, in a run of its own."""
    author = f"{WIRES[case.wire][0]}/{MODEL}"
    script = Counting({case.marker: said})
    with tempfile.TemporaryDirectory() as name, wire(script) as server:
        folder = Path(name)
        shutil.copy(case.path, folder)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        ended = _run(folder, author, environment(case.wire, server.url))
        (record,) = folder.glob(".fuse/2*/events.jsonl")
        print(f"{case.problem} by {author}, {case.wire}")
        for line in _lines(events.read(record)):
            print(f"  {line}")
    for asked in script.asked[1:3] if show else ():  # the first of them had been refused before, and is asked again
        _show(asked)
    if ended.returncode:
        print(ended.stdout + ended.stderr)
    return ended.returncode == 0


def _run(folder: Path, author: str, address: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    options = {"author": author, "seeds": "1", "prices": f"{author}={PRICE}"}
    given = [f"--kernelfalcon-{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_kernelfalcon.plugin", "--kernelfalcon", *given, "."]
    mine = ("OPENAI_", "ANTHROPIC_", "LLM_", "KERNELFALCON_")
    values = {name: value for name, value in os.environ.items() if not name.startswith(mine) and name != "CI"}
    return subprocess.run(
        command,
        cwd=folder,
        env=values | dict(address) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def _lines(record: Sequence[dict[str, Any]]) -> Iterator[str]:
    for event in record:
        match event["event"]:
            case "call":
                used, cost = event["tokens"], event["dollars"]
                took = f"{used['input']} tokens read, {used['output']} written, {spending.money(cost)}"
                yield f"  call: {event['outcome']}" + ("" if event["estimated"] else f"; {took}")
            case "call_again":
                yield f"    {event['message']}; again after {event['wait_s']} s"
            case "unusable":
                yield f"    not usable: {event['message']}"
            case "round":
                verdict = event["verdict"]
                how = f" (seen before: {event['note']})" if event["repeated"] else f" ({event['note']})"
                says = f"{verdict['cause']}: {verdict['message']}" if verdict["cause"] else f"{verdict['cases']} cases"
                yield f"round {event['round']}{how}: {verdict['outcome']}, {says}"
            case "compose":
                yield f"composed: {event['outcome']}"
    calls = [event for event in record if event["event"] == "call"]
    took = costs.total(calls)
    assert took is not None
    yield f"in all: {spending.words(took)}; {record[-1]['time'] - record[0]['time']:.1f} s"


def _show(asked: Asked) -> None:
    count = sum(tokens(text) for _, text in asked.messages)
    print(f"\n===== a prompt of {count} tokens")
    for role, text in asked.messages:
        print(f"----- {role}, {tokens(text)} tokens\n{text}")


if __name__ == "__main__":
    sys.exit(main())
