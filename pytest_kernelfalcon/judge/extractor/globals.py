"""What a candidate's module-level names mean to its kernels, found out from the tree alone.

Names are bound in the order of the text, whatever a condition says: a name that is bound to two different things means
nothing certain, and a kernel that uses it is refused. Only of imports that differ by Triton's version the first that
works here counts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.folding import NotFoldable, Value, fold
from pytest_kernelfalcon.judge.extractor.meaning import Global, Kind


class ModuleNames(ast.NodeVisitor):
    """The module-level names of one candidate.

    globals: by name, the last binding. again: the line where a name is bound to something else than before.
    kernels: the @triton.jit functions at module level. defined: what is bound by something else than an import.
    """

    def __init__(self) -> None:
        self.globals: dict[str, Global] = {}
        self.again: dict[str, int] = {}
        self.kernels: dict[str, ast.FunctionDef] = {}
        self.defined: set[str] = set()
        self._branches = 0
        self._fallback = False

    @classmethod
    def of(cls, tree: ast.Module) -> ModuleNames:
        """Every name that the module binds."""
        names = cls()
        for statement in tree.body:
            names.visit(statement)
        return names

    # what a name or a dotted name means (folding.Names)

    def path(self, node: ast.expr) -> str | None:
        """The dotted path of a name that an import leads to: `triton.language.exp` for `tl.exp`."""
        base, attributes = chain(node)
        known = self.globals.get(base.id) if base is not None and base.id not in self.again else None
        if known is None or known.kind not in ("module", "object", "jit", "import"):
            return None
        return ".".join([known.path, *attributes])

    def value(self, name: str) -> Value:
        """The constant of that name. Raises NotFoldable."""
        known = self.globals.get(name)
        if known is None or known.kind not in ("constexpr", "constant") or name in self.again:
            raise NotFoldable
        return known.value

    def is_builtin(self, name: str) -> bool:
        """Whether the module leaves that name to Python."""
        return name not in self.globals

    def is_jit(self, decorator: ast.expr) -> bool:
        """Whether it is `triton.jit` or a call of it."""
        return self.path(decorator.func if isinstance(decorator, ast.Call) else decorator) in allowlist.JIT_PATHS

    # statements

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.partition(".")[0]
            kind: Kind = "module" if allowlist.is_module(path) else "import"
            self._bind(alias.asname or path, Global(kind, node.lineno, path))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            path = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            self._bind(alias.asname or alias.name, Global.imported(path, node.lineno))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if not any(self.is_jit(decorator) for decorator in node.decorator_list):
            self.rebind(node.name, node.lineno)
            return
        self.defined.add(node.name)
        if node.name in self.kernels:
            self.again.setdefault(node.name, node.lineno)
        self._bind(node.name, Global("kernel", node.lineno))
        self.kernels.setdefault(node.name, node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.rebind(node.name, node.lineno)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.rebind(node.name, node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        match node.targets:
            case [ast.Name(id=name)]:
                self._assign(name, node.value, node.lineno)
            case _:
                self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """`X: tl.constexpr = 4` makes a plain 4, to Triton too."""
        if node.value is not None and isinstance(node.target, ast.Name):
            self._assign(node.target.id, node.value, node.lineno)

    def visit_If(self, node: ast.If) -> None:
        self.generic_visit(node.test)
        self._block(node.body + node.orelse)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.generic_visit(item)
        self._block(node.body)

    def visit_Try(self, node: ast.Try) -> None:
        """An import that works here needs no fallback; one that does not leaves its name to the fallback."""
        only_imports = all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in node.body)
        self._block(node.body)
        if not only_imports or any(map(self._is_foreign, node.body)):
            before, self._fallback = self._fallback, self._fallback or only_imports
            self._block([statement for handler in node.handlers for statement in handler.body])
            self._fallback = before
        self._block(node.orelse + node.finalbody)

    def _is_foreign(self, statement: ast.stmt) -> bool:
        return any(self.globals[name].kind == "import" for name, _ in _bound(statement))

    def generic_visit(self, node: ast.AST) -> None:
        """Whatever else binds a name makes it some Python value."""
        for name, line in _bound(node):
            self.rebind(name, line)

    # binding

    def rebind(self, name: str, line: int) -> None:
        """Some statement makes it a Python value."""
        self.defined.add(name)
        self._bind(name, Global("python", line))

    def _block(self, statements: list[ast.stmt]) -> None:
        self._branches += 1
        for statement in statements:
            self.visit(statement)
        self._branches -= 1

    def _assign(self, name: str, value: ast.expr, line: int) -> None:
        self.generic_visit(value)  # a `:=` in it
        self.defined.add(name)
        self._bind(name, self._meaning(value, line))

    def _meaning(self, value: ast.expr, line: int) -> Global:
        path = self.path(value)
        if path is not None and (named := Global.imported(path, line)).kind != "import":
            return named
        try:
            constant = fold(value, self)
        except NotFoldable:
            return Global("python", line)
        is_constexpr = isinstance(value, ast.Call) and self.path(value.func) in allowlist.CONSTEXPR
        return Global("constexpr" if is_constexpr else "constant", line, value=constant)

    def _bind(self, name: str, new: Global) -> None:
        known = self.globals.get(name)
        if known is not None and known.meaning != new.meaning:
            if self._branches and known.kind in ("module", "object") and new.same_elsewhere(known):
                return
            if not (self._fallback and known.kind == "import"):
                self.again.setdefault(name, new.line)
        self.globals[name] = new


def chain(node: ast.expr) -> tuple[ast.Name | None, list[str]]:
    """`tl` and ["math", "exp"] of `tl.math.exp`; None where no name is at the root."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node if isinstance(node, ast.Name) else None), attributes[::-1]


def _bound(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is bound or deleted anywhere in it, with the line."""
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del(), lineno=line):
                yield name, line
            case ast.FunctionDef(name=name, lineno=line) | ast.AsyncFunctionDef(name=name, lineno=line):
                yield name, line
            case ast.ClassDef(name=name, lineno=line) | ast.ExceptHandler(name=str() as name, lineno=line):
                yield name, line
            case ast.MatchAs(name=str() as name, lineno=line) | ast.MatchStar(name=str() as name, lineno=line):
                yield name, line
            case ast.Import(names=aliases, lineno=line) | ast.ImportFrom(names=aliases, lineno=line):
                yield from ((alias.asname or alias.name.partition(".")[0], line) for alias in aliases)
