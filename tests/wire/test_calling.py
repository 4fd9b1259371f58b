"""Calls are tried again where that helps, kept within one limit over all processes, and end as soon as they should."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.generator.llm.calling import Again, call
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Answer, Limits
from pytest_kernelfalcon.generator.llm.slots import Slots
from tests.wire.asking import LIMITS, REQUEST, SPOKEN, STREAMING, provider
from tests.wire.server import WireServer, wire
from tests.wire.turns import Turn, failing


class Caller:
    """Calls as an author does, and keeps what it is told. After `stop_after` notices the call is cancelled."""

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        self.slots, self.stop_after = Slots(folder / "slots", 2), stop_after
        self.told: list[Again] = []

    def cancelled(self) -> str | None:
        return "a sibling won" if self.stop_after is not None and len(self.told) >= self.stop_after else None

    def ask(self, server: WireServer, name: str = "chat", limits: Limits = LIMITS) -> Answer:
        control = Control(cancelled=self.cancelled)
        return call(provider(name, server, limits), REQUEST, control, self.slots, limits, self.told.append)


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize(
    "turn",
    [Turn(ending="cut"), Turn(ending="unfinished"), Turn(ending="truncated"), Turn(ending="error"), failing(529)],
    ids=["cut", "unfinished", "truncated", "error", "529"],
)
def test_what_may_go_better_is_tried_again(name: str, turn: Turn, tmp_path: Path) -> None:
    caller = Caller(tmp_path)
    with wire([turn, Turn()]) as server:
        assert caller.ask(server, name).text == "hello"
    assert [again.attempt for again in caller.told] == [0]


@pytest.mark.parametrize(
    "turn",
    [
        failing(401),
        failing(429, "insufficient_quota"),
        failing(500, x_should_retry="false"),
        failing(429, "rate_limit_error", retry_after="3600"),
        Turn(ending="max_tokens"),
        Turn(refusal="no"),
    ],
    ids=["key", "credit", "told not to", "asked to wait too long", "max tokens", "refusal"],
)
def test_what_cannot_go_better_is_not_tried_again(turn: Turn, tmp_path: Path) -> None:
    caller = Caller(tmp_path, stop_after=1)
    with wire([turn, Turn()]) as server, pytest.raises(CallFailed):
        caller.ask(server)
    assert len(server.requests) == 1
    assert caller.told == []


def test_the_tries_are_counted(tmp_path: Path) -> None:
    caller = Caller(tmp_path)
    with wire([failing(500)] * 9) as server, pytest.raises(CallFailed):
        caller.ask(server)
    assert len(server.requests) == 1 + LIMITS.retries
    assert len(caller.told) == LIMITS.retries


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize(("header", "value"), [("retry-after", "30"), ("retry-after-ms", "30000")])
def test_a_server_says_how_long_to_wait(name: str, header: str, value: str, tmp_path: Path) -> None:
    caller = Caller(tmp_path, stop_after=1)
    with wire([failing(429, "rate_limit_error", **{header: value})]) as server, pytest.raises(Cancelled):
        caller.ask(server, name)
    assert 30.0 <= caller.told[0].wait_s <= 33.0


def test_a_wait_can_be_left(tmp_path: Path) -> None:
    caller, ended = Caller(tmp_path, stop_after=1), threading.Event()

    def ask() -> None:
        with pytest.raises(Cancelled):
            caller.ask(server, limits=replace(LIMITS, longest_wait_s=10_000.0))
        ended.set()

    provider("chat", "http://127.0.0.1:9")
    with wire([failing(429, "rate_limit_error", retry_after="3600")]) as server:
        threading.Thread(target=ask, daemon=True).start()
        assert ended.wait(120)


def test_a_server_names_a_date_to_wait_for(tmp_path: Path) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    caller = Caller(tmp_path, stop_after=1)
    with wire([failing(429, "rate_limit_error", retry_after=date)]) as server, pytest.raises(Cancelled):
        caller.ask(server, limits=replace(LIMITS, longest_wait_s=200.0))
    assert caller.told[0].wait_s > LIMITS.first_wait_s * 2


SILENT = [
    *((name, Turn(ending=ending)) for name in STREAMING for ending in ("silent", "endless")),
    *((name, Turn(mute=True)) for name in SPOKEN),
    ("relay", Turn(ending="silent")),
]


@pytest.mark.parametrize(("name", "turn"), SILENT, ids=lambda value: getattr(value, "ending", value) or "mute")
def test_a_cancelled_call_closes_its_connection_at_once(name: str, turn: Turn) -> None:
    with wire([turn]) as server:
        control = Control(cancelled=lambda: "a sibling won" if server.requests else None)
        with pytest.raises(Cancelled, match="a sibling won"):
            provider(name, server).ask(REQUEST, control)
        assert server.requests[0].left.wait(60)


def test_an_interrupt_ends_a_call_too() -> None:
    def interrupted() -> str | None:
        if server.requests:
            raise KeyboardInterrupt
        return None

    with wire([Turn(mute=True)]) as server:
        with pytest.raises(KeyboardInterrupt):
            provider("chat", server).ask(REQUEST, Control(cancelled=interrupted))
        assert server.requests[0].left.wait(60)


def test_a_deadline_ends_a_call() -> None:
    with wire([Turn(mute=True)]) as server:
        with pytest.raises(DeadlineExceeded):
            provider("chat", server).ask(REQUEST, Control().within(0.3))
        assert all(request.left.wait(60) for request in server.requests)


def test_a_call_works_inside_a_running_event_loop() -> None:
    with wire([Turn()]) as server:

        async def inside() -> Answer:
            return provider("chat", server).ask(REQUEST, Control())

        assert asyncio.run(inside()).text == "hello"


def taken_at_once(slots: Slots) -> bool:
    """Whether one is free: a second look is not waited for."""
    looks = iter([None, "no slot is free"])
    try:
        with slots.taken(Control(cancelled=lambda: next(looks))):
            return True
    except Cancelled:
        return False


def test_no_more_calls_are_under_way_than_there_are_slots(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 2)
    with slots.taken(Control()):
        with slots.taken(Control()):
            assert not taken_at_once(slots)
        assert taken_at_once(slots)


HOLDER = """
import sys, time
from pathlib import Path
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.slots import Slots

with Slots(Path(sys.argv[1]), 1).taken(Control()):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_process_lets_go_of_its_slot(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 1)
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=root, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == b"held\n"
            assert not taken_at_once(slots)
        finally:
            other.kill()
        other.wait()
    assert taken_at_once(slots)


def test_calls_of_a_run_wait_for_each_other(tmp_path: Path) -> None:
    """Six calls through two slots: the server, which looks out for it, never sees a third at a time."""
    lock, third = threading.Lock(), threading.Event()
    now: list[object] = []
    answers: list[str] = []

    def script(request: object) -> Turn:
        with lock:
            now.append(request)
            if len(now) > 2:
                third.set()
        third.wait(0.2)
        with lock:
            now.remove(request)
        return Turn()

    with wire(script) as server:
        asked, slots = provider("chat", server), Slots(tmp_path, 2)

        def ask() -> None:
            answers.append(call(asked, REQUEST, Control(), slots, LIMITS, lambda again: None).text)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == ["hello"] * 6
    assert not third.is_set()
