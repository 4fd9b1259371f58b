from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled
from pytest_kernelfalcon.store.blackboard import Attempt, Board, NoKernel, SeedRecord, SeedState
from pytest_kernelfalcon.store.state import State

Says = dict[int, SeedState]


class World:
    """A contract's blackboard, and attempts that end as they are told to."""

    def __init__(self, path: Path, run: str = "run", seeds: int = 3, adopts: bool = True) -> None:
        self.tried: list[int] = []
        self.ended: list[SeedRecord] = []
        self.stop: str | None = None
        self.board = Board(
            path / run,
            State(path / "state", pytest.fail),
            run,
            seeds,
            lambda _: adopts,
            lambda: self.stop,
            self.ended.append,
        )

    def attempt(self, **says: SeedState) -> Attempt:
        """`attempt(seed0="won")`: the others are lost."""

        def run(seed: int, cancelled: Callable[[], str | None]) -> SeedRecord:
            self.tried.append(seed)
            return record(seed, says.get(f"seed{seed}", "lost"), self.board.run)

        return run


def record(seed: int, state: SeedState, run: str = "run") -> SeedRecord:
    source = f"kernel {seed}" if state in ("won", "late", "specialised") else ""
    return SeedRecord(seed, state, run, reason=f"{state}!", author="me", source=source)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_first_seed_to_win_spares_the_others(world: World) -> None:
    attempt = world.attempt(seed1="won")
    assert world.board.run_seed(0, attempt).state == "lost"
    assert world.board.run_seed(1, attempt).state == "won"
    with pytest.raises(Cancelled, match=r"^seed\[1\] won$"):
        world.board.run_seed(2, attempt)
    assert world.tried == [0, 1]
    assert [ended.seed for ended in world.ended] == [0, 1]


def test_a_seed_that_ended_is_not_tried_again(world: World) -> None:
    first = world.board.run_seed(0, world.attempt())
    assert world.board.run_seed(0, world.attempt(seed0="won")) == first
    assert world.tried == [0]


def test_a_winner_can_be_pulled_before_any_seed_was_run(world: World) -> None:
    assert world.board.obtain(world.attempt(seed1="won")).seed == 1
    assert world.tried == [0, 1]


def test_without_a_winner_every_seeds_end_is_told(world: World) -> None:
    with pytest.raises(NoKernel) as caught:
        world.board.obtain(world.attempt(seed1="exhausted"))
    assert [(ended.seed, ended.state) for ended in caught.value.records] == [
        (0, "lost"), (1, "exhausted"), (2, "lost"),
    ]  # fmt: skip


def test_a_seed_that_wins_after_another_is_late_and_wins_once_that_one_is_withdrawn(world: World) -> None:
    board = world.board

    def overtaken(seed: int, cancelled: Callable[[], str | None]) -> SeedRecord:
        board.run_seed(0, world.attempt(seed0="won"))
        assert cancelled() == "seed[0] won"
        return record(seed, "won")

    assert board.run_seed(1, overtaken).state == "late"
    board.withdraw(record(0, "won"), "lost", "refused at accept", {"outcome": "refused"})
    assert board.obtain(world.attempt()).seed == 1
    ended = board.record(0)
    assert ended is not None
    assert (ended.state, ended.reason, ended.verdict) == ("lost", "refused at accept", {"outcome": "refused"})
    assert world.tried == [0]


def test_a_specialised_kernel_wins_only_when_all_seeds_have_ended(world: World) -> None:
    assert world.board.obtain(world.attempt(seed0="specialised")).state == "specialised"
    assert world.tried == [0, 1, 2]


def test_an_accepted_kernel_goes_before_a_specialised_one(world: World) -> None:
    assert world.board.obtain(world.attempt(seed0="specialised", seed2="won")).seed == 2


def test_a_winner_found_to_be_specialised_makes_room_and_comes_back(world: World) -> None:
    winner = world.board.obtain(world.attempt(seed0="won"))
    world.board.withdraw(winner, "specialised", "declared sizes only", {})
    again = world.board.obtain(world.attempt())
    assert (again.seed, again.state, world.tried) == (0, "specialised", [0, 1, 2])


def test_a_cancelled_seed_can_be_taken_up_again(world: World) -> None:
    def cancelled(seed: int, cancelled: Callable[[], str | None]) -> SeedRecord:
        raise Cancelled("seed[0] won")

    with pytest.raises(Cancelled):
        world.board.run_seed(1, cancelled)
    assert world.board.record(1) is None
    assert world.board.run_seed(1, world.attempt(seed1="won")).state == "won"


def test_nothing_is_begun_once_the_run_is_stopped(world: World) -> None:
    world.stop = "the run was stopped"
    for pull in (lambda: world.board.obtain(world.attempt()), lambda: world.board.run_seed(0, world.attempt())):
        with pytest.raises(Cancelled, match="the run was stopped"):
            pull()
    assert world.tried == []


def test_a_later_run_takes_an_earlier_winner_unless_it_must_not(tmp_path: Path) -> None:
    World(tmp_path, "first").board.obtain(World(tmp_path, "first").attempt(seed1="won"))
    fresh = World(tmp_path, "fresh", adopts=False)
    assert fresh.board.obtain(fresh.attempt(seed2="won")).seed == 2
    later = World(tmp_path, "later")
    found = later.board.run_seed(2, later.attempt())
    assert (found.run, found.seed, later.tried) == ("fresh", 2, [])
    with pytest.raises(Cancelled, match=r"seed\[2\] won in an earlier run"):
        later.board.run_seed(0, later.attempt())


def test_an_earlier_winner_that_is_refused_does_not_come_back(tmp_path: Path) -> None:
    first, later = World(tmp_path, "first"), World(tmp_path, "later")
    first.board.obtain(first.attempt(seed0="won"))
    winner = later.board.obtain(later.attempt())
    state = tmp_path / "state" / "winner.json"
    found = state.read_text()
    later.board.withdraw(winner, "lost", "refused at accept", {})
    assert not state.exists()
    state.write_text(found)  # as another run of the same time may do
    with pytest.raises(NoKernel):
        later.board.obtain(later.attempt())
    assert later.tried == [0, 1, 2]


def _die(path: Path) -> None:
    World(path).board.run_seed(0, lambda *_: os._exit(9))


def _slow_win(path: Path, begun: multiprocessing.synchronize.Event, go: multiprocessing.synchronize.Event) -> None:
    def attempt(seed: int, cancelled: Callable[[], str | None]) -> SeedRecord:
        begun.set()
        go.wait()
        return record(seed, "won")

    World(path, seeds=1).board.run_seed(0, attempt)


def test_a_seed_whose_process_died_has_crashed(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path,))
    process.start()
    process.join()
    world = World(tmp_path)
    assert world.board.run_seed(0, world.attempt(seed0="won")).state == "crashed"
    assert world.board.obtain(world.attempt(seed1="won")).seed == 1


def test_who_pulls_waits_for_a_seed_that_another_process_works_on(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    begun, go = context.Event(), context.Event()
    process = context.Process(target=_slow_win, args=(tmp_path, begun, go))
    process.start()
    begun.wait()
    world = World(tmp_path, seeds=1)
    looks: list[None] = []

    def stopped() -> None:  # asked once a turn: the second turn can only come from waiting
        looks.append(None)
        if len(looks) == 3:
            go.set()

    board = replace(world.board, stopped=stopped)
    assert board.obtain(world.attempt()).seed == 0
    assert world.tried == []
    process.join()
