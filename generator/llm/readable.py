"""A problem as people and models read it: without what only lets a role of the judge run it.

`generate_kernel` and `assert_kernel` make problems of objects: the user's files are embedded in them as texts, under
the functions that import those, and a module's state as a pickle, which may be megabytes.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

LONGEST = 400
"""Characters of a text in the code that are worth reading."""


def readable(code: str) -> str:
    """The same problem in fewer words; the code itself where nothing is embedded in it."""
    try:
        body = ast.parse(code).body if "kf_embed(" in code else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    for node in body:
        texts = _embedded(node)
        if texts is not None:
            lines = code.splitlines()
            title = [line for line in lines[: body[0].lineno - 1] if line.strip()]
            made = _shortened("\n".join(lines[(node.end_lineno or node.lineno) :]))
            files = [f"# file {path}\n{text.strip()}" for path, text in texts]
            return re.sub(r"\n{4,}", "\n\n\n", "\n\n".join(["\n".join(title), *files, made.strip()])).strip() + "\n"
    return code


def _embedded(node: ast.stmt) -> list[tuple[str, str]] | None:
    """Path and text of each file that the statement embeds; None for any other statement."""
    match node:
        case ast.Expr(
            value=ast.Call(func=ast.Name(id="kf_embed"), args=[ast.Call(args=[ast.Constant(value=str(text))])])
        ):
            try:
                return [(str(path), str(source)) for path, source in json.loads(text).values()]
            except (ValueError, TypeError, AttributeError):
                return None
    return None


def _shortened(code: str) -> str:
    """Long texts in it become their length."""
    for node in sorted(_long(code), key=lambda node: node.lineno, reverse=True):
        segment = ast.get_source_segment(code, node) or ""
        code = code.replace(segment, f"'…{len(segment)} characters…'", 1)
    return code


def _long(code: str) -> Iterator[ast.Constant]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > LONGEST:
            yield node
