"""`kernel_function`: it allocates, makes views, and launches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel, Leaf
from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call, is_float


class Wrapper:
    """Writes the wrapper's lines around kernels that are lowered already."""

    def __init__(
        self, contract: Contract, graph: Graph, access: Access, kernels: Sequence[Kernel], configuration: Configuration
    ) -> None:
        self._contract = contract
        self._graph = graph
        self._access = access
        self._kernels = kernels
        self._configuration = configuration
        self._uses = Counter(leaf.node.id for kernel in kernels for leaf in kernel.leaves.values())
        self._changed = {graph.inputs[name] for name in graph.mutated}
        self._lines: list[str] = []
        self._out: dict[Ref, str] = {}
        self._dense: set[str] = set()
        self._own: set[str] = set()

    def signature(self) -> list[str]:
        star = ["*"] if self._access.keywords else []
        return call("def kernel_function", [*self._access.positional, *star, *self._access.keywords], ":", 0)

    def lines(self) -> list[str]:
        """The wrapper's body."""
        for kernel in self._kernels:
            for ref in kernel.refs:
                name = "out" if sum(len(k.refs) for k in self._kernels) == 1 else f"out_{len(self._out)}"
                self._out[ref] = self._access.names.fresh(name)
            self._launch(kernel)
        for name, ref in self._graph.mutated.items():
            self._lines.append(f"    {self._access.by_node[self._graph.inputs[name]]}.copy_({self._out[ref]})")
        self._lines.append(f"    return {self._returned()}")
        return self._lines

    def _launch(self, kernel: Kernel) -> None:
        variables = {id(leaf): self._view(leaf) for leaf in kernel.leaves.values()}
        self._make_dense(kernel, variables)
        self._allocate(kernel, variables)
        self._lay_out(kernel, variables)
        out = self._out[kernel.refs[0]]
        numel = "numel" if len(self._kernels) == 1 else f"{out}_numel"
        numel = self._access.names.fresh(numel)
        self._lines += [f"    {numel} = {out}.numel()", f"    if {numel} > 0:"]
        strides = [f"{variables[id(leaf)]}.stride({k})" for leaf in kernel.strided for k in kernel.moves(leaf)]
        args = [
            *variables.values(), *(self._out[ref] for ref in kernel.refs), *kernel.scalars, numel,
            *(_size(f"{out}.shape", kernel.groups[k], len(kernel.shape)) for k in kernel.sized), *strides,
            f"BLOCK={self._configuration.block}", f"num_warps={self._configuration.warps}",
        ]  # fmt: skip
        grid = f"(triton.cdiv({numel}, {self._configuration.block}),)"
        self._lines += call(f"{kernel.name}[{grid}]", args, "", 8)

    def _view(self, leaf: Leaf) -> str:
        """Writes the leaf's views; its variable."""
        text = variable = self._access.by_node[leaf.node.id]
        for step in leaf.replay.steps:
            if step.count("{v}") > 1 and not text.isidentifier():
                text = variable = self._bind(leaf, text, variable)
            text = step.replace("{v}", text)
        return text if text.isidentifier() else self._bind(leaf, text, variable)

    def _bind(self, leaf: Leaf, text: str, variable: str) -> str:
        """Assigns the leaf a variable: the one it has, unless something else looks at that."""
        free = self._uses[leaf.node.id] == 1 and leaf.node.id not in self._access.mentioned | self._changed
        if not (variable in self._own or (free and variable.isidentifier())):
            variable = self._access.names.fresh(leaf.name)
            self._own.add(variable)
        self._lines.append(f"    {variable} = {text}")
        return variable

    def _allocate(self, kernel: Kernel, variables: dict[int, str]) -> None:
        shape = self._shape(kernel, variables)
        for k, ref in enumerate(kernel.refs):
            dtype = self._graph.tensor(ref).dtype
            same = [variables[id(leaf)] for leaf in kernel.leaves.values() if leaf.dtype == dtype and is_float(dtype)]
            typed = f"{same[0]}.dtype" if same else f"torch.{dtype}"
            where = shape if not k else f"{self._out[kernel.refs[0]]}.shape"
            device = next(iter(variables.values()), None) or self._first_tensor()
            args = [where, f"dtype={typed}", f"device={device}.device"]
            self._lines += call(f"{self._out[ref]} = torch.empty", args, "", 4)

    def _first_tensor(self) -> str:
        tensors = (node.id for node in self._graph.nodes.values() if node.op in ("input", "state"))
        return self._access.by_node[next(tensors)]

    def _shape(self, kernel: Kernel, variables: dict[int, str]) -> str:
        """The output's shape: an input's, what inputs broadcast to, or else what the graph says of it."""
        leaves = [leaf for leaf in kernel.leaves.values() if leaf.kind != "scalar"]
        whole = [leaf for leaf in leaves if leaf.shape == kernel.shape]
        if whole and (1 not in kernel.shape or len(leaves) == 1):
            return f"{variables[id(whole[0])]}.shape"
        broadcast = tuple(max(sizes) for sizes in zip(*(leaf.shape for leaf in leaves), strict=True))
        if leaves and broadcast == kernel.shape:
            return f"torch.broadcast_shapes({', '.join(f'{variables[id(leaf)]}.shape' for leaf in leaves)})"
        sizes = [self._access.expression(str(size)) for size in self._graph.tensor(kernel.refs[0]).sizes]
        return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"

    def _unsure(self, kernel: Kernel) -> bool:
        """Whether an input that has the output's shape may not have it at other sizes: one of two sizes of 1 grows."""
        return 1 in kernel.shape and sum(leaf.kind != "scalar" for leaf in kernel.leaves.values()) > 1

    def _make_dense(self, kernel: Kernel, variables: dict[int, str]) -> None:
        """Copies what is not contiguous where the kernel reads at the output's own offsets."""
        for leaf in kernel.leaves.values():
            variable = variables[id(leaf)]
            if leaf.kind == "linear" and not self._unsure(kernel) and variable not in self._dense:
                keeps = variable in self._own or leaf.node.id not in self._changed
                name = variable if keeps else self._access.names.fresh(f"{variable}_dense")
                self._lines.append(f"    {name} = {variable}.contiguous()")
                self._dense.add(name)
                variables[id(leaf)] = name

    def _lay_out(self, kernel: Kernel, variables: dict[int, str]) -> None:
        """Gives the other inputs a stride for each group of the output's dimensions."""
        out = f"{self._out[kernel.refs[0]]}.shape"
        groups = [_size(out, dims, len(kernel.shape)) for dims in kernel.groups]
        for leaf in kernel.leaves.values():
            text = variables[id(leaf)]
            if leaf.kind != "scalar" and (leaf.shape != kernel.shape or self._unsure(kernel)):
                text = f"{text}.expand({out})"
            if leaf.kind == "linear" and self._unsure(kernel):
                text = f"{text}.contiguous()"
            elif leaf.kind == "strided" and len(groups) < len(kernel.shape):
                text = f"{text}.reshape({', '.join(groups)})"
            variables[id(leaf)] = text if text.isidentifier() else self._bind(leaf, text, variables[id(leaf)])

    def _returned(self) -> str:
        results = iter(self._graph.results)
        changed = {ref: self._access.by_node[self._graph.inputs[name]] for name, ref in self._graph.mutated.items()}

        def text(tree: dict[str, Any], top: bool) -> str:
            ((kind, content),) = tree.items()
            match kind:
                case "t":
                    ref = next(results)
                    return changed.get(ref) or self._out[ref]
                case "list":
                    return f"[{', '.join(text(item, False) for item in content)}]"
                case "tuple" if len(content) == 1:
                    return f"({text(content[0], False)},)"
                case "tuple":
                    items = ", ".join(text(item, False) for item in content)
                    return items if top and content else f"({items})"
                case "dict":
                    return f"{{{', '.join(f'{_quoted(key)}: {text(item, False)}' for key, item in content.items())}}}"
                case "f":
                    return f'float("{content}")'
            return _quoted(content) if isinstance(content, str) else repr(content)

        return text(self._contract.output_tree, True)


def _quoted(text: str) -> str:
    """A string literal as ruff formats it."""
    return f'"{text}"' if repr(text) == f"'{text}'" and '"' not in text else repr(text)


def _size(shape: str, dims: list[int], rank: int) -> str:
    """The number of elements along neighbouring dimensions."""
    first, last = dims[0], dims[-1]
    if first == last:
        return f"{shape}[{first}]"
    return f"{shape}[{first or ''}:{last + 1 if last + 1 < rank else ''}].numel()"
