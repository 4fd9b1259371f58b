"""`pytest --kernelfalcon` with a model that misbehaves, over every wire, in one process."""

from __future__ import annotations

import pytest

from tests.wire import model
from tests.wire.asking import KEY, SPOKEN, WIRES
from tests.wire.running import Wired, about, author, kernel, right
from tests.wire.server import wire

LINE, MENDED = "tl.store(out_ptr + offsets, x + 4.0, mask=mask)", "tl.store(out_ptr + offsets, x + 5.0, mask=mask)"

OTHERWISE = kernel(3, "undecided")
"""Ends otherwise than the one before it: rounds that fail alike make a seed begin anew."""

ANSWERS = [
    model.limited,
    model.talking(kernel(2)),
    model.breaks,
    model.overloaded,
    model.wrongly_fenced(OTHERWISE),
    model.cut,
    model.unclosed(kernel(4)),
    model.gives_up,
    model.editing(LINE, MENDED),
    model.truncated,
    model.again,
    model.bare(kernel(6, "undecided")),
    model.code(right()),
]
TOLD_AGAIN = ["rate_limited", "server_error", "overloaded", "cut", "truncated_json"]
JUDGED = [kernel(2), OTHERWISE, kernel(4), kernel(5), kernel(6, "undecided"), right()]


@pytest.mark.parametrize("name", SPOKEN)
def test_a_model_that_misbehaves_in_every_way_is_heard_until_it_is_right(wired: Wired, name: str) -> None:
    wired.problems("one")
    script = about(one=ANSWERS)
    with wire(script) as server:
        run = wired.run(name, server, "one.py")
    assert (run.ret, set(run.ended.values())) == (0, {"WON", "PASSED"}), run.output
    assert [one["outcome"] for one in wired.events("call_again")] == TOLD_AGAIN
    assert len(wired.events("unusable")) == 1
    rounds = wired.events("round")
    assert [one["repeated"] for one in rounds] == [False] * 4 + [True, False, False]
    assert [one["author"] for one in rounds] == [author(name)] * 7
    assert wired.judged() == JUDGED
    assert len(script.asked) == len(ANSWERS), "each call was of use, and none was made after the last"
    assert run.problem()["subgraphs"][0]["round"] == 6


@pytest.mark.parametrize("name", WIRES)
def test_an_accepted_kernel_is_asked_for_once_and_kept(wired: Wired, name: str) -> None:
    wired.problems("one")
    with wire(about(one=[model.code(right())])) as server:
        run = wired.run(name, server, "one.py", "--kernelfalcon-update")
        assert run.ret == 0, run.output
        again = wired.run(name, server, "one.py")
    assert len(server.requests) == 1, "a kept kernel is judged, and nobody is asked"
    assert again.ret == 0
    assert (wired.example.path / "__kernels__" / "one.py").read_text() == right()
    assert author(name) in (wired.example.path / "__kernels__" / "one.json").read_text()


@pytest.mark.parametrize("name", SPOKEN)
def test_a_key_and_what_a_server_sends_back_of_it_are_in_no_file_and_on_no_screen(wired: Wired, name: str) -> None:
    wired.problems("one")
    echo = model.failing(500, "server_error", f"your key {KEY} is fine", retry_after_ms="10")
    moves = [lambda asked: echo, model.says(f"your key is {KEY}"), model.code(f"# {KEY}\n{kernel(2)}"),
             model.code(right())]  # fmt: skip
    with wire(about(one=moves)) as server:
        run = wired.run(name, server, "one.py", "--kernelfalcon-html=page.html", "--junitxml=junit.xml")
    assert run.ret == 0, run.output
    assert KEY not in run.output
    files = [path for path in wired.example.path.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert [request.headers for request in server.requests if KEY in str(request.headers)], "it was sent"
    assert len([one for one in files if b"[key]" in one.read_bytes()]) > 1
