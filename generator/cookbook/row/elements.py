"""Single lines of a row kernel: which elements a program has, how they are read and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.pointwise.text import full, is_float, sum_lines
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel


class Elements:
    """Of the kernel `k`. tile: several rows a program; results: the texts of what is stored."""

    def __init__(self, kernel: RowKernel) -> None:
        self.k = kernel
        self.tile = bool(kernel.way.rows)
        self.results = [_stored(value.text, value.dtype, value.literal) for value in kernel.results]

    @property
    def program(self) -> str:
        """Which of the programs that share the row."""
        return "tl.program_id(0)" if self.k.single else "tl.program_id(1)"

    def row_lines(self) -> list[str]:
        programs = "`parts` programs" if self.k.domain.shared else "one program" if self.k.single else "a program"
        if self.k.single:
            return [f"    # all elements to {programs}"]
        if not self.tile:
            found = [f"    # one row to {programs}", "    row = tl.program_id(0).to(tl.int64)"]
        else:
            found = [
                f"    # ROWS rows to {programs}",
                "    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]",
                "    in_rows = row < rows",
            ]
        return [*found, *self._indices(self.k.kept(), "row", 4)]

    def column_lines(self, start: str, indent: int) -> list[str]:
        pad, arange = " " * indent, "tl.arange(0, BLOCK)" + ("[None, :]" if self.tile else "")
        column = arange if start == "0" else f"{start} + {arange}"
        if start != "0" and self.k.backwards:
            column = f"(tl.cdiv(columns, BLOCK) - 1) * BLOCK - {start} + {arange}"
        if self.k.far:
            column = f"({column}).to(tl.int64)" if " " in column.replace(", ", "") else f"{column}.to(tl.int64)"
        if not self.tile:
            found = [f"{pad}column = {column}", f"{pad}mask = column < columns"]
        else:
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

    def load(self, leaf: Leaf, indent: int) -> list[str]:
        pad = " " * indent
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

    def placed(self, text: str) -> str:
        return re.sub(r"\bplace_(\d+)\b", lambda match: self.k.index(self.k.group[int(match[1])]), text)

    def stores(self, narrow: bool | None, indent: int) -> list[str]:
        found = []
        for out, value, kind in zip(self.k.outs, self.results, self.k.narrow, strict=True):
            if narrow is not None and kind != narrow:
                continue
            mask = (", mask=in_rows" if self.tile else "") if kind else ", mask=mask"
            place = self._place() if not kind else f"row * parts + {self.program}" if self.k.domain.shared else "row"
            if self.k.single and kind:
                place = self.program if self.k.domain.shared else ""
            pointer = f"{out}_ptr + {place}" if place else f"{out}_ptr"
            found.append(f"{' ' * indent}tl.store({pointer}, {self.placed(value)}{mask})")
        return found

    def _place(self) -> str:
        """Where an element lies in a result."""
        if not self.k.by_index:
            return "row * columns + column" if self.k.kept() or self.tile else "column"
        first, *others = sorted([*self.k.kept(), *self.k.reduced()])
        text = self.k.index(first)
        for k in others:
            only = k in self.k.reduced() and len(self.k.reduced()) == 1
            size = "columns" if only else f"size_{k}"
            text = f"{f'({text})' if '+' in text else text} * {size} + {self.k.index(k)}"
        return text


def _stored(text: str, dtype: str, literal: object) -> str:
    return text if literal is None else full(text, dtype)
