"""Problem files, read by `ast` alone: nothing of them is imported here."""

from __future__ import annotations

import ast
import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError

REQUIRED = ("get_inputs", "get_init_inputs")


def sha256(text: str) -> str:
    """Over LF-normalised UTF-8 bytes: a checkout with other line ends has the same hash. Half a surrogate pair, which
    no UTF-8 file holds, counts as it stands.
    """
    return hashlib.sha256(text.replace("\r\n", "\n").encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Problem:
    """A problem file's text and where it came from. `path` is what messages name."""

    path: str
    text: str

    @property
    def sha256(self) -> str:
        return sha256(self.text)

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> Problem:
        """The checked problem at `path`; raises `ProblemError` (unreadable, syntax, missing parts)."""
        shown = name or str(path)
        problem = cls(shown, read(path, shown))
        problem.check()
        return problem

    def check(self) -> None:
        """Raises `ProblemError` unless the text defines what a problem must define."""
        defined = definitions(self.text, self.path)
        if "Model" not in defined:
            raise ProblemError(self.path, Cause.PROBLEM_NO_MODEL)
        for name in REQUIRED:
            if name not in defined:
                raise ProblemError(self.path, Cause.PROBLEM_NO_INPUTS, detail=name)


def read(path: Path, shown: str) -> str:
    """The file's text; raises `ProblemError` where it is not UTF-8 or not readable."""
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(shown, Cause.PROBLEM_UNREADABLE, detail=str(error)) from None


def definitions(text: str, path: str) -> set[str]:
    """The names that the module binds at its top level; raises `ProblemError` on a syntax error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        detail = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise ProblemError(path, Cause.PROBLEM_SYNTAX, line=line, detail=detail) from None
    return {name for node in tree.body for name in _binds(node)}


def _binds(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
        case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
            return {name for child in (*body, *orelse) for name in _binds(child)}
    return set()


def looks_like_one(path: Path) -> bool:
    """Whether a file met while walking a directory is meant as a problem, broken or not."""
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return False
    return "class Model" in text or "def get_inputs" in text or "def get_init_inputs" in text
