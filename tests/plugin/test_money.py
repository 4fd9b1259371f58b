"""A budget ends a run cleanly, and a larger one goes on; what calls took is told wherever a run tells of itself."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_kernelfalcon.__main__ import main
from pytest_kernelfalcon.progress import Progress
from pytest_kernelfalcon.store import events
from tests.conftest import Example, Run
from tests.plugin.conftest import candidate
from tests.wire.server import WireServer, wire
from tests.wire.turns import Recorded, Turn

PRICES = "--kernelfalcon-prices=openai/m=10/1/100"


def answer(outcome: str, name: str) -> str:
    return f"```python\n{candidate(outcome, name=name)}\ndef kernel_function(x):\n    return {name!r}\n```"


class Model:
    """Answers with refused candidates, and with a right one from its `right`-th answer on."""

    def __init__(self, right: int) -> None:
        self.right, self.asked = right, 0
        self.tokens = (1000, 600, 200, 50)

    def __call__(self, request: Recorded) -> Turn:
        self.asked += 1
        outcome = "accepted" if self.asked > self.right else "refused"
        return Turn(texts=(answer(outcome, f"number {self.asked}"),), tokens=self.tokens)


@pytest.fixture
def model() -> Model:
    return Model(right=2)


@pytest.fixture
def server(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    pytest.importorskip("openai", reason="openai is not installed: no model can be asked here")
    with wire(model) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1/chat/completions")
        yield server


def run(example: Example, *arguments: str) -> Run:
    return example.run("add.py", "--kernelfalcon-author=openai/m", "--kernelfalcon-seeds=1", *arguments)


def record(example: Example, kind: str) -> list[dict[str, Any]]:
    (path,) = example.path.glob(".fuse/2*/events.jsonl")
    return [event for event in events.read(path) if event["event"] == kind]


COST = {"input": 1000, "cached": 600, "written": 0, "output": 200, "reasoning": 50}
DOLLARS = (400 * 10 + 600 * 1 + 200 * 100) / 1e6


@pytest.mark.usefixtures("judge", "server")
def test_tokens_and_cost_are_told_of_each_round_seed_problem_and_run(
    example: Example, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example.problem()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(example.path / "step.md"))
    found = run(example, PRICES, "--junitxml=junit.xml", "--kernelfalcon-html=page.html")
    assert found.ret == 0, found.output
    assert [(call["round"], call["tokens"], call["dollars"]) for call in record(example, "call")] == [
        (number, {**COST, "written": None}, pytest.approx(DOLLARS)) for number in range(3)
    ]
    thrice = {kind: 3 * number for kind, number in COST.items()}
    cost = {"calls": 3, "tokens": thrice, "dollars": pytest.approx(3 * DOLLARS), "estimated": 0}
    (subgraph,) = found.problem()["subgraphs"]
    assert found.report["totals"]["cost"] == found.problem()["cost"] == subgraph["cost"] == cost
    (seed,) = subgraph["seeds"]
    assert (seed["seed"], seed["cost"]) == (0, cost)
    assert [(one["round"], one["cost"]["calls"]) for one in seed["rounds"]] == [(0, 1), (1, 1), (2, 1)]
    assert (
        "language models: 3 calls, 3k tokens read (1.8k of them from a cache), 600 written (150 of them" in found.output
    )
    assert re.search(r"add\.py .* 3\.6k +\$0\.074 ", found.output)
    page = (example.path / "page.html").read_text()
    assert page.count("3.6k tokens · $0.074") == 1
    assert page.count("1.2k tokens · $0.025") == 3
    step = html.unescape((example.path / "step.md").read_text())
    assert "| tokens | cost | time |" in step
    assert "| 3.6k | $0.074 |" in step
    assert main(["runs", "show", "last"]) == 0
    assert "language models: 3 calls, 3k tokens read" in capsys.readouterr().out
    progress = Progress(next(example.path.glob(".fuse/2*/events.jsonl")))
    progress.read()
    assert " · 3 rounds · 3.6k tokens · $0.074 · " in progress.total()
    cases = ET.parse(example.path / "junit.xml")
    for holder in (cases.getroot()[0], *cases.iter("testcase")):
        properties = {one.get("name"): one.get("value") for one in holder.findall("properties/property")}
        assert properties["kernelfalcon.tokens.cached"] == "1800", holder.get("name")
        assert properties["kernelfalcon.dollars"] == "0.073800", holder.get("name")


@pytest.mark.usefixtures("judge", "server")
def test_an_unknown_price_is_called_so_everywhere(example: Example) -> None:
    example.problem()
    found = run(example, "--junitxml=junit.xml")
    assert found.report["totals"]["cost"]["dollars"] is None
    assert "thinking), cost unknown" in found.output
    assert re.search(r"add\.py .* 3\.6k +unknown ", found.output)
    values = {
        one.get("value")
        for one in ET.parse(example.path / "junit.xml").iter("property")
        if "dollars" in str(one.get("name"))
    }
    assert values == {"unknown"}


@pytest.mark.usefixtures("judge")
def test_where_no_model_is_asked_nothing_is_told_of_one(example: Example) -> None:
    example.problem()
    example.script(candidate())
    found = example.run("add.py")
    assert found.report["totals"]["cost"] is None
    assert not re.search(r"language models|tokens|cost", found.output)


@pytest.mark.usefixtures("judge", "server")
def test_a_budget_ends_a_run_and_a_larger_one_goes_on(example: Example, model: Model) -> None:
    example.problem()
    model.tokens = (40_000, 0, 9_000, 0)
    ended = run(example, "--kernelfalcon-budget=90ktokens")
    assert (ended.ret, model.asked) == (1, 2)
    assert (ended.problem()["outcome"], ended.problem()["cause"]) == ("no_kernel", "budget_spent")
    assert ended.report["budget"]["amount"] == "90,000 tokens"
    text = ended.texts["add.py::model::accept"]
    assert "the budget of 90,000 tokens is spent: 98,000 tokens" in text
    assert re.search(r"\n  pytest --kernelfalcon .*--kernelfalcon-budget=180000tokens add\.py\n", text)
    section = ended.output.partition("= kernelfalcon =")[2].partition("= short test")[0]
    assert section.count("is spent") == 1
    assert re.search(r"  go on: pytest .*add\.py.* --kernelfalcon-budget=180000tokens\n", section)
    again = run(example, "--lf", "--kernelfalcon-budget=180000tokens")
    assert again.ret == 0, again.output
    assert model.asked == 3, "what was answered is not asked again"
    assert again.problem()["subgraphs"][0]["restored"] == 2


@pytest.mark.usefixtures("judge")
def test_dollars_without_a_price_are_wrong_usage_before_the_first_call(example: Example, server: WireServer) -> None:
    example.problem()
    found = run(example, "--kernelfalcon-budget=$2.50")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert "the price of openai/m is not known" in found.output
    assert not server.requests
    assert run(example, "--kernelfalcon-budget=$2.50", PRICES).ret == 0


@pytest.mark.parametrize(
    ("option", "expected"),
    [("--kernelfalcon-budget=5", "'5' (from the command line) is not valid. Fix: give dollars as in"),
     ("--kernelfalcon-prices=openai/m=1", "is not valid. Fix: give dollars for a million tokens")],
)  # fmt: skip
@pytest.mark.usefixtures("judge")
def test_what_is_no_budget_and_no_price_is_wrong_usage(example: Example, option: str, expected: str) -> None:
    example.problem()
    found = run(example, option)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert expected in found.output
