"""What a run says where its model cannot be asked, is not there, or will not answer; and what hostile answers do."""

from __future__ import annotations

import pytest

from tests.wire import model
from tests.wire.asking import KEY, SPOKEN, WIRES
from tests.wire.running import Wired, about, author, ended, kernel, right
from tests.wire.server import wire

SEED = "one.py::model::seed[0]"
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("name", [name for name in SPOKEN if name != "relay"])
def test_a_missing_key_is_wrong_usage_before_anything_runs(wired: Wired, name: str) -> None:
    wired.problems("one")
    run = wired.run(name, NOWHERE, "one.py", key="")
    variable = WIRES[name][1][0]
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{variable} is not set. Fix: set {variable} in the environment, or in a file .env" in run.output
    assert (run.ended, wired.judged()) == ({}, [])
    assert not list(wired.example.path.glob(".fuse/2*"))
    assert "Traceback" not in run.output


def test_a_missing_key_under_several_workers_is_said_once(wired: Wired) -> None:
    wired.problems("one")
    process = wired.spawn("messages", NOWHERE, "-n2", "one.py", key="")
    output = ended(process)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert output.count("ANTHROPIC_API_KEY is not set. Fix: ") == 1


def test_a_key_is_needed_only_where_something_is_searched(wired: Wired) -> None:
    wired.problems("one")
    with wire(about(one=[model.code(right())])) as server:
        assert wired.run("chat", server, "one.py", "--kernelfalcon-update").ret == 0
    assert wired.run("chat", NOWHERE, "one.py", key="").ret == 0
    assert wired.run("chat", NOWHERE, "one.py", "--co", "--kernelfalcon-fresh", key="").ret == 0


def test_a_key_from_a_file_is_used_and_nothing_of_it_shows(wired: Wired) -> None:
    wired.problems("one")
    with wire(about(one=[model.code(right())])) as server:
        wired.example.write(".env", "OPENAI_API_KEY=sk-from-a-file\n")
        run = wired.run("chat", server, "one.py", key="")
    assert run.ret == 0, run.output
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    assert headers["authorization"] == "Bearer sk-from-a-file"
    assert "sk-from-a-file" not in run.output


@pytest.mark.parametrize("name", SPOKEN)
def test_a_provider_that_stays_overloaded_loses_the_seed_in_words(wired: Wired, name: str) -> None:
    wired.problems("one")
    script = about(one=[model.overloaded])
    with wire(script) as server:
        run = wired.run(name, server, "one.py")
    assert run.ret == 1
    assert len(script.asked) == 5, "the first try and four more"
    assert f"{author(name)}: the server is overloaded: busy. Fix: try again later" in run.texts[SEED]
    assert run.ended[SEED] == "LOST"
    assert "the server is overloaded" in run.texts["one.py::model::accept"]
    assert [one["outcome"] for one in wired.events("call_again")] == ["overloaded"] * 4


def test_what_was_found_before_a_provider_failed_is_kept_for_the_next_run(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.code(kernel(2)), *[model.overloaded] * 5, model.code(right())])
    with wire(script) as server:
        first = wired.run("messages", server, "one.py")
        assert (first.ret, first.ended[SEED]) == (1, "LOST")
        assert "the server is overloaded" in first.texts[SEED], "and not only what was wrong with the last candidate"
        again = wired.run("messages", server, "one.py")
    assert again.ret == 0, again.output
    assert (wired.judged(), script.asked_again()) == ([kernel(2), right()], [])


def test_a_seed_whose_model_failed_has_judged_kernels_that_others_may_mend(wired: Wired) -> None:
    """The next author of the list is asked where a model cannot answer any more."""
    wired.problems("one")
    script = about(one=[model.refuses])
    wired.example.write("script/round0.py", right())
    mixed = f"--kernelfalcon-author=openai/m-1,scripted/{wired.example.path / 'script'}"
    with wire(script) as server:
        run = wired.run("chat", server, mixed, "one.py")
    assert run.ret == 0, run.output
    assert len(script.asked) == 1
    assert run.problem()["subgraphs"][0]["author"].startswith("scripted/")


