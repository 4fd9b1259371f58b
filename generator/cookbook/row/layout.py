"""How rows and their elements lie in memory: dimensions in groups, and which indices a kernel needs."""

from __future__ import annotations

from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import Reduced, RowLowering, Scanned
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration
from pytest_kernelfalcon.generator.cookbook.stage import Leaf


class Layout:
    """Of one kernel. groups: the domain's dimensions, neighbours that always lie together as one; each is kept or
    reduced whole. positions: dimensions along which a value is the place itself. narrow: by result, whether it is one
    value a row.
    """

    domain: Domain
    way: Configuration
    lowering: RowLowering
    leaves: dict[tuple[str, tuple[str, ...]], Leaf]
    positions: set[int]
    groups: list[list[int]]
    group: dict[int, int]
    narrow: list[bool]

    def group_dims(self) -> None:
        for dim in range(len(self.domain.shape)):
            if dim and self._together(dim):
                self.groups[-1].append(dim)
            else:
                self.groups.append([dim])
        self.group = {dim: k for k, dims in enumerate(self.groups) for dim in dims}

    def _together(self, dim: int) -> bool:
        """Whether all leaves can take this dimension and the one before as one."""
        if {dim - 1, dim} & self.positions or (dim in self.domain.reduced) != (dim - 1 in self.domain.reduced):
            return False
        if self.domain.sizes[dim] == 1 or self.domain.sizes[dim - 1] == 1:
            return True
        return all(self._joins(leaf, dim) for leaf in self.leaves.values())

    def _joins(self, leaf: Leaf, dim: int) -> bool:
        moves = [leaf.shape[d] != 1 for d in (dim - 1, dim)]
        if not all(moves):
            return not any(moves)
        stride, rank = leaf.replay.stride, len(leaf.shape)
        if stride is None:
            return False
        if self.way.pointwise.layout == "contiguous" and leaf.shape == self.domain.shape:
            return True
        return stride[dim - 1 - rank] == stride[dim - rank] * self.domain.shape[dim]

    def moves(self, leaf: Leaf) -> list[int]:
        """The groups along which a leaf's address changes."""
        return [k for k, dims in enumerate(self.groups) if any(leaf.shape[dim] != 1 for dim in dims)]

    def kept(self) -> list[int]:
        return [k for k in self._wide if self.groups[k][0] not in self.domain.reduced]

    def reduced(self) -> list[int]:
        every = [k for k, dims in enumerate(self.groups) if dims[0] in self.domain.reduced]
        return [k for k in every if k in self._wide] or every

    @property
    def _wide(self) -> list[int]:
        """The groups that are not of size 1 whatever the sizes."""
        return [k for k, dims in enumerate(self.groups) if any(self.domain.sizes[dim] != 1 for dim in dims)]

    @property
    def indexed(self) -> list[int]:
        """The groups whose own index is needed: some leaf moves along it, or it is itself a value or part of an
        element's place in a result.
        """
        needed = {k for leaf in self.leaves.values() for k in self.moves(leaf)}
        needed |= {self.group[dim] for dim in self.positions}
        if not all(self.narrow) and self.kept() and self.kept()[-1] > min(self.reduced()):
            needed |= {*self.kept(), *self.reduced()}
        return sorted(needed)

    def index(self, k: int) -> str:
        """The variable for the index along a group."""
        same = self.kept() if k in self.kept() else self.reduced()
        return f"index_{k}" if len(same) > 1 else "row" if k in self.kept() else "column"

    @property
    def sized(self) -> list[int]:
        """The groups whose size the kernel is told, beside the numbers of rows and columns."""
        found: set[int] = set()
        for same in (self.kept(), self.reduced()):
            needed = [k for k in same if k in self.indexed]
            if len(same) > 1 and needed:
                found |= {k for k in same[1:] if k >= needed[0]}
        if self.by_index:
            found |= {k for k in sorted([*self.kept(), *self.reduced()])[1:] if [k] != self.reduced()}
        return sorted(found)

    @property
    def by_index(self) -> bool:
        """Whether an element's place in a result follows from the indices, not from its row and column alone."""
        return not all(self.narrow) and bool(self.kept()) and self.kept()[-1] > min(self.reduced())

    @property
    def far(self) -> bool:
        """Whether columns are counted in int64: their places may not fit int32 although their number does, where they
        are not neighbours in memory; and positions are results in int64.
        """
        reduced = self.reduced()
        kinds = [s.reduction.kind for s in self.lowering.statements if isinstance(s, Reduced)]
        if len(reduced) != 1 or self.by_index or any(kind.startswith("arg") for kind in kinds):
            return True
        dim = self.groups[reduced[0]][-1] - len(self.domain.shape)
        moving = [leaf for leaf in self.leaves.values() if reduced[0] in self.moves(leaf)]
        return any(leaf.replay.stride is None or leaf.replay.stride[dim] != 1 for leaf in moving)

    @property
    def backwards(self) -> bool:
        """Whether a row is read from its end."""
        return any(isinstance(s, Scanned) and s.scan.reverse for s in self.lowering.statements)

    @property
    def single(self) -> bool:
        """Whether all elements are one row, whatever the sizes."""
        return not self.kept() and not self.way.rows
