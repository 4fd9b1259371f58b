"""What the wrapper calls the contract's inputs and state."""

from __future__ import annotations

import copy
import re

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph
from pytest_kernelfalcon.generator.cookbook.pointwise.text import Names


class Access:
    """Names of the wrapper's parameters, and of the nodes of the graph that they hold.

    positional: in the order of `get_inputs()`; renamed where state has the name. keywords: the state's `arg`s, which
    are fixed.
    """

    def __init__(self, contract: Contract, graph: Graph) -> None:
        self.keywords = [state.arg for state in contract.state if state.tied_to is None]
        self.names = Names(["float", "int", "max", "min", "sum", "abs", "all", "any", "pow", "round", *self.keywords])
        renamed = {item.name: self.names.fresh(item.name) for item in contract.inputs}
        self.positional = list(renamed.values())
        self.by_node = {id: name for name, id in graph.state.items()}
        for access, id in graph.inputs.items():
            root = re.split(r"\W", access, maxsplit=1)[0]
            self.by_node[id] = renamed[root] + access[len(root) :]
        self.mentioned: set[str] = set()

    @classmethod
    def blank(cls, access: Access) -> Access:
        """One to try things with, which leaves `access` as it is."""
        copied = copy.copy(access)
        copied.names, copied.mentioned = Names(), set()
        return copied

    def expression(self, text: str) -> str:
        """An expression over the ids of nodes, over the wrapper's variables: these must keep their shapes."""

        def name(match: re.Match[str]) -> str:
            self.mentioned.add(match[0])
            return self.by_node[match[0]]

        return re.sub(r"\bn\d+\b", name, text)
