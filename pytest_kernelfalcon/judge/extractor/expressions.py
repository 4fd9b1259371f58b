"""A kernel's expressions, node by node: what is not on the allow-list is refused with its line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from pytest_kernelfalcon.judge.extractor import allowlist, lookup
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames, chain
from pytest_kernelfalcon.judge.extractor.refusal import construct, quoted
from pytest_kernelfalcon.judge.extractor.scope import Scope

Methods: TypeAlias = "dict[type[ast.AST], Callable[[Any, Any], None]]"

MAX_DEPTH = 150
MAX_INT_BITS = 64
MAX_EXPONENT = 1024
_WORDS: dict[type[ast.AST], str] = {
    ast.FunctionDef: "a nested function",
    ast.Lambda: "`lambda`",
    ast.ClassDef: "a class",
    ast.Import: "`import`",
    ast.ImportFrom: "`import`",
    ast.GeneratorExp: "a generator",
    ast.DictComp: "a dict comprehension",
    ast.SetComp: "a set comprehension",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.In: "`in`",
    ast.NotIn: "`not in`",
    ast.MatMult: "`@` (use tl.dot)",
    ast.Starred: "`*` outside a call",
    ast.Delete: "`del`",
}


class Expressions:
    """`METHODS` has a method for each node type that is not simply right where its parts are.

    used: the module-level names and kernels that the kernel reads, each with the first line.
    """

    def __init__(self, scope: Scope, names: ModuleNames, used: dict[str, int]) -> None:
        self.scope, self.names, self.used = scope, names, used
        self.depth, self.line = 0, 0

    def visit(self, node: ast.AST) -> None:
        """Raises Refused."""
        kind = type(node)
        self.depth, self.line = self.depth + 1, getattr(node, "lineno", self.line)  # operators have no line
        if self.depth > MAX_DEPTH:
            raise construct(self.line, "it is nested too deeply")
        if kind in self.METHODS:
            self.METHODS[kind](self, node)
        elif kind in allowlist.NODES:
            self.parts(node)
        else:
            raise construct(self.line, f"{_WORDS.get(kind, f'`{kind.__name__.lower()}`')} is not allowed in a kernel")
        self.depth -= 1

    def parts(self, node: ast.AST) -> None:
        for part in ast.iter_child_nodes(node):
            self.visit(part)

    def name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id not in self.scope:
            self.used.setdefault(lookup.value(node, self.names), node.lineno)

    def attribute(self, node: ast.Attribute) -> None:
        base, attributes = chain(node)
        if base is not None and base.id not in self.scope:
            self.used.setdefault(lookup.dotted(node, base, attributes, self.names), node.lineno)
            return
        if node.attr not in allowlist.attributes():
            raise construct(node, f"the attribute {quoted('.' + node.attr)} is not allowed in a kernel")
        if isinstance(node.value, ast.Constant | ast.JoinedStr):
            raise construct(node, "an attribute of a literal is not allowed in a kernel")
        self.visit(node.value)

    def call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in self.scope and name not in self.scope.parameters:
                raise construct(node, f"a call of the local variable {quoted(name)} is not allowed in a kernel")
            case ast.Name(id=name) if name in allowlist.BUILTINS - self.scope.locals.keys() and self.names.is_builtin(
                name
            ):
                if node.keywords:
                    raise construct(node, f"`{name}` takes no keyword arguments in a kernel")
            case ast.Name() | ast.Attribute():
                self.visit(node.func)
            case _:
                raise construct(node, "only a name or an attribute can be called in a kernel")
        for argument in node.args:
            self.visit(argument.value if isinstance(argument, ast.Starred) else argument)
        for keyword in node.keywords:
            self.visit(keyword)

    def keyword(self, node: ast.keyword) -> None:
        if node.arg is None or node.arg.startswith("_") or node.arg in ("file", "flush"):
            raise construct(node.value, f"the keyword {quoted(node.arg or '**')} is not allowed in a kernel")
        self.visit(node.value)

    def constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, int | float | str | None):
            raise construct(node, f"the literal {quoted(repr(node.value))} is not allowed in a kernel")
        if isinstance(node.value, int) and node.value.bit_length() > MAX_INT_BITS:
            raise construct(node, f"an integer of more than {MAX_INT_BITS} bits is not allowed in a kernel")

    def operation(self, node: ast.BinOp | ast.AugAssign) -> None:
        left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
        if _is_text(left) or _is_text(right):
            raise construct(node, "arithmetic on a string is not allowed in a kernel")
        if isinstance(node.op, ast.Pow | ast.LShift) and not _is_small(right):
            raise construct(node, f"an exponent or shift is a name, or a literal of at most {MAX_EXPONENT}")
        self.parts(node)

    def formatted(self, node: ast.FormattedValue) -> None:
        if node.format_spec is not None:
            raise construct(node, "a format in an f-string is not allowed in a kernel")
        self.visit(node.value)

    def comprehension(self, node: ast.ListComp) -> None:
        generator = node.generators[0]
        if len(node.generators) != 1 or generator.is_async:
            raise construct(node, "a comprehension has one `for`")
        check_target(generator.target)
        self.visit(generator.iter)
        entered = set(self.scope.entered(generator, self.names))
        self.scope.inner |= entered
        for part in (*generator.ifs, node.elt):
            self.visit(part)
        self.scope.inner -= entered

    def walrus(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)

    METHODS: ClassVar[Methods] = {
        ast.Name: name,
        ast.Attribute: attribute,
        ast.Call: call,
        ast.keyword: keyword,
        ast.Constant: constant,
        ast.BinOp: operation,
        ast.FormattedValue: formatted,
        ast.ListComp: comprehension,
        ast.NamedExpr: walrus,
    }


def check_target(target: ast.expr) -> None:
    """Names, and tuples of them. Raises Refused."""
    for part in ast.walk(target):
        if isinstance(part, ast.expr) and not isinstance(part, ast.Name | ast.Tuple):
            raise construct(part, "only names are assigned to in a kernel")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_small(exponent: ast.expr) -> bool:
    """Whether raising to it, or shifting by it, cannot by itself take forever."""
    for node in ast.walk(exponent):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift):
            return False
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and abs(node.value) > MAX_EXPONENT:
            return False
    return True
