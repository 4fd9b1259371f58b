"""A description in words: the model's drafts, what becomes of bad ones, and who sees the good one first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon import CannotGenerate, Generated, generate_kernel
from pytest_kernelfalcon.generating import drafts
from pytest_kernelfalcon.generator.llm.drafting import DRAFTS
from tests.conftest import PROBLEM
from tests.plugin.conftest import GOOD, FakeJudge
from tests.wire.asking import KEY, environment
from tests.wire.server import WireServer, wire
from tests.wire.turns import Turn, failing

pytest.importorskip("openai", reason="openai is not installed: no model can be asked here")
pytestmark = pytest.mark.usefixtures("faked")

WORDS = "add one to every element of a [4, 32] float32 tensor"
DRAFT = Turn((f"Here it is.\n```python\n{PROBLEM}```\nAs you asked.",))


def turn(text: str) -> Turn:
    return Turn((f"```python\n{text}```",))


@pytest.fixture(autouse=True)
def judged(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts are inspected by the fake judge, too; there is a kernel for whatever is tried."""
    monkeypatch.setattr(drafts, "Judge", lambda *_: FakeJudge())
    (here / "kernels" / "round0.py").write_text(GOOD)


def described(
    server: WireServer | str, monkeypatch: pytest.MonkeyPatch, words: str = WORDS, **options: Any
) -> Generated:
    url = server if isinstance(server, str) else server.url
    for name, value in environment("responses", url).items():
        monkeypatch.setenv(name, value)
    given = {"author": "scripted/kernels,openai/m-1", "seeds": 1, "show": False, **options}
    return generate_kernel(description=words, **given)


def prompt(server: WireServer, number: int = -1) -> str:
    return "\n".join(str(item["content"]) for item in server.requests[number].body["input"])


def test_a_draft_is_shown_before_any_kernel_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with wire([DRAFT]) as server:
        found = described(server, monkeypatch, show=said.append, max_tokens=900, effort="low")
    assert found.ok
    assert found.problem is not None
    assert found.problem.read_text() == PROBLEM
    assert PROBLEM in said[0]
    assert str(found.problem) in said[0]
    assert "test session starts" in said[1]
    assert WORDS in prompt(server)
    body = server.requests[0].body
    assert (body["model"], body["max_output_tokens"], body["reasoning"]) == ("m-1", 900, {"effort": "low"})


def test_the_same_words_find_their_draft_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire([DRAFT, turn(PROBLEM + "# other words\n"), turn(PROBLEM + "# fresh\n")]) as server:
        first = described(server, monkeypatch)
        again = described(server, monkeypatch)
        assert (again.problem, len(server.requests)) == (first.problem, 1)
        others = [
            described(server, monkeypatch, words=words, fresh=fresh, confirm=lambda text: False).problem
            for words, fresh in (("something else", False), (WORDS, True))
        ]
    assert first.problem is not None
    assert all(other is not None for other in others)
    assert [other.name == first.problem.name for other in others if other] == [False, True]
    assert [other.read_text()[-7:] for other in others if other] == [" words\n", " fresh\n"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("I cannot do that.", "the answer has no code block"),
        (f"```python\n{PROBLEM.replace('Model', 'Layer')}```", "defines no class `Model`"),
        ("```python\nclass Model(:\n```", "syntax error"),
        (f"```python\n{PROBLEM}# inspect=broken\n```", "`forward` raises: ValueError: no"),
        (f"```python\n{PROBLEM}# {' ' * 200}hidden = 1\n```", "line 21 has 212 characters, and 200 are allowed"),
        (f"```python\n{PROBLEM}# \u202e1 - x\n```", "line 21 has the character U+202E: write plain ASCII"),
        (f"```python\n{PROBLEM}# \x1b[2Jgone\n```", "line 21 has the character U+001B"),
        (f"```python\n{PROBLEM}# \ud800\n```", "line 21 has the character U+D800"),
        ("```python\n" + "#\n" * 10_001 + PROBLEM + "```", "characters, and 20000 are allowed"),
    ],
    ids=["prose", "no-model", "syntax", "broken", "far-right", "reordered", "escape", "surrogate", "long"],
)
def test_a_bad_draft_goes_back_with_what_is_wrong(monkeypatch: pytest.MonkeyPatch, answer: str, says: str) -> None:
    said: list[str] = []
    with wire([Turn((answer,)), DRAFT]) as server:
        found = described(server, monkeypatch, show=said.append, confirm=lambda text: False)
    assert found.problem is not None
    assert found.problem.read_text() == PROBLEM
    assert says in prompt(server)
    assert says in said[0]
    assert "\x1b" not in "".join(said)


