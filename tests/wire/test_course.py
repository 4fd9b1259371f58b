"""What a seed does with a model's answers: repeats, plateaus, others' rounds, siblings that win."""

from __future__ import annotations

import re
import threading

import pytest

from tests.plugin.conftest import BAD, GOOD
from tests.wire import model
from tests.wire.asking import SPOKEN
from tests.wire.model import Asked
from tests.wire.running import Wired, about, ended, kernel, reach, right
from tests.wire.server import wire


def numbered(first: int = 2) -> list[model.Move]:
    """Kernels that are all refused for the same cause."""
    return [model.code(kernel(number)) for number in range(first, first + 12)]


def begins_anew(asked: Asked) -> bool:
    return all(role != "assistant" for role, _ in asked.messages)


def test_a_candidate_that_comes_again_is_not_judged_and_the_model_is_told(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.code(kernel(2)), model.again, model.code(right())])
    with wire(script) as server:
        run = wired.run("chat", server, "one.py")
    assert run.ret == 0, run.output
    assert wired.judged() == [kernel(2), right()]
    assert [one["repeated"] for one in wired.events("round")] == [False, True, False]
    assert re.search(r"round 0 again.*already tried", script.asked[2].prompt)
    assert "output 0 is too far off" in script.asked[2].prompt, "and why it failed"


def test_a_plateau_begins_anew_with_another_exemplar_or_strategy(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=numbered())
    with wire(script) as server:
        run = wired.run("messages", server, "one.py", "--kernelfalcon-rounds=7")
    assert run.ret == 1
    anew = [asked.number for asked in script.asked if begins_anew(asked)]
    assert anew == [0, 3, 6]
    firsts = {script.asked[number].messages[1][1].partition("Your earlier candidates")[0] for number in anew}
    assert len(firsts) == 3, "no two attempts are told the same"
    assert "round 2" in script.asked[3].prompt, "what was tried before is told"


def test_progress_is_no_plateau(wired: Wired) -> None:
    """Causes that differ: each candidate is mended further."""
    wired.problems("one")
    causes = ["refused", "undecided"] * 4
    moves = [model.code(kernel(number, seed)) for number, seed in enumerate(causes, start=2)]
    script = about(one=moves)
    with wire(script) as server:
        wired.run("chat", server, "one.py", "--kernelfalcon-rounds=8")
    assert [asked.number for asked in script.asked if begins_anew(asked)] == [0]


def test_no_call_is_made_after_the_last_round(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=numbered())
    with wire(script) as server:
        run = wired.run("responses", server, "one.py", "--kernelfalcon-rounds=2")
    assert (run.ret, len(script.asked)) == (1, 2)
    assert run.texts["one.py::model::seed[0]"].startswith("Skipped: 2 rounds without a kernel")


def test_a_lost_search_that_may_try_more_goes_on_with_its_next_question(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.code(kernel(2)), model.code(kernel(3)), model.code(right())])
    with wire(script) as server:
        wired.run("relay", server, "one.py", "--kernelfalcon-rounds=2")
        assert wired.run("relay", server, "one.py", "--kernelfalcon-rounds=2").ret == 1
        assert len(script.asked) == 2, "nothing is left to ask"
        run = wired.run("relay", server, "one.py", "--kernelfalcon-rounds=3")
    assert (run.ret, len(script.asked)) == (0, 3)
    assert "x + 3.0" in script.asked[2].last


def test_a_refinement_shows_the_last_candidate_its_verdict_and_the_rounds_before(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[model.code(kernel(2)), model.code(kernel(3)), model.code(right())])
    with wire(script) as server:
        wired.run("chat", server, "one.py")
    third = script.asked[2]
    assert third.last == kernel(3)
    assert "output 0 is too far off" in third.prompt
    assert re.search(r"^- round 0: refused \(inaccurate", third.prompt, re.MULTILINE)
    assert [asked.messages[:2] for asked in script.asked] == [third.messages[:2]] * 3, "what is stable comes first"


def own(asked: Asked) -> int:
    """A number for each seed: 8000, 9000, …"""
    return round(float(asked.asker) * 10) * 1000


def test_seeds_know_nothing_of_each_other(wired: Wired) -> None:
    wired.problems("one")
    script = about(one=[lambda asked: model.code(kernel(own(asked) + asked.number))(asked)])
    with wire(script) as server:
        wired.run("chat", server, "one.py", "--kernelfalcon-seeds=3", "--kernelfalcon-rounds=3")
    assert len(script.asked) == 9
    for asked in script.asked:
        shown = {int(number) // 1000 * 1000 for number in re.findall(r"x \+ (\d{4,})\.0", asked.prompt)}
        assert shown <= {own(asked)}


def test_a_model_is_asked_only_where_the_author_before_it_found_nothing(wired: Wired) -> None:
    wired.problems("one", "two")
    wired.example.write("script/one/round0.py", GOOD)
    wired.example.write("script/two/round0.py", BAD)
    script = about(one=[model.code(right())], two=[model.code(right())])
    mixed = f"--kernelfalcon-author=scripted/{wired.example.path / 'script'},openai/m-1"
    with wire(script) as server:
        run = wired.run("chat", server, mixed, "one.py", "two.py", "--kernelfalcon-seeds=2")
    assert run.ret == 0, run.output
    assert [asked.problem for asked in script.asked] == ["Adds one: two."]
    authors = {one["path"]: one["subgraphs"][0]["author"] for one in run.report["problems"]}
    assert authors["two.py"] == "openai/m-1"
    assert authors["one.py"].startswith("scripted/")
    assert "refused" not in script.asked[0].messages[1][1], "the question is the model's first"


@pytest.mark.parametrize("name", SPOKEN)
def test_a_winner_closes_its_siblings_stream_while_the_run_goes_on(wired: Wired, name: str) -> None:
    """The sibling wins once the other one listens; a test of the user's holds the run open until then."""
    wired.problems("one")
    wired.example.write("test_users.py", HOLDS)
    listens: list[Asked] = []

    def first_listens(asked: Asked) -> model.Turn:
        if not listens:
            listens.append(asked)
            return model.endless(asked)
        return model.code(right())(asked)

    script = about(one=[first_listens])
    with wire(script) as server:
        process = wired.spawn(name, server, "-n3", "--kernelfalcon-seeds=2", ".")
        reach(process, lambda: bool(listens) and listens[0].request.left.is_set())
        assert process.poll() is None, "at once, and not at the run's end"
        (wired.example.path / "over").touch()
        output = ended(process)
    assert process.returncode == 0, output
    assert "1 won" in output
    assert "1 cancelled" in output


HOLDS = """
import pathlib
import time


def test_holds():
    while not pathlib.Path("over").exists():
        time.sleep(0.05)
"""


def test_calls_of_all_workers_keep_one_limit(wired: Wired) -> None:
    """Four workers, one call at a time: while the server holds one, no second one comes."""
    names = ("one", "two", "three", "four")
    wired.problems(*names)
    lock, second = threading.Lock(), threading.Event()
    now: list[Asked] = []

    def alone(asked: Asked) -> model.Turn:
        with lock:
            now.append(asked)
            if len(now) > 1:
                second.set()
        second.wait(0.5)
        with lock:
            now.remove(asked)
        return model.code(right())(asked)

    script = about(**{name: [alone] for name in names})
    with wire(script) as server:
        process = wired.spawn("chat", server, "-n4", "--kernelfalcon-calls=1", *(f"{name}.py" for name in names))
        ended(process)
    assert (process.returncode, len(script.asked)) == (0, 4)
    assert not second.is_set()
