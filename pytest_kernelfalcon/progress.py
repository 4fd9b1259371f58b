"""What a run is doing, in words: folded from the record while it grows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_kernelfalcon import spending
from pytest_kernelfalcon.store import costs, digest
from pytest_kernelfalcon.store.tail import Tail

DECIDING = ("accept", "no_kernel", "compose", "broken", *digest.FAILURES)
"""Events after which a problem's outcome may be another one."""
UNWANTED = ("verdict",)
"""Facts that are large and decide nothing about an outcome."""
ALONE = "main"
"""The name of the only process, where no worker has part in the run."""


class Progress:
    """`read` takes in what is new; `total` and `workers` say it."""

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._events: dict[str, list[digest.Event]] = {}
        self._outcomes: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._at: dict[str, dict[str, Any]] = {}
        self._gone: set[str] = set()
        self._rounds = 0
        self._calls: list[digest.Event] = []
        self._begun = 0.0

    @property
    def begun(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._names)

    def read(self) -> None:
        for event in self._tail.read():
            self._take(event)

    def total(self) -> str:
        """How far the run is: `12/40 problems · 9 accepted · 1 no kernel · 37 rounds · 9.5k tokens · $0.42 · 2m10s`."""
        counts = Counter(self._outcomes.values())
        told = [f"{counts[outcome]} {outcome.replace('_', ' ')}" for outcome in digest.ENDS if counts[outcome]]
        rounds = f"{self._rounds} round{'' if self._rounds == 1 else 's'}"
        problems, clock = f"{len(self._outcomes)}/{len(self._names)} problems", _clock(time.time() - self._begun)
        parts = [problems, *told, rounds, spending.line(costs.total(self._calls)), clock]
        return " · ".join(filter(None, parts))

    def workers(self, steps: bool = True) -> list[str]:
        """What each worker is at, by their names: `gw0 7_gelu model seed[2] round 3 judging (run)`.

        steps: whether to tell the subgraph and the step of a round, too.
        """
        busy = [entry for entry in sorted(self._at.items(), key=_by_number) if entry[0] not in self._gone]
        return [" ".join(self._doing(worker, at, steps)) for worker, at in busy]

    def forget(self, worker: str) -> None:
        """It has ended, and what it was at may never be told."""
        self._gone.add(worker)

    def _take(self, event: digest.Event) -> None:
        kind, problem = event["event"], event.get("problem")
        if kind == "run":
            self._begun = event["time"]
        elif kind == "problem":
            self._names[event["problem"]] = event["shown"]
        elif kind == "begin":
            self._begin(event)
        elif kind in ("call_again", "call"):
            self._call(event)
        elif kind == "item":
            self._at.pop(event["worker"], None)
        elif kind == "round" and not event["repeated"]:
            self._rounds += 1
        if problem is not None and kind in ("problem", "plan", *DECIDING):
            self._events.setdefault(problem, []).append({k: v for k, v in event.items() if k not in UNWANTED})
        if problem is not None and kind in DECIDING and (outcome := digest.outcome(self._events[problem])):
            self._outcomes[problem] = outcome

    def _begin(self, event: digest.Event) -> None:
        """A stage goes on within what began before; all else begins anew."""
        before = self._at.get(event["worker"], {}) if "stage" in event else {}
        self._at[event["worker"]] = before | event

    def _call(self, event: digest.Event) -> None:
        """A call that is tried again says why, until the next one has ended."""
        at = self._at.get(event["worker"], {})
        at.pop("again", None)
        if event["event"] == "call_again":
            at["again"] = f"{event['outcome'].replace('_', ' ')}, again in {event['wait_s']:.0f} s"
        else:
            self._calls.append(event)

    def _doing(self, worker: str, at: dict[str, Any], steps: bool) -> Iterator[str]:
        if worker != ALONE:
            yield worker
        yield PurePosixPath(self._names.get(at["problem"], at["problem"])).stem
        if "subgraph" not in at:
            yield at["item"].rpartition("::")[2]
            if steps and not any(event["event"] == "plan" for event in self._events.get(at["problem"], ())):
                yield "inspecting"
            return
        if steps:
            yield at["subgraph"]
        yield "accept" if "gate" in at else f"seed[{at['seed']}] round {at.get('round', 0)}"
        if not steps:
            return
        if "stage" in at:
            yield f"judging ({at['stage']})"
        elif "author" in at:
            yield f"asking {at['author']}"
            if "again" in at:
                yield f"({at['again']})"


def _by_number(entry: tuple[str, object]) -> tuple[int, str]:
    """gw2 before gw10."""
    return len(entry[0]), entry[0]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
