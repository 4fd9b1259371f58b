"""Zygotes that two judges share, and who may not use them."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge import platforms
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.lending import Lender, Lent, Offer
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.judge.wire import Channel, Closed
from tests.conftest import KERNEL, PROBLEM
from tests.judge.test_sandbox import namespaces
from tests.processes import all_end, begun, below, wait_until, zygotes

CONNECT = """
import socket
one = socket.socket(socket.AF_UNIX)
one.connect({address!r})
"""
BORROW = """
import json, socket, struct
one = socket.socket(socket.AF_UNIX)
one.settimeout(10)
one.connect({address!r})
data = json.dumps({request!r}).encode()
one.sendall(struct.pack(">I", len(data)) + data)
raise KeyError(repr(socket.recv_fds(one, 100, 4)[:2]))
"""


def borrowing(lender: Lender, sandbox: Any = "auto") -> Judge:
    return Judge("cpu", sandbox, opened=partial(Lent, offer=lender.offer))


def own_zygotes(before: set[int]) -> set[int]:
    return set(zygotes(os.getpid())) - before


@pytest.fixture(scope="module")
def before() -> set[int]:
    """Zygotes of this process that other tests have started."""
    return set(zygotes(os.getpid()))


@pytest.fixture(scope="module")
def lender(before: set[int]) -> Iterator[Lender]:
    with Lender("auto") as one:
        yield one


@pytest.fixture(scope="module")
def borrowers(lender: Lender) -> Iterator[list[Judge]]:
    with borrowing(lender) as first, borrowing(lender) as second:
        yield [first, second]


@pytest.fixture(scope="module")
def contract(borrowers: list[Judge]) -> Contract:
    return borrowers[0].inspect(Problem("problem.py", PROBLEM), Control())


ENDLESS = KERNEL.replace("    n = x", "    while True:\n        pass\n    n = x")


def test_two_judges_share_two_zygotes_and_do_not_wait_for_each_other(
    borrowers: list[Judge], contract: Contract, before: set[int]
) -> None:
    stop = threading.Event()
    control = Control(cancelled=lambda: "enough" if stop.is_set() else None)
    endless = threading.Thread(target=_stopped, args=(borrowers[0], contract, ENDLESS, control))
    endless.start()
    try:
        assert borrowers[1].judge(contract, KERNEL, "seed", Control()).outcome == "accepted"
        assert endless.is_alive(), "it was judged beside the other"
        assert len(own_zygotes(before)) == 2
        groups = {os.getpgid(zygote) for zygote in own_zygotes(before)}
        assert os.getpgid(0) not in groups, "an interrupt at the terminal is for pytest"
    finally:
        stop.set()
        endless.join()


def _stopped(judge: Judge, contract: Contract, source: str, control: Control) -> None:
    with pytest.raises(Cancelled):
        judge.judge(contract, source, "seed", control)


@namespaces
def test_what_runs_in_the_sandbox_cannot_reach_the_lender(borrowers: list[Judge], lender: Lender) -> None:
    code = CONNECT.format(address="\0" + lender.offer.address)
    assert "not permitted" in _told(borrowers[0], code)


def test_without_a_sandbox_the_secret_is_still_wanting() -> None:
    with Lender("off") as lender, borrowing(lender, "off") as judge:
        address = "\0" + lender.offer.address
        for secret in ("", "0" * 64, None):
            request = {"secret": secret, "kind": "plain", "want": "line"}
            assert "(b'', [])" in _told(judge, BORROW.format(address=address, request=request))
        request["secret"] = lender.offer.secret
        said = _told(judge, BORROW.format(address=address, request=request))
        assert '"lent": "plain"' in said, "with it, the same request is granted: the probe is a fair one"
        assert judge.inspect(Problem("problem.py", PROBLEM), Control()).ops


def _told(judge: Judge, code: str) -> str:
    with pytest.raises(ProblemError) as raised:
        judge.inspect(Problem("bad.py", f"{code}\n{PROBLEM}"), Control())
    return str(raised.value)


def test_what_is_forked_on_a_line_has_the_device_of_the_worker_that_was_lent_it(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(platforms.ENVIRONMENTS, "plain", lambda place: {"CUDA_VISIBLE_DEVICES": f"GPU-{place}"})
    for place in (1, 0):
        with Judge("cpu", opened=partial(Lent, offer=lender.offer, place=place), place=place) as judge:
            told = _told(judge, "import os\nraise KeyError(os.environ['CUDA_VISIBLE_DEVICES'])")
            assert f"KeyError: 'GPU-{place}'" in told


def test_nonsense_does_not_disturb_the_lender(lender: Lender) -> None:
    for nonsense in (b"", b"\xff" * 8, b"\0\0\0\2{}", b"\0\0\0\4null"):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(b"\0" + lender.offer.address.encode())
            one.sendall(nonsense)
            one.shutdown(socket.SHUT_WR)
            with pytest.raises(Closed):
                Channel(one).receive()
    with pytest.raises(JudgeError, match="there is no zygote 'other'"):
        Lent("other", lender.offer)


def test_the_secret_is_told_to_the_lender_alone(lender: Lender) -> None:
    """Whoever has taken the address of a lender that is gone is another process."""
    with pytest.raises(JudgeError, match="is gone"):
        Lent("plain", replace(lender.offer, pid=os.getpid() + 1))
    assert lender.offer.secret not in repr(lender.offer)


def test_an_offer_that_nobody_stands_for_is_an_error_of_the_judge(lender: Lender) -> None:
    with pytest.raises(JudgeError, match="does not answer"):
        Lent("plain", Offer(**asdict(lender.offer) | {"address": "kernelfalcon-nobody"}))


def test_a_zygote_that_dies_is_no_fault_of_what_it_forked_and_is_replaced(
    borrowers: list[Judge], contract: Contract, before: set[int]
) -> None:
    raised: list[BaseException] = []
    known = own_zygotes(before)
    waiting = {pid for zygote in known for pid in below(zygote)}
    work = threading.Thread(target=_inspected, args=(borrowers[0], f"import time; time.sleep(60)\n{PROBLEM}", raised))
    work.start()
    assert wait_until(lambda: bool({pid for zygote in known for pid in below(zygote)} - waiting), 20)
    forked = [begun(pid) for zygote in known for pid in below(zygote)]
    for zygote in known:
        os.kill(zygote, signal.SIGKILL)
    work.join(timeout=30)
    assert [type(error) for error in raised] == [JudgeError], raised
    assert all_end(forked), "nothing outlives its zygote"
    for judge in borrowers:
        assert judge.judge(contract, KERNEL, "seed", Control()).outcome == "accepted"
    assert len(own_zygotes(before)) == 2


def _inspected(judge: Judge, text: str, raised: list[BaseException]) -> None:
    try:
        judge.inspect(Problem("problem.py", text), Control())
    except Exception as error:
        raised.append(error)


def test_a_lender_that_is_closed_leaves_nothing(lender: Lender, borrowers: list[Judge], before: set[int]) -> None:
    """The last test of this file: its zygotes are those of all others."""
    borrowers[0].inspect(Problem("problem.py", PROBLEM), Control())
    started = [begun(pid) for zygote in own_zygotes(before) for pid in (zygote, *below(zygote))]
    assert len(started) >= 4
    lender.close()
    assert all_end(started)
    with pytest.raises(JudgeError):
        borrowers[0].inspect(Problem("problem.py", PROBLEM), Control())
