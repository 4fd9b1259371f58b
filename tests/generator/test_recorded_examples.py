"""The recordings of examples/: every prompt is the one of today, also of seeds that CI's replay spares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.author import Author, Exhausted, Proposal, Round, Setting
from pytest_kernelfalcon.generator.llm.recording import Recording
from pytest_kernelfalcon.judge.verdict import Verdict

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/problems"))


def replayed(author: Author, contract: Contract, seed: int) -> Iterator[Proposal | Exhausted]:
    """What the author says while the judge says of each candidate what it said when it was recorded."""
    history: list[Round] = []
    while True:
        answer = author.propose(contract, history, seed, Control())
        yield answer
        if isinstance(answer, Exhausted):
            return
        assert answer.past is not None
        verdict = Verdict(answer.past.outcome, "run", answer.past.cause)  # type: ignore[arg-type]
        history.append(Round(answer, verdict, author.name))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_the_prompts_are_those_of_today(example: Path) -> None:
    setting = Setting(start=ROOT, root=ROOT, seeds=2, rounds=10)
    author = registry.resolve(f"replay/{example.relative_to(ROOT)}/recording", setting)
    (problem,) = (Problem.load(path) for path in (example / "problems").glob("*.py"))
    (past,) = Recording(example / "recording").contracts
    assert past.contract.source["code"] == problem.text
    judged, ended = [], []
    for seed in past.seeds:
        *proposed, last = replayed(author, past.contract, seed)
        judged.append([one.past.cause for one in proposed])
        ended.append(last.reason)
    assert {"bias_mish": 4, "row_standardise": 3}[example.name] == max(map(len, judged))
    assert [None] in [causes[-1:] for causes in judged]
    assert len({cause for causes in judged for cause in causes}) >= 4
    assert any("the recording ends here" in reason for reason in ended)


def test_both_wires_a_cancelled_seed_and_a_lost_one_are_recorded() -> None:
    assert len(EXAMPLES) == 2
    authors, endings = set(), []
    for example in EXAMPLES:
        (past,) = Recording(example / "recording").contracts
        authors |= {author for seed in past.seeds for author, _ in past.seed(seed).round(0).calls()}
        endings += [past.seed(seed).ending.partition(":")[0] for seed in past.seeds]
    assert authors == {"openai/scripted", "anthropic/scripted"}
    assert sorted(endings) == [
        "it ended there as lost", "it ended there as won", "it ended there as won",
        "it was cancelled then, or its process died",
    ]  # fmt: skip
