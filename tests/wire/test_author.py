"""The author itself, asked through the local server: what it asks, and what becomes of what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.contract import Contract, Input, Output
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Asking, Exhausted, Proposal, Round, Setting
from pytest_kernelfalcon.generator.llm.author import LlmAuthor
from pytest_kernelfalcon.judge.verdict import Verdict
from tests.wire.asking import LIMITS, environment
from tests.wire.server import WireServer, wire
from tests.wire.turns import Turn, failing

TENSOR = {"t": {"shape": [8], "stride": [1], "offset": 0, "dtype": "float32", "storage": 0}}
CONTRACT = Contract(
    id="model", source={"module": "p.py", "code": "class Model: ..."}, inputs=[Input("x", TENSOR)], state=[],
    outputs=[Output((8,), "float32")], output_tree=TENSOR, ops=[], sizes={}, declared={}, admitted={}, shrunk=None,
    admitted_shrunk={},
)  # fmt: skip
KERNEL = "```python\n@triton.jit\ndef k(p):\n    pass\n\n\ndef kernel_function(x):\n    return x\n```"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LlmAuthor]:
    pytest.importorskip("openai", reason="openai is not installed: no model can be asked here")

    def make(server: WireServer, spoken: str = "relay-chat", **asking: Any) -> LlmAuthor:
        for name, value in environment(spoken, server.url).items():
            monkeypatch.setenv(name, value)
        name = {"relay-chat": "relay", "chat": "openai"}[spoken]
        setting = Setting(tmp_path, tmp_path, 4, run=tmp_path / "run", asking=Asking(**asking))
        return LlmAuthor(f"{name}/m-1", name, "m-1", setting, LIMITS)

    return make


def refused(author: LlmAuthor, number: int = 0, message: str = "it is wrong") -> Round:
    source = f"def kernel_function(x):\n    return x + {number}\n"
    return Round(Proposal(source), Verdict("refused", "run", "inaccurate", message), author.name)


def asked(server: WireServer) -> list[list[dict[str, Any]]]:
    """The messages of each request."""
    return [request.body["messages"] for request in server.requests]


def propose(
    author: LlmAuthor, history: Sequence[Round] = (), seed: int = 0, noted: list[dict[str, Any]] | None = None
) -> Proposal | Exhausted:
    def note(kind: str, **facts: Any) -> None:
        if noted is not None:
            noted.append({"kind": kind, **facts})

    return author.propose(CONTRACT, history, seed, Control(noted=note))


def test_another_authors_rounds_are_none_of_its_conversation(made: Callable[..., LlmAuthor]) -> None:
    with wire([Turn((KERNEL,)), Turn((KERNEL,))]) as server:
        author = made(server)
        propose(author, [Round(Proposal("x"), Verdict("refused", "run", "race", "no"), "cookbook")])
        propose(author, [refused(author)])
    first, second = asked(server)
    assert [message["role"] for message in first] == ["system", "user"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert first == second[:2]


def test_seeds_differ_by_temperature_and_where_none_is_taken_by_hints(made: Callable[..., LlmAuthor]) -> None:
    with wire([Turn((KERNEL,))] * 3 + [Turn((KERNEL,), refuses=("temperature",)), *[Turn((KERNEL,))] * 2]) as server:
        author = made(server)
        for seed in (0, 1, 2, 0, 1, 2):
            assert isinstance(propose(author, seed=seed), Proposal)
    assert [request.body.get("temperature") for request in server.requests] == [0.8, 0.9, 1.0, 0.8, None, None, None]
    texts = [messages[1]["content"] for messages in asked(server)]
    assert len(set(texts[:5])) == 1
    assert len({texts[0], *texts[5:]}) == 3


def test_a_seed_whose_temperature_another_has_gets_a_hint(made: Callable[..., LlmAuthor]) -> None:
    with wire([Turn((KERNEL,))] * 6) as server:
        author = made(server)
        for seed in (0, 1, 5, 6):
            propose(author, seed=seed)
    warm = [request.body["temperature"] for request in server.requests]
    texts = [messages[1]["content"] for messages in asked(server)]
    assert len(set(zip(warm, texts, strict=True))) == len(texts)
    assert texts[0] == texts[1]


def test_answers_without_a_candidate_are_told_three_times(made: Callable[..., LlmAuthor]) -> None:
    noted: list[dict[str, Any]] = []
    turns = [Turn(("no",)), Turn((KERNEL,), ending="max_tokens"), Turn(("still no",))]
    with wire(turns) as server:
        answer = propose(made(server), noted=noted)
    assert isinstance(answer, Exhausted)
    assert answer.reason.startswith("relay/m-1: 3 answers without a candidate; the last: the answer has no code block")
    assert [one["kind"] for one in noted] == ["asked", "call", "unusable"] * 3
    assert "the answer has no code block" in asked(server)[1][-1]["content"]
    assert "it was cut at the most tokens" in asked(server)[2][-1]["content"]


def test_a_prompt_that_is_too_long_loses_its_oldest_rounds(made: Callable[..., LlmAuthor]) -> None:
    too_long = failing(400, "invalid_request_error", "maximum context length is 100 tokens")
    too_long = Turn(status=400, error={**too_long.error, "code": "context_length_exceeded"})
    causes = ("inaccurate", "race")
    with wire([too_long, Turn((KERNEL,))]) as server:
        author = made(server)
        history = [
            Round(one.proposal, Verdict("refused", "run", causes[number % 2], "y" * 400), author.name)
            for number, one in enumerate([refused(author, number) for number in range(40)])
        ]
        assert isinstance(propose(author, history), Proposal)
    before, after = (messages[-1]["content"] for messages in asked(server))
    assert "round 0:" in before
    assert "round 0:" not in after
    assert "round 38:" in after


@pytest.mark.parametrize(
    ("turn", "calls"),
    [(failing(401, "invalid_api_key", "no such key"), 1), (failing(400, "invalid_request_error", "no"), 2)],
)
def test_what_is_wrong_for_every_seed_is_asked_once_in_a_run(
    made: Callable[..., LlmAuthor], turn: Turn, calls: int
) -> None:
    with wire([turn, turn]) as server:
        author, of_another_worker = made(server), made(server)
        reasons = [propose(one, seed=seed) for seed, one in enumerate((author, of_another_worker))]
    assert all(isinstance(reason, Exhausted) for reason in reasons)
    assert len(server.requests) == calls
    if calls == 1:
        assert reasons[0] == reasons[1]


def test_effort_that_a_model_does_not_take_is_told(made: Callable[..., LlmAuthor]) -> None:
    noted: list[dict[str, Any]] = []
    with wire([Turn((KERNEL,), refuses=("reasoning_effort",))]) as server:
        propose(made(server, effort="high"), noted=noted)
    assert [request.body.get("reasoning_effort") for request in server.requests] == ["high", None]
    assert (
        next(one for one in noted if one["kind"] == "left_out")["message"]
        == "relay/m-1 does not take reasoning_effort: it was asked without"
    )


def test_half_a_surrogate_pair_is_no_file(made: Callable[..., LlmAuthor]) -> None:
    with wire([Turn((KERNEL.replace("pass", "pass  # \ud800"),))]) as server:
        answer = propose(made(server))
    assert isinstance(answer, Proposal)
    assert answer.source.encode()
