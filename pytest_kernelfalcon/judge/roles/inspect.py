"""Role `inspect`: a problem as a contract, found by running it. PYTEST_DONT_REWRITE

Job {"source", "path", "id"}. Messages: {"phase"} before each step, then {"contract"} or {"broken", "facts", "line"}.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import DECLARED_FAKE, Contract, Sizes
from pytest_kernelfalcon.contracts.variants import Variants
from pytest_kernelfalcon.judge.roles import describe
from pytest_kernelfalcon.judge.roles.behaviour import observe
from pytest_kernelfalcon.judge.roles.broken import Broken, listener
from pytest_kernelfalcon.judge.roles.first_look import first_look
from pytest_kernelfalcon.judge.roles.held import state_of
from pytest_kernelfalcon.judge.roles.modules import init_tree
from pytest_kernelfalcon.judge.roles.probe import Probe, Seen, affordable
from pytest_kernelfalcon.judge.roles.sizing import Sizing, survey
from pytest_kernelfalcon.judge.roles.telling import telling
from pytest_kernelfalcon.judge.wire import Channel

SIZES_SECONDS = 20.0
MAX_OPS = 4096

WARM = """
import torch
n = 8
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) + 1
def get_inputs():
    return [torch.rand(n)]
def get_init_inputs():
    return []
"""


def preload() -> None:
    """Torch's first meta operations load hundreds of modules: done here, a fork need not do it again."""
    answer({"source": WARM, "path": "warm.py", "id": "warm"}, lambda phase: None)


def serve(channel: Channel, job: dict[str, Any]) -> None:
    channel.send(answer(job, lambda phase: channel.send({"phase": phase})))


def answer(job: dict[str, Any], announce: Callable[[str], None]) -> dict[str, Any]:
    """The last message. `announce` is told of each phase before it begins."""
    token = listener.set(announce)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {"contract": inspect(job["source"], job["path"], job["id"]).to_json()}
    except Broken as broken:
        return {"broken": broken.cause.value, "facts": broken.facts, "line": broken.line}
    finally:
        listener.reset(token)


def inspect(source: str, path: str, name: str) -> Contract:
    """The problem as a contract with the id `name`. Raises `Broken`."""
    probe, seen = first_look(source, path)
    sizing = _sizes(probe, seen)
    form = _runnable_form(probe, seen, sizing)
    behaviour = observe(Probe(source, path, "real", math.inf).instance(form))
    probe.deadline = math.inf
    sizing, variants = _telling(probe, seen, form, sizing, behaviour.mutated)
    flags = [*sizing.flags] if affordable(seen) else [*sizing.flags, DECLARED_FAKE]
    instance = probe.instance({})
    held = state_of(instance.model)
    names = describe.input_names(instance, {item.arg for item in held})
    if instance.dropout_eval:
        flags.append("dropout_eval")
    if behaviour.updates_state:
        flags.append("updates_state")
    if len(seen.ops) > MAX_OPS:
        flags.append("ops_truncated")
    return Contract(
        id=name,
        source={"module": path, "code": source},
        inputs=describe.inputs_of(instance, names),
        state=[describe.state_entry(item) for item in held],
        outputs=describe.outputs_of(seen, behaviour, names),
        output_tree=seen.output_tree,
        ops=list(seen.ops[:MAX_OPS]),
        sizes=sizing.sizes,
        declared=sizing.declared,
        admitted=sizing.admitted,
        shrunk=sizing.shrunk,
        admitted_shrunk=sizing.admitted_shrunk,
        variants=variants,
        init=init_tree(instance),
        mutates=[names[position] for position in behaviour.mutated],
        flags=flags,
        graph=describe.graph_of(instance, held, names, len(seen.ops)),
    )


def _sizes(probe: Probe, seen: Seen) -> Sizing:
    announce = listener.get()
    announce("sizes")
    token = listener.set(lambda phase: None)
    try:
        probe.deadline = time.monotonic() + SIZES_SECONDS
        return survey(probe, seen)
    finally:
        listener.reset(token)


def _runnable_form(probe: Probe, seen: Seen, sizing: Sizing) -> Sizes:
    """The sizes at which the problem is checked on real tensors: its own, unless they take too much."""
    if affordable(seen):
        return {}
    form = sizing.shrunk or {}
    if not Probe(probe.source, probe.path, "real", math.inf).fits(form):
        raise Broken(Cause.PROBLEM_MEMORY, detail="forward")
    return form


def _telling(probe: Probe, seen: Seen, form: Sizes, sizing: Sizing, mutates: list[int]) -> tuple[Sizing, Variants]:
    announce = listener.get()
    announce("variants")
    token = listener.set(lambda phase: None)
    try:
        return telling(probe, seen, form, sizing, mutates)
    finally:
        listener.reset(token)
