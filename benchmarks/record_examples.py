"""Records the searches of examples/ again: `python -m benchmarks.record_examples [EXAMPLE …]`.

No model is asked. What the recorded one said is said again by the local server of the wire tests, over the provider's
own wire, and answers the prompts of today. Run it in the root of the checkout, when prompts have changed, and read
what `git diff` shows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_kernelfalcon.generator.llm import exchange
from pytest_kernelfalcon.generator.llm.exchange import Exchange
from pytest_kernelfalcon.generator.llm.knobs import COOLEST, STEP
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Answer, Usage
from tests.wire.server import wire
from tests.wire.turns import Recorded, Turn, failing

EXAMPLES = Path("examples")
KEPT = ("prompt*.json", "answer*.json", "candidate.py", "proposal.json", "verdict.json")
"""What is copied of a round."""
ADDRESSES = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", ""),
}
"""By provider: its variables for key and address, and how the address goes on after the server's own."""
ROUNDS = {"row_standardise": 3}
"""Where a seed is to lose."""
WAIT_S = 120.0


@dataclass
class Says:
    """The recorded answers of each seed, which are known by their temperature. A seed that was cancelled thinks until
    it is, and the last answer of all is held back until it does.
    """

    seeds: Mapping[int, list[Exchange]]
    thinks: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Recorded) -> Turn:
        seed = round((request.body["temperature"] - COOLEST) / STEP)
        turn = _turn(self.seeds[seed].pop(0))
        if turn.ending == "endless":
            self.thinks.set()
        elif not self.seeds[seed] and any(turn.ending == "endless" for turn in map(_turn, self._left())):
            self.thinks.wait(WAIT_S)
        return turn

    def _left(self) -> list[Exchange]:
        return [one for left in self.seeds.values() for one in left]


def _turn(then: Exchange) -> Turn:
    if isinstance(then.end, Answer):
        return Turn(texts=(then.end.text,), tokens=_tokens(then.end.usage))
    if isinstance(then.end, CallFailed):
        return failing(then.end.status or 500, str(then.end.outcome), then.end.detail)
    return Turn(ending="endless")


def _tokens(usage: Usage) -> tuple[int, int, int, int]:
    return usage.input or 0, usage.cached or 0, usage.output or 0, usage.reasoning or 0


def record(example: Path) -> None:
    """Searches anew for the example's problems, and puts what is kept of it in place of the old recording."""
    recording = example / "recording"
    seeds = {
        int(path.name.removeprefix("seed")): _calls(path) for path in sorted(recording.glob("*/kernels_out/*/seed*"))
    }
    (author,) = {one.author for calls in seeds.values() for one in calls}
    key, address, path = ADDRESSES[author.partition("/")[0]]
    with tempfile.TemporaryDirectory() as folder, wire(Says(seeds)) as server:
        report = Path(folder) / "report.json"
        words = [
            "--kernelfalcon", "--kernelfalcon-fresh", f"--kernelfalcon-author={author}",
            f"--kernelfalcon-seeds={len(seeds)}", f"--kernelfalcon-rounds={ROUNDS.get(example.name, 10)}",
            f"--kernelfalcon-json={report}", *(["-n", str(len(seeds))] if _cancelled(seeds) else []),
            str(example / "problems"),
        ]  # fmt: skip
        environment = os.environ | {key: "none", address: server.url + path}
        subprocess.run([sys.executable, "-m", "pytest", *words], env=environment, check=True)
        run = json.loads(report.read_text())["run_id"]
    _copy(Path(".fuse") / run, recording)


def _calls(seed: Path) -> list[Exchange]:
    rounds = sorted(seed.glob("round*"), key=lambda path: int(path.name.removeprefix("round")))
    return [one for folder in rounds for one in exchange.read(folder)]


def _cancelled(seeds: Mapping[int, list[Exchange]]) -> bool:
    return any(isinstance(one.end, exchange.Left) for calls in seeds.values() for one in calls)


def _copy(run: Path, recording: Path) -> None:
    shutil.rmtree(recording)
    for plan in run.glob("*/subgraphs.json"):
        found = [plan, *plan.parent.glob("kernels_out/*/seed*/record.json")]
        found += [file for name in KEPT for file in plan.parent.glob(f"kernels_out/*/seed*/round*/{name}")]
        for file in found:
            target = recording / file.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "examples", nargs="*", metavar="EXAMPLE", help="folders of examples/, by their names; all of them"
    )
    given = parser.parse_args()
    for name in given.examples or sorted(path.parent.name for path in EXAMPLES.glob("*/problems")):
        record(EXAMPLES / name)


if __name__ == "__main__":
    main()
