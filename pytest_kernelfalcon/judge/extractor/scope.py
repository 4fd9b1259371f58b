"""The names that a kernel binds itself, and which of them it may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from keyword import iskeyword

from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.refusal import construct, quoted
from pytest_kernelfalcon.judge.extractor.signature import parameters

RESERVED = frozenset(("triton", "interpreter_semantic", "_InterpreterComparison"))
"""Names that the loaded text or the interpreter's rewriting of it relies on."""


class Scope:
    """parameters, locals: what is bound anywhere in the kernel; locals include the parameters.

    inner: the variables of the comprehensions around the node at hand. Python ends their life with the comprehension,
    where Triton's compiler does not: they are never taken for locals, or a name outside would be left unchecked. Nor is
    a name with an annotation alone.
    """

    def __init__(self, kernel: ast.FunctionDef) -> None:
        self.parameters = {parameter.arg: parameter.lineno for parameter in parameters(kernel)}
        self.inner: set[str] = set()
        stored: list[ast.Name] = []
        unbound: set[ast.AST] = set()
        for node in ast.walk(kernel):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                stored.append(node)
            elif isinstance(node, ast.comprehension):
                unbound.update(ast.walk(node.target))
            elif isinstance(node, ast.AnnAssign) and node.value is None:
                unbound.add(node.target)
        self.locals = dict(self.parameters)
        for name in stored:
            if name not in unbound:
                self.locals.setdefault(name.id, name.lineno)

    @classmethod
    def of(cls, kernel: ast.FunctionDef, names: ModuleNames) -> Scope:
        """Raises Refused where a local name hides one that the kernel's other names go through."""
        scope = cls(kernel)
        for name, line in scope.locals.items():
            _check_name(name, line, names)
        return scope

    def __contains__(self, name: str) -> bool:
        return name in self.locals or name in self.inner

    def entered(self, comprehension: ast.comprehension, names: ModuleNames) -> Iterator[str]:
        """The variables of a comprehension, which become inner ones. Raises Refused."""
        for target in ast.walk(comprehension.target):
            if isinstance(target, ast.Name):
                _check_name(target.id, target.lineno, names)
                if target.id in self or target.id in names.globals or target.id in allowlist.BUILTINS:
                    raise construct(target, f"the comprehension's variable {quoted(target.id)} hides another name")
                yield target.id


def _check_name(name: str, line: int, names: ModuleNames) -> None:
    if name.startswith("__") or name in RESERVED or iskeyword(name):  # a keyword in other letters of Unicode
        raise construct(line, f"the name {quoted(name)} is reserved")
    known = names.globals.get(name)
    if known is not None and known.kind in ("kernel", "module", "jit"):
        what = "kernel" if known.kind == "kernel" else "module"
        raise construct(line, f"the local name {quoted(name)} hides the {what} of that name")
