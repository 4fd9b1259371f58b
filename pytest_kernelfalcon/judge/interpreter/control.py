"""A kernel's function as the interpreter runs it: its syntax tree, rewritten to mean what the compiler makes of it.

What Python would do otherwise: numbers stay numbers when assigned, and loop variables too (the compiler makes tensors
of both); `and`, `or` and `not` decide by truth instead of lane by lane; a block in an `if` is true; min and max compare
by truth; asserts raise (a GPU ignores them unless debugging); loops have no end but their own.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

_BUILTINS = ("range", "min", "max", "print")


def rewrite(function: Callable[..., Any], helpers: dict[str, Any]) -> Callable[..., Any]:
    """The function that runs in place of a kernel's own, with the kernel's file and lines.

    helpers: what the rewritten text calls, by the names that `Rewriter` uses; a kernel cannot name them, since names
    with two leading underscores are not for kernels. Raises ValueError where the source cannot be found.
    """
    try:
        lines, start = inspect.getsourcelines(function)
    except OSError as error:
        raise ValueError(f"the source of kernel {function.__name__!r} cannot be read: {error}") from error
    tree = ast.parse(textwrap.dedent("".join(lines)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    Rewriter(definition, function.__globals__).apply()
    ast.increment_lineno(ast.fix_missing_locations(tree), start - 1)
    names: dict[str, Any] = {**function.__globals__, **helpers}
    exec(compile(tree, function.__code__.co_filename, "exec"), names)
    rewritten: Callable[..., Any] = names[function.__name__]
    return rewritten


class Rewriter(ast.NodeTransformer):
    """Rewrites one function's body in place."""

    def __init__(self, definition: ast.FunctionDef, known: dict[str, Any]) -> None:
        self._definition = definition
        nodes = list(ast.walk(definition))
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
        self._builtins = set(_BUILTINS) - stored - arguments - set(known)
        self._temporaries = 0

    def apply(self) -> None:
        definition = self._definition
        definition.decorator_list, definition.returns = [], None
        for argument in ast.walk(definition.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        definition.body = [self.visit(statement) for statement in definition.body]

    # statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = _call("assigned", node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.copy_location(ast.Assign([node.target], _call("assigned", value)), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """`x: tl.constexpr = …` stays a number; any other annotation is ignored, as the compiler does."""
        is_constexpr = ast.unparse(node.annotation).rpartition(".")[2] == "constexpr"
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        value = self.visit(node.value)
        return ast.copy_location(ast.Assign([node.target], value if is_constexpr else _call("assigned", value)), node)

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        node.test = _call("truth", node.test)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.test = _call("again", node.test)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return ast.copy_location(ast.Expr(self.visit(node.test)), node)

    # expressions

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = _call("truth", node.test)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(_call("negated", node.operand), node) if isinstance(node.op, ast.Not) else node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(_chain("every" if isinstance(node.op, ast.And) else "either", node.values), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """`a < b < c` is `a < b and b < c`, with b evaluated once."""
        self.generic_visit(node)
        if len(node.ops) == 1:
            return node
        left: ast.expr = node.left
        terms: list[ast.expr] = []
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._temporaries += 1
            name = f"__kf_{self._temporaries}"
            kept = ast.NamedExpr(ast.Name(name, ast.Store()), right)
            terms.append(ast.Compare(left, [operator], [kept]))
            left = ast.Name(name, ast.Load())
        return ast.copy_location(_chain("every", terms), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._builtins and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Name(helper(node.id), ast.Load()), node)
        return node


def helper(name: str) -> str:
    """What a helper is called in rewritten text."""
    return f"__kf_{name}"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(helper(name), ast.Load()), list(arguments), [])


def _chain(name: str, values: list[ast.expr]) -> ast.expr:
    """`first() < term(a) < term(b) …`: Python evaluates a chain of comparisons in place and stops at a false one."""
    terms: list[ast.expr] = [_call(name, value) for value in values]
    operators: list[ast.cmpop] = [ast.Lt() for _ in terms]
    chain = ast.Compare(_call(name), operators, terms)
    return ast.Call(ast.Attribute(chain, "result", ast.Load()), [], [])
