"""Damaged launch plans before the executor: it must answer each, and never fail itself.

    python -m benchmarks.fuzz_plans --count 5000 --seed 7

Plays the tracer for a role `executor`, as a candidate that took the tracer over would: a valid plan of every kind of
message, of which some are changed. The exit code is 1 where the executor failed, crashed or did not answer.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.figures import machine
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.child import Child
from pytest_kernelfalcon.judge.host import Zygote, Zygotes
from pytest_kernelfalcon.judge.wire import HEADER, Channel, Closed

ENDS = ("result", "fail", "unsupported", "unreadable", "costly")
SOURCE = """\
import torch
import triton
import triton.language as tl


@triton.jit
def twice(x):
    return x * 2


@triton.jit
def plain(x_ptr, y_ptr, n, scale, BLOCK: tl.constexpr, DTYPE: tl.constexpr, apply: tl.constexpr, WORD: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n)
    if WORD == "twice":
        x = apply(x)
    tl.store(y_ptr + offsets, (x * scale).to(DTYPE), mask=offsets < n)


@triton.jit
def tiles(x_desc, y_ptrs, sizes):
    tile = x_desc.load([0, 0])
    offsets = tl.arange(0, 4)[:, None] * sizes[0] + tl.arange(0, 16)[None, :]
    tl.store(y_ptrs[0] + offsets, tile)


def kernel_function(x):
    pass
"""
STORAGES = [2048, 64]
"""Bytes of the call's inputs: 512 elements of float32, and one that may be read."""


def tensor(**changes: Any) -> dict[str, Any]:
    return {"shape": [512], "stride": [1], "offset": 0, "dtype": "float32", "storage": 0} | changes


def plan() -> list[dict[str, Any]]:
    """A valid plan with every kind of message and of argument."""
    out = tensor(storage=2)
    arguments = {"x_ptr": {"tensor": tensor()}, "y_ptr": {"tensor": out, "as": "int32"}, "n": 512, "scale": 2.0}
    arguments |= {"BLOCK": 256, "DTYPE": {"dtype": "fp32"}, "apply": {"kernel": "twice"}, "WORD": "twice"}
    tile = {"descriptor": tensor(), "shape": [32, 16], "strides": [16, 1], "block": [4, 16], "padding": "zero"}
    pair = {"tuple": [{"tensor": tensor(storage=3, shape=[4, 16], stride=[16, 1])}, None]}
    tiled = {"x_desc": tile, "y_ptrs": pair, "sizes": {"tuple": [16, {"tuple": []}]}}
    options = {"num_warps": 4, "num_stages": 2}
    return [
        {"op": "alloc", "storage": 2, "bytes": 2048},
        {"op": "fill", "tensor": out, "value": 0.0},
        {"op": "tune", "kernel": "plain", "count": 3, "pick": 1},
        {"op": "launch", "kernel": "plain", "grid": [2], "arguments": arguments, "options": options, "line": 11},
        {"op": "alloc", "storage": 3, "bytes": 256},
        {"op": "launch", "kernel": "tiles", "grid": [1, 1, 1], "arguments": tiled, "options": {}, "line": 12},
        {"op": "copy", "target": tensor(storage=3, shape=[16]), "source": tensor(storage=1, shape=[16])},
        {"op": "read", "tensor": tensor(storage=2, shape=[2], stride=[7]), "line": 13},
        {
            "op": "result",
            "tree": {"tuple": [{"t": out}, {"list": [{"v": 1}, {"f": "nan"}]}, {"dict": {"a": {"t": out}}}]},
        },
        {"op": "end"},
    ]


def odd_values() -> list[Any]:
    """What a field might hold instead."""
    deep: Any = 1
    for _ in range(30):
        deep = [deep]
    numbers = [True, -1, 0, 1, 3, 16, 511, 513, 2**20, 2**31, 2**53, 2**62, 2**63, -(2**63) - 1, 10**4000]
    floats = [0.5, 4.0, float("nan"), float("inf"), -1e308]
    texts = ["", "twice", "tiles", "nan", "fp8e4nv", "i1", "\ud800", "\x1b[2J\n", "x" * 300, "__class__"]
    types = ["float64", "int8", "uint64", "bool", "float8_e5m2", "bfloat16", "object"]
    trees = [[], {}, [[]], [0], [1, 1], [1] * 9, {"tensor": tensor()}, {"t": tensor()}, {"tuple": [0.1] * 65}, deep]
    return [None, *numbers, *floats, *texts, *types, *trees]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in it, with each of its keys or indices."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def damaged(source: random.Random, messages: list[dict[str, Any]]) -> list[bytes]:
    """One to three changes somewhere in a plan, as frames' contents."""
    messages = copy.deepcopy(messages)
    for _ in range(source.randint(1, 3)):
        if source.random() < 0.2 and messages:
            _reordered(source, messages)
            continue
        holder, key = source.choice([*places(messages)] or [({}, "op")])
        other, at = source.choice([*places(messages)] or [({"op": 0}, "op")])
        change = source.randrange(6)
        if change == 0 and isinstance(holder, dict):
            holder.pop(key, None)
        elif change == 1 and isinstance(holder, dict):
            holder[source.choice(["op", "line", "x", "tensor"])] = source.choice(odd_values())
        elif change == 2:
            holder[key] = copy.deepcopy(other[at])
        elif change == 3 and isinstance(holder.__getitem__(key), int | float):
            holder[key] += source.choice([-1, 1, 2**31, 0.5])
        else:
            holder[key] = source.choice(odd_values())
    return [_encoded(source, message) for message in messages]