@pytest.mark.parametrize("name", [name for name in SPOKEN if name != "relay"])
def test_a_model_that_refuses_is_asked_once(wired: Wired, name: str) -> None:
    wired.problems("one")
    script = about(one=[model.refuses])
    with wire(script) as server:
        run = wired.run(name, server, "one.py")
    assert (run.ret, len(script.asked)) == (1, 1)
    assert "the model, or a filter, refuses to answer" in run.texts[SEED]
    assert "Fix: use another model" in run.texts[SEED]


@pytest.mark.parametrize("name", SPOKEN)
def test_a_key_that_is_refused_is_tried_once_in_a_run(wired: Wired, name: str) -> None:
    wired.problems("one", "two")
    script = about(one=[model.wrong_key], two=[model.wrong_key])
    with wire(script) as server:
        run = wired.run(name, server, "one.py", "two.py", "--kernelfalcon-seeds=3")
    assert (run.ret, len(script.asked)) == (1, 1)
    lost = [run.texts[item] for item, word in run.ended.items() if word == "LOST"]
    assert len(lost) == 6
    assert all("the server does not take the key: who are you. Fix: check " in text for text in lost)
    assert KEY not in run.output


def test_a_model_without_a_candidate_is_given_up(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.gives_up])
    with wire(script) as server:
        run = wired.run("chat", server, "one.py")
    assert (run.ret, wired.judged()) == (1, [])
    assert 1 < len(script.asked) <= 5
    assert len(wired.events("unusable")) == len(script.asked)
    assert "answers without a candidate" in run.texts[SEED]
    assert "no code block" in script.asked[1].prompt, "it is told why"


def test_an_answer_that_is_cut_at_its_most_tokens_is_told_and_asked_for_again(wired: Wired) -> None:
    wired.problems("one")
    cut = model.code(kernel(2), ending="max_tokens")
    script = about(one=[cut, model.code(right())])
    with wire(script) as server:
        run = wired.run("responses", server, "one.py", "--kernelfalcon-max-tokens=4000")
    assert run.ret == 0, run.output
    assert server.requests[0].body["max_output_tokens"] == 4000
    assert "cut at the most tokens" in script.asked[1].prompt


HOSTILE = {
    "half a surrogate pair": model.code(f"# \ud800\n{kernel(2)}"),
    "a nul": model.code(f"# \0\n{kernel(2)}"),
    "an escape sequence": model.code(f"# \x1b]0;owned\x07\x1b[2J\n{kernel(2)}"),
    "megabytes": model.code("# " + "x" * 2_000_000 + f"\n{kernel(2)}"),
    "too many": model.says("x" * 5_000_000),
    "fences": model.says("```\n" * 20_000),
    "a sum of thousands": model.code(kernel(2) + "\nx = " + "1 + " * 3_000 + "1"),
    "a name of thousands": model.code(kernel(2).replace("@triton.jit", "@triton.jit" + ".jit" * 3_000)),
    "nested": model.code("(" * 50_000),
    "edits": model.says("<<<<<<< SEARCH\n" * 5_000 + "=======\n" * 5_000),
    "a path": model.code(f"__file__ = '../../../round0.py'\n{kernel(2)}"),
    "a template": model.code(f"# {{{{ 7 * 7 }}}} {{% for %}}\n{kernel(2)}"),
}


@pytest.mark.parametrize("move", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_breaks_nothing(wired: Wired, move: model.Move) -> None:
    wired.problems("one")
    script = about(one=[move, model.code(right())])
    with wire(script) as server:
        run = wired.run("chat", server, "one.py", "--kernelfalcon-html=page.html", "--junitxml=junit.xml")
        assert "Traceback" not in run.output
        assert set(run.ended.values()) <= {"WON", "PASSED", "LOST", "FAILED"}
        if run.ret != 0:
            assert "not of this protocol" in run.texts[SEED]
        assert "\x1b]0;owned" not in run.output
        again = wired.run("chat", server, "one.py", "--kernelfalcon-fresh")
    assert again.ret == 0, again.output
