"""A whole kernel, statement by statement.

It walks the tree of the very text that will be loaded (emit.py), so what runs is what was checked.
"""

from __future__ import annotations

import ast
from typing import ClassVar

from pytest_kernelfalcon.judge.extractor import lookup
from pytest_kernelfalcon.judge.extractor.expressions import Expressions, Methods, check_target
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.refusal import construct
from pytest_kernelfalcon.judge.extractor.scope import Scope
from pytest_kernelfalcon.judge.extractor.signature import check_annotation, check_head


def check(kernel: ast.FunctionDef, names: ModuleNames) -> dict[str, int]:
    """The module-level names and kernels that it uses, each with the first line. Raises Refused."""
    statements = Statements(Scope.of(kernel, names), names, check_head(kernel, names))
    for statement in kernel.body:
        statements.visit(statement)
    return statements.used


class Statements(Expressions):
    """One kernel's body. Each method takes one node type."""

    def assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1:
            raise construct(node, "`a = b = …` is not allowed in a kernel")
        check_target(node.targets[0])
        self.visit(node.value)

    def augmented(self, node: ast.AugAssign) -> None:
        check_target(node.target)
        self.operation(node)

    def annotated(self, node: ast.AnnAssign) -> None:
        check_target(node.target)
        check_annotation(node.annotation, self.names, self.used)
        if node.value is not None:
            self.visit(node.value)

    def for_loop(self, node: ast.For) -> None:
        if not isinstance(node.iter, ast.Call) or not lookup.is_range(node.iter.func, self.scope, self.names):
            raise construct(node.iter, "a loop runs over `range`, `tl.range` or `tl.static_range`")
        if not isinstance(node.target, ast.Name):
            raise construct(node.target, "a loop has one variable")
        self.visit(node.iter)
        self._loop(node)

    def while_loop(self, node: ast.While) -> None:
        self.visit(node.test)
        self._loop(node)

    def _loop(self, node: ast.For | ast.While) -> None:
        if node.orelse:
            raise construct(node.orelse[0], "`else` after a loop is not allowed in a kernel")
        for statement in node.body:
            self.visit(statement)

    METHODS: ClassVar[Methods] = Expressions.METHODS | {
        ast.Assign: assign,
        ast.AugAssign: augmented,
        ast.AnnAssign: annotated,
        ast.For: for_loop,
        ast.While: while_loop,
    }
