"""Modules of the user's: told from installed ones, and read as text.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

NOTEBOOK = "notebook.py"
"""What messages call the cells of IPython and Jupyter, which keep them in a list `In`."""
PACKAGES = {"site-packages", "dist-packages"}


class CannotJudge(TypeError, ValueError):
    """What a test gives cannot be judged as it is; the text names the thing and the fix."""

    __module__ = "builtins"  # as pytest's own outcomes: summaries show the name alone


@dataclass(frozen=True)
class Module:
    """A module as text. name: as imports name it. package: what its relative imports start from.

    typed: no file holds it; it is the cells of a notebook, one after the other, as they were run.
    """

    name: str
    path: Path
    text: str
    package: str
    typed: bool = False

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def shown(self) -> str:
        """As one would type it here."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)


def of_globals(names: Mapping[str, Any]) -> Module | None:
    """The module whose namespace that is; None where no file of Python text holds it."""
    file, name = names.get("__file__"), names.get("__name__")
    if not file and isinstance(cells := names.get("In"), list):
        return Module(str(name), Path.cwd() / NOTEBOOK, "\n".join(map(parsed, cells)), "", typed=True)
    if not file or not name or not str(file).endswith(".py"):
        return None
    return _read(str(name), Path(file).absolute(), str(names.get("__package__") or ""))


def parsed(cell: object) -> str:
    """A cell without the statements that only a notebook takes, which await; nothing of one that is no Python."""
    try:
        body = ast.parse(text := str(cell)).body
    except (SyntaxError, ValueError):
        return ""
    lines = text.split("\n")
    for node in body:
        try:
            compile(ast.Module([node], []), NOTEBOOK, "exec", dont_inherit=True)
        except SyntaxError:
            last = node.end_lineno or node.lineno
            lines[node.lineno - 1 : last] = [""] * (last - node.lineno + 1)
    return "\n".join(lines)


def of_name(name: str) -> Module | None:
    """The user's module of that name; None for an installed one, and for none at all."""
    found = of_globals(vars(sys.modules[name])) if name in sys.modules else _unloaded(name)
    return found if found is not None and is_own(found.path) else None


def _unloaded(name: str) -> Module | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return _read(name, Path(spec.origin).absolute(), spec.parent or "")


def is_own(path: Path) -> bool:
    """Whether a file is the user's: neither Python's own nor installed, so that the sandbox does not show it."""
    if PACKAGES & set(path.parts):
        return False
    return not any(path.is_relative_to(sysconfig.get_path(place)) for place in ("stdlib", "platstdlib"))


def _read(name: str, path: Path, package: str) -> Module | None:
    try:
        return Module(name, path, _text(path, path.stat().st_mtime_ns), package)
    except (OSError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=64)
def _text(path: Path, _changed: int) -> str:
    return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