def test_drafts_are_bounded_and_none_is_lost(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with wire(lambda request: Turn(("no",))) as server:
        found = described(server, monkeypatch)
    assert len(server.requests) == DRAFTS
    assert (found.ok, found.outcome, found.problem, found.run) == (False, "no_problem", None, None)
    assert "openai/m-1 wrote 4 drafts, and none is a problem; the last: the answer has no code block" in found.text
    assert len(list((here / ".fuse" / "drafts").glob("*/answer?.json"))) == DRAFTS


def test_the_caller_may_decline(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    with wire([DRAFT, turn(PROBLEM + "# better\n")]) as server:
        found = described(server, monkeypatch, confirm=lambda text: shown.append(text))
        assert (found.ok, found.outcome, found.run, shown) == (False, "declined", None, [PROBLEM])
        assert found.problem is not None
        assert found.problem.read_text() == PROBLEM
        another = described(server, monkeypatch, confirm=lambda text: "better" in text)
    assert another.ok, "a draft that was declined is not taken the next time"


def test_a_call_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire([failing(402, "insufficient_quota", "pay first")]) as server:
        found = described(server, monkeypatch)
    assert (found.ok, found.outcome) == (False, "no_problem")
    assert "openai/m-1" in found.text
    assert "Fix: " in found.text
    assert KEY not in found.text


def test_what_the_run_would_refuse_is_told_before_a_draft_is_paid_for(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for author in ("openai/m-1,nobody", "openai/m-1,relay/m", "openai/m-1,scripted/nowhere"):
        with wire([]) as server, pytest.raises(CannotGenerate, match=r"^author: .* Fix: "):
            described(server, monkeypatch, author=author)
        assert not server.requests
    (here / "templates").mkdir()
    (here / "templates" / "draft.md.j2").write_text("{{ wordz }}")
    with (
        wire([]) as server,
        pytest.raises(CannotGenerate, match=r"draft\.md\.j2 cannot be filled: 'wordz' is undefined"),
    ):
        described(server, monkeypatch, templates="templates")


def test_templates_are_the_callers_to_replace(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "templates").mkdir()
    (here / "templates" / "draft.md.j2").write_text("House rules. {{ words }}")
    with wire([DRAFT]) as server:
        assert described(server, monkeypatch, templates="templates").ok
    assert prompt(server) == f"House rules. {WORDS}\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"author": "cookbook"},
            "needs an author that is a language model, and author is 'cookbook'. Fix: give author=",
        ),
        ({"author": "openai/m"}, "OPENAI_API_KEY is not set. Fix: set OPENAI_API_KEY"),
        ({"description": " "}, "says nothing"),
        ({"inputs": [1]}, "Fix: say in the description what they are"),
    ],
    ids=["no-model", "no-key", "no-words", "inputs"],
)
def test_wrong_usage_of_words(here: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotGenerate) as caught:
        generate_kernel(**{"description": WORDS, **given}, show=False)
    assert says in str(caught.value)


def test_what_drafts_cost_is_told_and_is_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run has what the draft left: the seed's call has no room any more, where it would have had in the whole."""
    options = {"author": "openai/m-1", "prices": "openai/m-1=10/100", "max_tokens": 3000}
    with wire(lambda request: Turn(DRAFT.texts, tokens=(15_000, 0, 3000, 0))) as server:
        found = described(server, monkeypatch, budget="20ktokens", **options)
        asked = len(server.requests)
    assert (asked, found.ok) == (1, False)
    assert "budget" in found.text
    assert found.cost is not None
    assert (found.cost["calls"], found.cost["tokens"]["input"], found.cost["dollars"]) == (1, 15_000, 0.45)
    assert "2,000 tokens" in found.text


def test_a_budget_without_room_for_a_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire([DRAFT]) as server:
        found = described(server, monkeypatch, budget="50 tokens", confirm=lambda text: False)
        assert not server.requests
    assert (found.outcome, found.cost) == ("no_problem", None)
    assert "50 tokens" in found.text
