"""Many problems, judged by several processes at a time into a file of results that a later run goes on with."""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.attempt import Task, attempt
from benchmarks.results import Appending, Result, line, read, table
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.judge.judge import Judge, Unavailable

INTERRUPTED = 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of `measure`."""
    parser.add_argument("--kernels", type=Path, metavar="DIR", help="judge the kernels in DIR instead of searching")
    parser.add_argument("--platform", default="auto", help="where kernels run (auto)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="problems at a time (2)")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="seconds for one problem (600)")
    parser.add_argument("--limit-seconds", type=float, metavar="S", help="end after S seconds; the next run goes on")


def measure(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    problems: Mapping[str, Problem],
    results: Path,
    accepted: Path | None,
) -> int:
    """Judges those of the problems that `results` lacks and prints the totals of all. accepted: the folder for kernels
    that may be kept. Returns the exit code: 1 where our own code failed. Usage errors leave through `parser`.
    """
    if options.jobs < 1:
        parser.error(f"--jobs: {options.jobs} is too few. Fix: name 1 or more.")
    try:
        with Judge(options.platform) as judge:
            platform = judge.platform
        tasks = _tasks(problems, options.kernels, options.timeout)
        earlier = [result for result in read(results) if result["platform"] == platform]
    except (Unavailable, ValueError) as error:
        parser.error(str(error))
    run = Run(platform, options.jobs, options.limit_seconds, accepted)
    run.done = {task.name: result for result in earlier for task in tasks if _is_of(result, task)}
    left = [task for task in tasks if task.name not in run.done]
    print(f"{len(tasks)} problems on {platform}: {len(run.done)} done before, {len(left)} to do", flush=True)
    if options.kernels:
        print(f"{len(problems) - len(tasks)} further problems have no kernel in {options.kernels}", flush=True)
    stopped = bool(left) and not run.finish(left, results)
    print("\n".join(table(run.done.values(), len(tasks))))
    return INTERRUPTED if stopped else int(any(result["outcome"] == "failed" for result in run.done.values()))


def _tasks(problems: Mapping[str, Problem], kernels: Path | None, timeout: float) -> list[Task]:
    """Of every problem; or, where kernels are given, of those that have one."""
    if kernels is None:
        return [Task(name, problem, None, timeout) for name, problem in problems.items()]
    if not kernels.is_dir():
        raise ValueError(f"--kernels: {str(kernels)!r} is no folder. Fix: name one that an earlier run wrote.")
    files = {name: kernels / f"{name}.py" for name in problems}
    sources = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.is_file()}
    return [Task(name, problems[name], source, timeout) for name, source in sources.items()]


def _is_of(result: Result, task: Task) -> bool:
    """Whether it is the result of that task: the same problem, and the same kernel where one is given."""
    same = (result["name"], result["problem_sha256"]) == (task.name, task.problem.sha256)
    return same and (task.kernel is None or result["kernel_sha256"] == sha256(task.kernel))


@dataclass
class Run:
    """One run. limit_s: seconds, or None. done: results by the problem's name."""

    platform: str
    jobs: int
    limit_s: float | None
    accepted: Path | None
    done: dict[str, Result] = field(default_factory=dict)

    def finish(self, tasks: list[Task], results: Path) -> bool:
        """Judges the tasks; what the limit or an interrupt cuts short is not recorded. False for an interrupt."""
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        limit = None if self.limit_s is None else time.monotonic() + self.limit_s
        given = (self.platform, stop, limit)
        workers = ProcessPoolExecutor(min(self.jobs, len(tasks)), context, initializer=begin, initargs=given)
        with Appending(results) as file, workers as pool:
            try:
                for future in as_completed([pool.submit(_work, task) for task in tasks]):
                    if (answer := future.result()) is not None:
                        self._keep(*answer, file)
            except KeyboardInterrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would leave the pool half shut down
                return False
            finally:
                stop.set()
        return True

    def _keep(self, result: Result, kernel: str | None, file: Appending) -> None:
        if kernel is not None and self.accepted is not None:
            self.accepted.mkdir(parents=True, exist_ok=True)
            (self.accepted / f"{result['name']}.py").write_text(kernel, encoding="utf-8")
        file.add(result)
        self.done[result["name"]] = result
        print(line(result), flush=True)


@dataclass(frozen=True)
class Worker:
    """What a worker process holds between its tasks."""

    judge: Judge
    control: Control


WORKER: list[Worker] = []
"""The one of this process, once it has begun."""


def begin(platform: str, stop: Event, limit: float | None) -> None:
    """limit: a `time.monotonic()` value, the same clock in all processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's: it sets `stop`

    def stopped() -> str | None:
        if stop.is_set():
            return "interrupted"
        return "the limit" if limit is not None and time.monotonic() > limit else None

    threading.Thread(target=_end_with_parent, daemon=True).start()
    judge = Judge(platform)
    atexit.register(judge.close)
    WORKER.append(Worker(judge, Control(cancelled=stopped)))


def _end_with_parent() -> None:
    """A pool's worker does not see that its parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(task: Task) -> tuple[Result, str | None] | None:
    """The result and a kernel that may be kept; None where it was cut short."""
    (worker,) = WORKER
    try:
        record, kernel = attempt(task, worker.judge, worker.control)
    except Cancelled:
        return None
    return record.to_json(), kernel
