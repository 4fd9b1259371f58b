"""Text of the roles' own functions, for a script that has none of this package.

What a repro.py does to inputs is done by the very functions that the judge uses: their text is taken from the modules,
never copied by hand. The modules are read, not imported: the process that writes a repro.py has no torch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROLES = Path(__file__).parent.parent / "roles"
PARTS: dict[str, Collection[str] | None] = {
    "held.py": (
        *("Kind", "Held", "held_in", "_argument", "_memory", "_registered", "_attributes", "_contained", "_join"),
        *("tensors_in", "mapped"),
    ),
    "modules.py": ("_init_arguments", "_quiet_dropout"),
    "values.py": None,
    "../../contracts/variants.py": ("DECLARED", "DRAWN"),
    "variants.py": (
        *("varied", "retyped", "_everywhere", "finer"),
        *("laid_out", "transposed", "padded", "stepped", "_spoilt", "LAYOUTS"),
    ),
    "widen.py": None,
    "reference.py": ("same_draw", "refresh_held", "_vary", "_once"),
    "targets.py": None,
    "standalone/asked.py": None,
    "standalone/drawing.py": None,
    "standalone/calling.py": None,
    "standalone/watching.py": None,
    "standalone/comparing.py": None,
    "standalone/examining.py": None,
    "standalone/compiling.py": None,
    "standalone/main.py": None,
}
"""Of each module the names that a script needs; None for all of it."""


@cache
def library() -> str:
    """Their text, in this order, without imports and without the modules' docstrings."""
    return "\n\n".join(part for name, names in PARTS.items() for part in _parts(name, names))


@cache
def imports() -> str:
    """The import lines that they need, each once; torch's last."""
    words = set(re.findall(r"\w+", library()))
    found = {line for name in PARTS for line in _imports(name) if line.split()[-1].split(".")[0] in words}
    return "\n".join(sorted(found, key=lambda line: ("torch" in line, line.startswith("from"), line)))


def _parts(name: str, wanted: Collection[str] | None) -> Iterator[str]:
    text = (ROLES / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    missing = set(wanted or ())
    kept = False
    for node in ast.parse(text).body[1:]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = set(_defined(node))
        if (isinstance(node, ast.Expr) and kept) or names & set(wanted or names):
            kept = True
            missing -= names
            yield "\n".join(lines[_first(node) - 1 : node.end_lineno])
        else:
            kept = False
    if missing:
        raise LookupError(f"roles/{name} defines no {', '.join(sorted(missing))}")


def _first(node: ast.stmt) -> int:
    """With its decorators."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    return min([node.lineno, *(item.lineno for item in decorators)])


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))


def _imports(name: str) -> Iterator[str]:
    """Of the standard library and torch."""
    for node in ast.parse((ROLES / name).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (f"import {item.name}" for item in node.names if item.name != "numpy")
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith(
            ("pytest_kernelfalcon", "__future__")
        ):
            yield from (f"from {node.module} import {item.name}" for item in node.names)