def _reordered(source: random.Random, messages: list[dict[str, Any]]) -> None:
    one, other = source.randrange(len(messages)), source.randrange(len(messages))
    if source.random() < 0.5:
        messages[one], messages[other] = messages[other], messages[one]
    else:
        messages.insert(one, copy.deepcopy(messages[other]))


def _encoded(source: random.Random, message: Any) -> bytes:
    """Sometimes with bytes that are no JSON, or a key twice."""
    sys.set_int_max_str_digits(5000)
    data = json.dumps(message).encode()
    if source.random() < 0.03:
        at = source.randrange(len(data))
        return data[:at] + bytes([source.randrange(256)]) + data[at + source.randint(0, 2) :]
    if source.random() < 0.02:
        return data[:-1] + b', "op": "result"}'
    return data


class Played:
    """An executor whose tracer is played; start anew after each plan, so that none hangs on another."""

    def __init__(self) -> None:
        self._zygotes = Zygotes(["interpreted"], partial(Zygote, sandbox="auto"))

    def close(self) -> None:
        self._zygotes.close()

    @contextmanager
    def _executor(self) -> Iterator[tuple[Child, Channel]]:
        ours, theirs = Channel.pair()
        job = {"source": SOURCE, "seconds": 5.0, "output_bytes": 4096}
        try:
            with self._zygotes.fork("executor", job, Control(), [theirs.fileno()]) as executor:
                ours.send({"op": "ready"})
                assert executor.receive(Control(), 30)[0]["end"] == "ready"
                yield executor, ours
        finally:
            ours.close()
            theirs.close()

    def answer(self, messages: list[bytes], dry: bool) -> dict[str, Any]:
        """What the executor tells the parent of a call in which its tracer sends these.

        Raises JudgeError, Ended or Overdue where it fails, dies or hangs.
        """
        inputs = [{"t": tensor()}, {"t": tensor(storage=1, shape=[16])}]
        pieces = [{"offset": 0, "nbytes": STORAGES[0]}, {"offset": STORAGES[0], "nbytes": STORAGES[1]}]
        call = {"inputs": inputs, "state": {}, "init": None, "storages": pieces, "names": ["x", "y"], "mutates": []}
        how = {
            "same": False,
            "watch": True,
            "races": True,
            "order": "forward",
            "pick": 0,
            "times": 1,
            "read": [],
            "told": False,
            "dry": dry,
        }
        with self._executor() as (executor, line), _memory(sum(STORAGES)) as fd:
            executor.send({"call": call | how | {"operations": 2000}}, [] if dry else [fd])
            for data in messages:
                try:
                    line.sock.sendall(HEADER.pack(len(data)) + data)
                except OSError:
                    break  # it has hung up
            line.sock.shutdown(1)
            while "end" not in (answer := executor.receive(Control(), 30)[0]):
                pass
            return answer


@contextmanager
def _memory(size: int) -> Iterator[int]:
    fd = os.memfd_create("inputs")
    try:
        os.truncate(fd, size)
        yield fd
    finally:
        os.close(fd)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz_plans",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=1000, help="plans (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start, ends, failures = time.monotonic(), Counter[str](), 0
    played = Played()
    for number in range(options.count):
        source = random.Random(f"{options.seed} {number}")
        messages = damaged(source, plan())
        try:
            answer = played.answer(messages, dry=source.random() < 0.3)
            ends[f"{answer['end']} {answer.get('cause', '')}"] += 1
        except (Exception, Closed) as error:
            failures += 1
            print(f"--- plan {number}: {type(error).__name__}: {error}", *messages, sep="\n")
    played.close()
    for end, count in ends.most_common():
        print(f"{count:6}  {end}")
    print(f"{failures} failures; {options.count} plans in {time.monotonic() - start:.0f} s on {machine()}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
