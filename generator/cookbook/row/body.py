"""The text of a row kernel: the row held whole, or read block by block in one pass for each step of the reduction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import Statement
from pytest_kernelfalcon.generator.cookbook.pointwise.text import assign, broken, full, is_float, sum_lines
from pytest_kernelfalcon.generator.cookbook.row.lowering import Reduced

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel


def lines(kernel: RowKernel) -> list[str]:
    """The kernel's body."""
    sections = Body(kernel).sections()
    return "\n\n".join("\n".join(section) for section in sections if section).split("\n")


class Body:
    """What each statement needs. varies: the names of values that differ along a row. level: by name, the passes over
    the row that must be done before.
    """

    def __init__(self, kernel: RowKernel) -> None:
        self.k = kernel
        self.tile = bool(kernel.way.rows)
        self.axis = "axis=1, keep_dims=True" if self.tile else "axis=0"
        self.block = "[ROWS, BLOCK]" if self.tile else "[BLOCK]"
        self.statements = kernel.lowering.statements
        self.results = [_stored(value.text, value.dtype, value.literal) for value in kernel.results]
        self.level: dict[str, int] = {}
        self.varies: set[str] = set()
        self.uses: dict[str, set[str]] = {}
        for statement in self.statements:
            self._learn(statement)

    def _learn(self, statement: Statement) -> None:
        names = statement.reduction.names if isinstance(statement, Reduced) else (statement.name,)
        leaf = getattr(statement, "leaf", None)
        used = self._names(statement.value)
        level = max((self.level[name] for name in used), default=0)
        moves = self.k.moves(leaf) if leaf is not None else []
        varies = any(k in self.k.reduced() for k in moves) or bool(used & self.varies) or self._along(statement.value)
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
        loads = [line for s in self.statements if hasattr(s, "leaf") for line in self._load(s, 4)]
        computed = [line for s in self.statements if not hasattr(s, "leaf") for line in self._compute(s, 4)]
        return [[*self._row_lines(), *self._column_lines("0", 4)], loads, computed, self._stores(None, 4)]

    # block by block

    def _looped(self) -> list[list[str]]:
        sections = [self._row_lines()]
        last = max(self.level.values(), default=0)
        for level in range(last + 1):
            sections.append(self._steady(level))
            if level < last:
                sections += self._pass(level)
        varying = [k for k in range(len(self.results)) if not self.k.narrow[k]]
        if varying:
            wanted = {name for k in varying for name in self._names(self.results[k])}
            inner = [*self._column_lines("start", 8), *self._slice(wanted), *self._stores(False, 8)]
            sections.append([self._loop_line(), *inner])
        return [*sections, self._stores(True, 4)]

    def _loop_line(self) -> str:
        if self.k.domain.shared:
            return "    for start in range(tl.program_id(1) * BLOCK, columns, parts * BLOCK):"
        return "    for start in range(0, columns, BLOCK):"

    def _steady(self, level: int) -> list[str]:
        """What is the same for the whole row, and known after so many passes."""
        steady = [s for s in self.statements if s.name not in self.varies and not isinstance(s, Reduced)]
        now = [s for s in steady if self.level[s.name] == level]
        return [line for s in now for line in (self._load(s, 4) if hasattr(s, "leaf") else self._compute(s, 4))]

    def _pass(self, level: int) -> list[list[str]]:
        """One pass over the row: the accumulators before, in and after the loop."""
        reductions = [
            s.reduction for s in self.statements if isinstance(s, Reduced) and self.level[s.name] == level + 1
        ]
        before, inside, after = [], [], []
        for reduction in reductions:
            blocks = [f"{name}_block" for name in reduction.names]
            first = reduction.initial(self.block)
            before += [f"    {block} = {value}" for block, value in zip(blocks, first, strict=True)]
            joined = f"{', '.join(blocks)} = {reduction.joined(blocks, reduction.masked())}"
            inside += broken(self._placed(joined), 8)
            after += broken(f"{', '.join(reduction.names)} = {reduction.whole(blocks, self.axis)}", 4)
        wanted = {name for reduction in reductions for name in self._names(f"{reduction.operand}, {reduction.place}")}
        loop = [*self._column_lines("start", 8), *self._slice(wanted), *inside]
        return [[*before, self._loop_line(), *loop, *after]]

    def _slice(self, wanted: set[str]) -> list[str]:
        """What `wanted` needs of what varies along the row."""
        needed = set(wanted)
        for statement in reversed(self.statements):
            if statement.name in needed and not isinstance(statement, Reduced):
                needed |= self.uses[statement.name]
        chosen = [s for s in self.statements if s.name in needed & self.varies]
        loads = [line for s in chosen if hasattr(s, "leaf") for line in self._load(s, 8)]
        return [*loads, *(line for s in chosen if not hasattr(s, "leaf") for line in self._compute(s, 8))]

    # single lines

    def _row_lines(self) -> list[str]:
        if not self.tile:
            share = "one row to `parts` programs" if self.k.domain.shared else "one row to a program"
            found = [f"    # {share}", "    row = tl.program_id(0).to(tl.int64)"]
        else:
            found = [
                f"    # ROWS rows to {'`parts` programs' if self.k.domain.shared else 'a program'}",
                "    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]",
                "    in_rows = row < rows",
            ]
        return [*found, *self._indices(self.k.kept(), "row", 4)]

    def _column_lines(self, start: str, indent: int) -> list[str]:
        pad, there = " " * indent, "" if start == "0" else f"{start} + "
        arange = f"{there}tl.arange(0, BLOCK)"
        column = f"({arange}).to(tl.int64)" if there else f"{arange}.to(tl.int64)"
        if not self.tile:
            found = [f"{pad}column = {column}", f"{pad}mask = column < columns"]
        else:
            column = f"({arange})[None, :].to(tl.int64)" if there else f"{arange}[None, :].to(tl.int64)"
            found = [f"{pad}column = {column}", f"{pad}in_columns = column < columns"]
            found.append(f"{pad}mask = in_rows & in_columns")
        return [*found, *self._indices(self.k.reduced(), "column", indent)]

    def _indices(self, same: list[int], whole: str, indent: int) -> list[str]:
        if len(same) < 2:
            return []
        found = []
        for k in same:
            if k in self.k.indexed:
                inner = "".join(f" // size_{j}" for j in reversed(same) if j > k)
                found.append(f"{' ' * indent}index_{k} = {whole}{inner}" + (f" % size_{k}" if k != same[0] else ""))
        return found

    def _load(self, statement: Statement, indent: int) -> list[str]:
        leaf, pad = statement.leaf, " " * indent  # type: ignore[attr-defined]
        cast = ".to(tl.float32)" if is_float(leaf.dtype) and leaf.dtype != "float64" else ""
        moves = self.k.moves(leaf)
        terms = [f"{self.k.index(k)} * {leaf.name}_stride_{k}" for k in moves]
        mask = self._mask(moves)
        line = f"{pad}{leaf.name} = tl.load({' + '.join([f'{leaf.name}_ptr', *terms])}{mask}){cast}"
        if len(line) <= 120:
            return [line]
        where = f"{leaf.name}_offsets"
        return [*sum_lines(where, terms, indent), f"{pad}{leaf.name} = tl.load({leaf.name}_ptr + {where}{mask}){cast}"]

    def _mask(self, moves: Sequence[int]) -> str:
        along_row = any(k in self.k.reduced() for k in moves)
        across = any(k in self.k.kept() for k in moves)
        if not self.tile:
            return ", mask=mask" if along_row else ""
        if along_row and across:
            return ", mask=mask"
        return ", mask=in_columns" if along_row else ", mask=in_rows" if across else ""

    def _compute(self, statement: Statement, indent: int) -> list[str]:
        if isinstance(statement, Reduced):
            reduction = statement.reduction
            names = ", ".join(reduction.names)
            return broken(self._placed(f"{names} = {reduction.whole(reduction.masked(), self.axis)}"), indent)
        return [assign(statement.name, self._placed(statement.value), statement.comment, indent)]

    def _placed(self, text: str) -> str:
        return re.sub(r"\bplace_(\d+)\b", lambda match: self.k.index(self.k.group[int(match[1])]), text)

    def _stores(self, narrow: bool | None, indent: int) -> list[str]:
        found = []
        for out, value, kind in zip(self.k.outs, self.results, self.k.narrow, strict=True):
            if narrow is not None and kind != narrow:
                continue
            mask = (", mask=in_rows" if self.tile else "") if kind else ", mask=mask"
            place = "row" if kind else self._place()
            place = "row * parts + tl.program_id(1)" if self.k.domain.shared else place
            found.append(f"{' ' * indent}tl.store({out}_ptr + {place}, {self._placed(value)}{mask})")
        return found

    def _place(self) -> str:
        """Where an element lies in a result."""
        if not self.k.by_index:
            return "row * columns + column" if self.k.kept() or self.tile else "column"
        text = self.k.index(0)
        for k in range(1, len(self.k.groups)):
            only = k in self.k.reduced() and len(self.k.reduced()) == 1
            size = "columns" if only else f"size_{k}"
            text = f"{f'({text})' if '+' in text else text} * {size} + {self.k.index(k)}"
        return text


def _stored(text: str, dtype: str, literal: object) -> str:
    return text if literal is None else full(text, dtype)
