"""Kernels that differ only in what their arguments are called become one kernel, which is launched again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from typing import Any

from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.text import Names
from pytest_kernelfalcon.generator.cookbook.stage import Stage


def merged(stages: Sequence[Stage], numerics: Numerics) -> list[Stage]:
    """The stages, all lowered; those whose kernels are equal have one name, and no two kernels have the same."""
    groups: list[list[int]] = []
    found = list(stages)
    for k, stage in enumerate(stages):
        for group in groups:
            same = _alike([stages[j] for j in (*group, k)], numerics) if _may_be(stages[group[0]], stage) else []
            if same:
                group.append(k)
                for j, new in zip(group, same, strict=True):
                    found[j] = new
                break
        else:
            groups.append([k])
    names = Names()
    for group in groups:
        name = names.fresh(re.sub(r"(?<=_kernel)_\d+$", "", stages[group[0]].name))
        for k in group:
            found[k].name = name
    return found


def _may_be(a: Stage, b: Stage) -> bool:
    """Whether it is worth a closer look."""
    kinds = [[(leaf.dtype, leaf.kind, len(leaf.shape)) for leaf in stage.sources] for stage in (a, b)]
    return type(a) is type(b) and kinds[0] == kinds[1] and len(a.parameters()) == len(b.parameters())


def _alike(stages: Sequence[Stage], numerics: Numerics) -> list[Stage]:
    """The stages, their arguments called after what their names have in common, if they are equal then; else none."""
    columns = zip(*([leaf.node.name for leaf in stage.sources] for stage in stages), strict=True)
    names = Names()
    common = [names.fresh(_common(column)) for column in columns]
    again = [_renamed(stage, common, numerics) for stage in stages]
    texts = {"\n".join([*stage.parameters(), *stage.lines()]) for stage in again}
    return again if len(texts) == 1 else []


def _common(names: Sequence[str]) -> str:
    """The last words that names share; `x` if there are none."""
    words = [re.sub(r"_\d+$", "", name).split("_") for name in names]
    same: list[str] = []
    for ends in zip(*(reversed(word) for word in words), strict=False):
        if len({*ends}) > 1:
            break
        same.insert(0, ends[0])
    return "_".join(same) or "x"


def _renamed(stage: Any, names: Sequence[str], numerics: Numerics) -> Stage:
    """The stage written again, with other names for what it reads."""
    new = {leaf.node.id: name for leaf, name in zip(stage.sources, names, strict=True)}
    nodes = {id: replace(node, name=new.get(id, node.name)) for id, node in stage.graph.nodes.items()}
    empty = {f.name: f.default_factory() for f in fields(stage) if f.default_factory is not MISSING}
    again: Stage = replace(stage, graph=replace(stage.graph, nodes=nodes), **empty)
    again.lower(numerics)
    return again
