"""`kernel_function`: what all stages share of it. It names tensors, makes views, and returns the results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import broken, call, is_float
from pytest_kernelfalcon.generator.cookbook.stage import Leaf, Stage


class Wrapper:
    """Writes the wrapper's lines around stages.

    graph: the contract's whole graph. out: the variable of each result that a stage computes. own: variables that
    the wrapper itself has made of inputs; dense: those that are contiguous. numbers: the variable for each number that
    has one, by its text; views: likewise of views. fixed: workspaces whose dtype is the same whatever the inputs' is.
    """

    def __init__(self, contract: Contract, graph: Graph, access: Access, stages: Sequence[Stage]) -> None:
        self.graph = graph
        self.access = access
        self.stages = stages
        self.out: dict[Ref, str] = {}
        self.own: set[str] = set()
        self.dense: set[str] = set()
        self.numbers: dict[str, str] = {}
        self.views: dict[str, str] = {}
        self.fixed: set[str] = set()
        self.changed = {graph.inputs[name] for name in graph.mutated}
        self._contract = contract
        self._uses = Counter(leaf.node.id for stage in stages for leaf in stage.sources)
        self._lines: list[str] = []

    def signature(self) -> list[str]:
        star = ["*"] if self.access.keywords else []
        return call("def kernel_function", [*self.access.positional, *star, *self.access.keywords], ":", 0)

    def lines(self) -> list[str]:
        """The wrapper's body."""
        for stage in self.stages:
            for ref in stage.refs:
                self._name(ref)
            stage.launch(self)
        for name, ref in self.graph.mutated.items():
            self.add(f"    {self.access.by_node[self.graph.inputs[name]]}.copy_({self.out[ref]})")
        self.add(f"    return {self._returned()}")
        return self._lines

    def add(self, *lines: str) -> None:
        """Adds lines, indented as they are to stand."""
        self._lines += lines

    def _name(self, ref: Ref) -> None:
        """The variable of a stage's result: `out` where it is returned, else what the graph calls it."""
        results = {*self.graph.results, *self.graph.mutated.values()}
        if ref not in results:
            wish = self.graph.title(ref)
        elif sum(r in results for stage in self.stages for r in stage.refs) == 1:
            wish = "out"
        else:
            wish = f"out_{sum(r in results for r in self.out)}"
        self.out[ref] = self.access.names.fresh(wish)
        self.access.by_node[self.graph.workspace(ref)] = self.out[ref]
        self.dense.add(self.out[ref])

    def view(self, leaf: Leaf) -> str:
        """Writes the leaf's views; its variable."""
        text = variable = self.access.by_node[leaf.node.id]
        for step in leaf.replay.steps:
            if not text.isidentifier() and (step.count("{v}") > 1 or len(text) + len(step) > 90):
                text = variable = self.bind(leaf, text, variable)
            text = step.replace("{v}", text)
        return text if text.isidentifier() else self.bind(leaf, text, variable)

    def bind(self, leaf: Leaf, text: str, variable: str) -> str:
        """Assigns the leaf a variable: the one it has, unless something else looks at that."""
        if text in self.views:
            return self.views[text]
        looked_at = self.access.mentioned | self.changed
        free = self._uses[leaf.node.id] == 1 and leaf.node.op != "workspace" and leaf.node.id not in looked_at
        if not (variable in self.own or (free and variable.isidentifier())):
            source = self.access.by_node[leaf.node.id]
            called_so = leaf.name.startswith(source) or not source.isidentifier()
            variable = self.access.names.fresh(leaf.name if called_so else source)
            self.own.add(variable)
        self.add(*broken(f"{variable} = {text}", 4))
        self._forget(variable)
        if not _mentions(text, variable):
            self.views[text] = variable
        return variable

    def _forget(self, variable: str) -> None:
        """What was known of a variable that is assigned anew."""
        self.numbers = {text: name for text, name in self.numbers.items() if not _mentions(text, variable)}
        kept = {text: name for text, name in self.views.items() if name != variable}
        self.views = {text: name for text, name in kept.items() if not _mentions(text, variable)}

    def number(self, wish: str, text: str) -> str:
        """The variable for a number, assigned where it has none yet."""
        if text in self.numbers.values():
            return text
        if text not in self.numbers:
            self.numbers[text] = self.access.names.fresh(wish)
            self.add(f"    {self.numbers[text]} = {text}")
        return self.numbers[text]

    def contiguous(self, leaf: Leaf, variable: str) -> str:
        """Writes a copy of the leaf unless it is contiguous; its variable."""
        if variable in self.dense:
            return variable
        keeps = variable in self.own or leaf.node.id not in self.changed
        name = variable if keeps else self.access.names.fresh(f"{variable}_dense")
        self.add(f"    {name} = {variable}.contiguous()")
        self.dense.add(name)
        return name

    def allocate(self, ref: Ref, shape: str, variables: Iterable[tuple[Leaf, str]], follows: bool = True) -> None:
        """Writes the allocation of a result. variables: the tensors at hand, for its device and, if it `follows` them,
        its dtype.
        """
        dtype, given = self.graph.tensor(ref).dtype, list(variables)
        same = [variable for leaf, variable in given if leaf.dtype == dtype and leaf.node.id not in self.fixed]
        same = same or (self._inputs(dtype) if {leaf.node.id for leaf, _ in given} & self.fixed else [])
        follows = follows and bool(same) and is_float(dtype)
        typed = f"{same[0]}.dtype" if follows else f"torch.{dtype}"
        self.fixed |= set() if follows else {self.graph.workspace(ref)}
        device = next((variable for _, variable in given), None) or self._first_tensor()
        args = [shape, f"dtype={typed}", f"device={device}.device"]
        self.add(*call(f"{self.out[ref]} = torch.empty", args, "", 4))

    def _inputs(self, dtype: str) -> list[str]:
        """Inputs of a dtype."""
        nodes = (self.graph.nodes[id] for id in self.graph.inputs.values())
        return [self.access.by_node[node.id] for node in nodes if node.outputs and node.outputs[0].dtype == dtype]

    def _first_tensor(self) -> str:
        tensors = (node.id for node in self.graph.nodes.values() if node.op in ("input", "state"))
        return self.access.by_node[next(tensors)]

    def sizes(self, ref: Ref) -> str:
        """A result's shape as the graph says it follows from the inputs."""
        sizes = [self.access.expression(str(size)) for size in self.graph.tensor(ref).sizes]
        return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"

    def _returned(self) -> str:
        results = iter(self.graph.results)
        changed = {ref: self.access.by_node[self.graph.inputs[name]] for name, ref in self.graph.mutated.items()}

        def text(tree: dict[str, Any], top: bool) -> str:
            ((kind, content),) = tree.items()
            match kind:
                case "t":
                    ref = next(results)
                    return changed.get(ref) or self.out[ref]
                case "list":
                    return f"[{', '.join(text(item, False) for item in content)}]"
                case "tuple" if len(content) == 1:
                    return f"({text(content[0], False)},)"
                case "tuple":
                    items = ", ".join(text(item, False) for item in content)
                    return items if top and content else f"({items})"
                case "dict":
                    items = ", ".join(f"{_quoted(key)}: {text(item, False)}" for key, item in sorted(content.items()))
                    return f"{{{items}}}"
                case "f":
                    return f'float("{content}")'
            return _quoted(content) if isinstance(content, str) else repr(content)

        return text(self._contract.output_tree, True)


def _mentions(text: str, variable: str) -> bool:
    return re.search(rf"\b{re.escape(variable)}\b", text) is not None


def _quoted(text: str) -> str:
    """A string literal as ruff formats it."""
    return f'"{text}"' if repr(text) == f"'{text}'" and '"' not in text else repr(text)


def extent(shape: str, dims: Sequence[int], rank: int) -> str:
    """The number of elements along neighbouring dimensions of a shape, in the wrapper's text."""
    first, last = dims[0], dims[-1]
    if first == last:
        return f"{shape}[{first}]"
    return f"{shape}[{first or ''}:{last + 1 if last + 1 < rank else ''}].numel()"
