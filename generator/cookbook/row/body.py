"""The text of a row kernel: the row held whole, or read block by block in one pass for each step of the reduction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Statement
from pytest_kernelfalcon.generator.cookbook.pointwise.text import (
    HALF,
    REGISTER,
    assign,
    broken,
)
from pytest_kernelfalcon.generator.cookbook.row.elements import Elements
from pytest_kernelfalcon.generator.cookbook.row.lowering import Joined, Loaded, Reduced, Scanned
from pytest_kernelfalcon.generator.cookbook.row.reductions import Reduction

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel


def lines(kernel: RowKernel) -> list[str]:
    """The kernel's body."""
    first, *sections = [section for section in Body(kernel).sections() if section]
    if first[-1].lstrip().startswith("#"):
        first += sections.pop(0)
    return "\n\n".join("\n".join(section) for section in (first, *sections)).split("\n")


class Body(Elements):
    """What each statement needs. varies: the names of values that differ along a row. level: by name, the passes over
    the row that must be done before.
    """

    def __init__(self, kernel: RowKernel) -> None:
        super().__init__(kernel)
        self.axis = "axis=1, keep_dims=True" if self.tile else "axis=0"
        self.block = "[ROWS, BLOCK]" if self.tile else "[BLOCK]"
        self.statements = kernel.lowering.statements
        self.level: dict[str, int] = {}
        self.varies: set[str] = set()
        self.uses: dict[str, set[str]] = {}
        for statement in self.statements:
            self._learn(statement)
        self.used = {name for names in self.uses.values() for name in names}
        self.used |= {name for result in self.results for name in self._names(result)}

    def _learn(self, statement: Statement) -> None:
        names = statement.reduction.names if isinstance(statement, Reduced | Joined) else (statement.name,)
        used = self._names(statement.value)
        level = max((self.level[name] for name in used), default=0)
        moves = self.k.moves(statement.leaf) if isinstance(statement, Loaded) else []
        varies = any(k in self.k.reduced() for k in moves) or bool(used & self.varies) or self._along(statement.value)
        varies |= isinstance(statement, Scanned)
        for name in names:
            self.uses[name] = self.uses.get(name, set()) | used - {name}
            self.level[name] = level + isinstance(statement, Reduced)
            if varies and not isinstance(statement, Reduced):
                self.varies.add(name)

    def _names(self, text: str) -> set[str]:
        return {word for word in re.findall(r"(?<![.\w])[A-Za-z_]\w*", text) if word in self.level}

    def _along(self, text: str) -> bool:
        """Whether the text has a position along the row itself."""
        return any(int(dim) in self.k.domain.reduced for dim in re.findall(r"\bplace_(\d+)\b", text))

    def sections(self) -> list[list[str]]:
        return self._looped() if self.k.way.block or self.k.domain.shared else self._held()

    # the row at once

    def _held(self) -> list[list[str]]:
        loads = [line for s in self.statements if isinstance(s, Loaded) for line in self.load(s.leaf, 4)]
        computed = [line for s in self.statements if not isinstance(s, Loaded) for line in self._compute(s, 4)]
        return [[*self.row_lines(), *self.column_lines("0", 4)], loads, computed, self.stores(None, 4)]

    # block by block

    def _looped(self) -> list[list[str]]:
        sections = [self.row_lines()]
        last = max(self.level.values(), default=0)
        for level in range(last + 1):
            sections.append(self._steady(level))
            if level < last:
                sections += self._pass(level)
        varying = [k for k in range(len(self.results)) if not self.k.narrow[k]]
        if varying:
            wanted = {name for k in varying for name in self._names(self.results[k])}
            inner = [*self.column_lines("start", 8), *self._slice(wanted), *self.stores(False, 8)]
            sections.append([*self._scan_starts(wanted), self._loop_line(), *inner])
        return [*sections, self.stores(True, 4)]

    def _loop_line(self) -> str:
        if self.k.domain.shared:
            return f"    for start in range({self.program} * BLOCK, columns, parts * BLOCK):"
        return "    for start in range(0, columns, BLOCK):"

    def _steady(self, level: int) -> list[str]:
        """What is the same for the whole row, and known after so many passes."""
        steady = [s for s in self.statements if s.name not in self.varies and not isinstance(s, Reduced)]
        now = [s for s in steady if self.level[s.name] == level]
        first = next((s for s in now if isinstance(s, Joined)), None)
        return [line for s in now for line in [*(self._part_lines() if s is first else []), *self._line(s, 4)]]

    def _part_lines(self) -> list[str]:
        """What the programs that share the row have left: where it lies."""
        if self.tile:
            return ["    part = tl.arange(0, PARTS)[None, :]", "    in_parts = in_rows & (part < parts)"]
        return ["    part = tl.arange(0, PARTS)", "    in_parts = part < parts"]

    def _line(self, statement: Statement, indent: int) -> list[str]:
        return self.load(statement.leaf, indent) if isinstance(statement, Loaded) else self._compute(statement, indent)

    def _pass(self, level: int) -> list[list[str]]:
        """One pass over the row: the accumulators before, in and after the loop."""
        reductions = [
            s.reduction for s in self.statements if isinstance(s, Reduced) and self.level[s.name] == level + 1
        ]
        before, inside, after = [], [], []
        for reduction in reductions:
            if reduction.streams:
                one = "[ROWS, 1]" if self.tile else "()"
                first = reduction.initial(one)
                before += [f"    {name} = {value}" for name, value in zip(reduction.names, first, strict=True)]
                inside += [line for text in reduction.streamed(self.axis) for line in broken(self.placed(text), 8)]
                continue
            blocks = [f"{name}_block" for name in reduction.names]
            first = reduction.initial(self.block)
            before += [f"    {block} = {value}" for block, value in zip(blocks, first, strict=True)]
            joined = f"{', '.join(blocks)} = {reduction.joined(blocks, reduction.masked())}"
            inside += broken(self.placed(joined), 8)
            after += broken(f"{self._targets(reduction)} = {reduction.whole(blocks, self.axis)}", 4)
        wanted = {name for reduction in reductions for name in self._names(", ".join(reduction.operands))}
        loop = [*self.column_lines("start", 8), *self._slice(wanted), *inside]
        return [[*before, *self._scan_starts(wanted), self._loop_line(), *loop, *after]]

    def _chosen(self, wanted: set[str]) -> list[Statement]:
        """What `wanted` needs of what varies along the row."""
        needed = set(wanted)
        for statement in reversed(self.statements):
            if statement.name in needed and not isinstance(statement, Reduced):
                needed |= self.uses[statement.name]
        return [s for s in self.statements if s.name in needed & self.varies]

    def _scan_starts(self, wanted: set[str]) -> list[str]:
        """What comes before the first block of running sums and products."""
        one = "[ROWS, 1]" if self.tile else "()"
        found = [s.scan for s in self._chosen(wanted) if isinstance(s, Scanned)]
        return [f"    {scan.before} = {scan.reduction.initial(one)[0]}" for scan in found]

    def _slice(self, wanted: set[str]) -> list[str]:
        """The lines for it."""
        chosen = self._chosen(wanted)
        loads = [line for s in chosen if isinstance(s, Loaded) for line in self.load(s.leaf, 8)]
        return [*loads, *(line for s in chosen if not isinstance(s, Loaded) for line in self._compute(s, 8))]

    def _compute(self, statement: Statement, indent: int) -> list[str]:
        if isinstance(statement, Scanned):
            axis, scan = int(self.tile), statement.scan
            lines = scan.streamed(axis, self.axis) if indent == 8 else [f"{statement.name} = {scan.held(axis)}"]
            return [line for text in lines for line in broken(self.placed(text), indent)]
        if isinstance(statement, Joined):
            return self._join(statement.reduction)
        if isinstance(statement, Reduced):
            reduction = statement.reduction
            names = self._targets(reduction)
            return broken(self.placed(f"{names} = {reduction.whole(reduction.masked(), self.axis)}"), indent)
        return [assign(statement.name, self.placed(statement.value), statement.comment, indent)]

    def _targets(self, reduction: Reduction) -> str:
        """The names that a reduction gives values to."""
        names = [name if name in self.used else "_" for name in reduction.names]
        return ", ".join(names if {*names} != {"_"} else reduction.names)

    def _join(self, reduction: Reduction) -> list[str]:
        """A reduction of what the programs that share the row have left."""
        lines = []
        place = "part" if self.k.single else "row * parts + part"
        for name, other, register in zip(reduction.operands, reduction.identities, reduction.registers, strict=True):
            dtype = next(leaf.dtype for leaf in self.k.left if leaf.name == name)
            cast = f".to(tl.{register})" if REGISTER[dtype] != register or dtype in HALF else ""
            lines += broken(f"{name} = tl.load({name}_ptr + {place}, mask=in_parts, other={other}){cast}", 4)
        whole = reduction.whole([*reduction.operands], self.axis)
        return [*lines, *broken(f"{self._targets(reduction)} = {whole}", 4)]
