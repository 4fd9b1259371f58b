"""A user's own prompt templates: what is wrong with them is told before anything runs, or before a model is asked."""

from __future__ import annotations

import pytest

from tests.conftest import Example

AUTHOR = "--kernelfalcon-author=relay/m"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is named whose server is not there: nothing of it is asked."""
    pytest.importorskip("openai", reason="openai is not installed: no model can be named here")
    monkeypatch.setenv("LLM_RELAY_URL", "http://127.0.0.1:9/v1")


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sistem.md.j2", "rules", "sistem.md.j2 replaces no template. Fix: name it one of system.md.j2"),
        ("first.md.j2", "{% if %}", "the template first.md.j2:1 is not valid"),
        ("system.md.j2", "{{ nothing }}", "the template system.md.j2 cannot be filled: 'nothing' is undefined"),
    ],
)
def test_a_template_that_is_wrong_ends_the_run_before_it_begins(
    example: Example, name: str, text: str, message: str
) -> None:
    example.problem()
    example.write(f"templates/{name}", text)
    run = example.run(AUTHOR, "--kernelfalcon-templates=templates", "add.py")
    assert run.ret == 4
    assert message in run.output
    assert not run.ended


@pytest.mark.usefixtures("judge")
def test_one_that_a_contract_cannot_fill_loses_the_seed_and_says_why(example: Example) -> None:
    example.problem()
    example.write("templates/first.md.j2", "{{ contract_of_mine }}")
    run = example.run(AUTHOR, "--kernelfalcon-templates=templates", "--kernelfalcon-seeds=1", "add.py")
    assert run.ret == 1
    assert "relay/m: the template first.md.j2 cannot be filled: 'contract_of_mine' is undefined" in run.output


@pytest.mark.usefixtures("judge")
def test_they_are_not_looked_at_where_nothing_is_searched_for(example: Example) -> None:
    example.problem()
    run = example.run(AUTHOR, "--kernelfalcon-templates=nowhere", "--kernelfalcon-frozen", "add.py")
    assert run.ret == 1
    assert "nowhere" not in run.output.replace("--kernelfalcon-templates=nowhere", "")
