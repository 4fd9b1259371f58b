"""The search loop, with authors and a judge that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.contract import Contract, Output
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round
from pytest_kernelfalcon.generator.search import Keeping, SeedResult, Tried, search
from pytest_kernelfalcon.judge.verdict import Verdict

CONTRACT = Contract(
    id="model", source={"module": "p", "code": ""}, inputs=[], state=[], outputs=[Output((1,), "float32")],
    output_tree={"v": None}, ops=[], sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={},
)  # fmt: skip


@dataclass
class Says:
    """Proposes its sources in turn, then is exhausted; remembers what it was told."""

    sources: Sequence[str]
    name: str = "one"
    missing: tuple[str, ...] = ()
    told: list[list[Round]] = field(default_factory=list)
    given: int = 0

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        self.told.append(list(history))
        if self.given == len(self.sources):
            return Exhausted(f"{self.name} has nothing for seed {seed}", self.missing)
        self.given += 1
        return Proposal(self.sources[self.given - 1])


@dataclass
class Judging:
    """A source is its own outcome, up to a space."""

    judged: list[tuple[str, str]] = field(default_factory=list)

    def judge(self, contract: Contract, source: str, gate: str, control: Control) -> Verdict:
        self.judged.append((source, gate))
        return Verdict(source.split()[0], "run", message=f"{source} it is")  # type: ignore[arg-type]


def run(*authors: Says, rounds: int = 10, **control: Any) -> tuple[SeedResult, Judging, list[Tried]]:
    judge, recorded = Judging(), []
    result = search(CONTRACT, authors, judge, 2, rounds, Control(**control), Keeping(recorded.append))
    return result, judge, recorded


def test_the_first_accepted_candidate_wins() -> None:
    result, judge, recorded = run(Says(["refused", "accepted", "accepted b"]))
    assert result.state == "won"
    assert result.kernel is not None
    assert (result.kernel.number, result.kernel.author, result.kernel.round.proposal.source) == (1, "one", "accepted")
    assert judge.judged == [("refused", "seed"), ("accepted", "seed")]
    assert recorded == result.tried


def test_the_author_is_told_every_round_of_its_seed_exactly() -> None:
    author = Says(["refused a", "undecided", "accepted"])
    run(author)
    assert [[one.verdict.message for one in told] for told in author.told] == [
        [], ["refused a it is"], ["refused a it is", "undecided it is"],
    ]  # fmt: skip
    assert author.told[1][0].proposal.source == "refused a"


def test_a_candidate_that_was_there_before_is_not_judged_again_but_uses_up_a_round() -> None:
    result, judge, _ = run(Says(["refused", "refused", "refused b", "accepted"]), rounds=3)
    assert [source for source, _ in judge.judged] == ["refused", "refused b"]
    assert [tried.repeated for tried in result.tried] == [False, True, False]
    assert result.tried[1].round.verdict == result.tried[0].round.verdict
    assert (result.state, result.judged) == ("lost", 2)


def test_rounds_are_used_up_with_the_last_verdict_as_the_reason() -> None:
    result, _, _ = run(Says(["refused a", "refused b", "accepted"]), rounds=2)
    assert result.state == "lost"
    assert result.reason == "2 rounds without a kernel; the last: refused: refused b it is"


def test_authors_are_asked_in_order_and_share_the_history() -> None:
    first, second = Says(["refused"], "first"), Says(["accepted"], "second")
    result, _, _ = run(first, second)
    assert result.kernel is not None
    assert result.kernel.author == "second"
    assert [len(told) for told in second.told] == [1]
    assert len(first.told) == 2, "an exhausted author is not asked again"


def test_each_author_has_all_rounds() -> None:
    result, _, _ = run(Says(["refused a", "refused b", "accepted"], "first"), Says(["accepted"], "second"), rounds=2)
    assert result.kernel is not None
    assert (result.kernel.author, result.kernel.number) == ("second", 2)


def test_the_next_author_is_asked_only_where_the_one_before_found_nothing() -> None:
    second = Says(["accepted"], "second")
    result, _, _ = run(Says(["refused", "specialised"], "first"), second)
    assert (result.state, second.told) == ("specialised", [])


def test_what_differs_in_comments_and_names_alone_is_not_judged_again() -> None:
    one, other = "refused = 1\n\n\ndef f(x):\n    y = x\n    return y\n", "refused = 1  # again\ndef f(x):\n    z = x\n    return z\n"  # fmt: skip  # noqa: E501
    result, judge, _ = run(Says([one, other]))
    assert len(judge.judged) == 1
    assert [tried.repeated for tried in result.tried] == [False, True]


def test_what_an_author_may_take_long_for_is_kept_before_it_is_judged() -> None:
    kept: list[tuple[str, str]] = []

    class Dies(Judging):
        def judge(self, *_: Any) -> Verdict:
            raise KeyboardInterrupt

    keeping = Keeping(lambda tried: None, lambda author, proposal: kept.append((author, proposal.source)))
    for name in ("openai/m", "cookbook"):
        with pytest.raises(KeyboardInterrupt):
            search(CONTRACT, [Says(["refused"], name)], Dies(), 0, 1, Control(), keeping)
    assert kept == [("openai/m", "refused")]


def test_a_round_has_its_number_and_its_folder(tmp_path: Path) -> None:
    class Notes(Says):
        def propose(self, contract: Contract, history: Sequence[Round], seed: int, control: Control) -> Any:
            control.noted("call", folder=control.folder)
            return super().propose(contract, history, seed, control)

    noted: list[dict[str, Any]] = []
    control = Control(noted=lambda kind, **facts: noted.append(facts))
    keeping = Keeping(lambda tried: None, folder=lambda number: tmp_path / str(number))
    search(CONTRACT, [Notes(["refused", "accepted"])], Judging(), 0, 9, control, keeping)
    assert noted == [{"round": number, "folder": tmp_path / str(number)} for number in (0, 1)]


def test_without_any_candidate_the_authors_reasons_and_missing_operations_are_told() -> None:
    result, judge, _ = run(Says([], "a", ("aten.mm", "aten.sin")), Says([], "b", ("aten.mm",)))
    assert result.state == "exhausted"
    assert result.reason == "a has nothing for seed 2; b has nothing for seed 2"
    assert result.missing == ("aten.mm", "aten.sin")
    assert judge.judged == []


def test_a_specialised_candidate_is_kept_while_better_ones_are_looked_for() -> None:
    better, _, _ = run(Says(["specialised", "accepted"]))
    assert (better.state, better.kernel and better.kernel.number) == ("won", 1)
    only, _, _ = run(Says(["refused", "specialised", "refused b"]))
    assert (only.state, only.kernel and only.kernel.number) == ("specialised", 1)


def test_a_cancelled_search_stops_before_it_asks_again() -> None:
    author = Says(["refused", "refused b"])
    with pytest.raises(Cancelled, match="seed"):
        run(author, cancelled=lambda: "seed[0] won" if author.given else None)
    assert author.given == 1
