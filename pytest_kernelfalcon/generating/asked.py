"""The problem file of what a caller gives: a file's path, a text, or a module or function with example inputs."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.generating.result import CannotGenerate
from pytest_kernelfalcon.store import files, rundir

OWN = __name__.partition(".")[0]
FORMS = (
    "the path or the text of a problem file (with `Model`, `get_inputs` and `get_init_inputs`), a torch.nn.Module or a "
    "function with inputs=[…], or description='in words'"
)


@dataclass(frozen=True)
class Fuse:
    """The folder `.fuse` of a call; `problems/` in it holds those that we write."""

    root: Path

    @classmethod
    def of(cls, folder: str | Path | None) -> Fuse:
        """Of the named folder, which is made where it is not there, or of the current one. Raises CannotGenerate."""
        place = Path(folder or ".").absolute()
        try:
            place.mkdir(parents=True, exist_ok=True)
            return cls(rundir.find_root([place]))
        except (OSError, rundir.NotWritableError) as error:
            raise CannotGenerate(f"folder={str(place)!r} cannot be written: {error}. Fix: name another.") from None

    def problem(self, name: str, key: str) -> Path:
        """Where a problem of that name lies. key: what it is made from, so that the same lies in the same place."""
        readable = re.sub(r"[^a-z0-9]+", "_", name.lower())[:40].strip("_") or "problem"
        return self.root / "problems" / f"{readable}-{sha256(key)[:8]}.py"

    def write(self, name: str, text: str) -> Path:
        path = self.problem(name, text)
        try:
            files.write(path, text)
        except UnicodeEncodeError as error:
            raise CannotGenerate(
                f"the problem's text is no UTF-8: {error}. Fix: leave out what no file holds."
            ) from None
        return path


def problem_file(problem: Any, inputs: Any, caller: FrameType, fuse: Fuse) -> Path:
    """The file that holds the problem, written where it was none. Raises CannotGenerate."""
    if isinstance(problem, Path | str):
        if inputs is not None:
            raise CannotGenerate(
                "inputs= goes with a module or a function; a problem file has `get_inputs`. Fix: leave it out."
            )
        if isinstance(problem, str) and "\n" in problem:
            return fuse.write("problem", problem)
        return _existing(Path(problem))
    if isinstance(problem, type) or not callable(problem):
        shown = f"the class {problem.__name__}" if isinstance(problem, type) else f"a {type(problem).__name__}"
        raise CannotGenerate(f"problem is {shown}. Fix: give {FORMS}.")
    if inputs is None:
        raise CannotGenerate(
            f"{_name(problem)} is given without inputs. Fix: give inputs=[…], example tensors that it takes; or a "
            "function that makes them, whose parameters are sizes: `def inputs(rows=8): return [torch.randn(rows, 9)]`."
        )
    return fuse.write(_name(problem), _text(problem, inputs, caller))


def _existing(path: Path) -> Path:
    if not path.is_file():
        what = "is a folder: `pytest --kernelfalcon` takes those" if path.is_dir() else "is no file"
        raise CannotGenerate(f"problem={str(path)!r} {what}. Fix: give {FORMS}.")
    return path.absolute()


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", None) or type(value).__name__)


def _text(reference: Any, inputs: Any, caller: FrameType) -> str:
    from pytest_kernelfalcon.asserting import CannotJudge, problems  # what reads programs is for those who give one
    from pytest_kernelfalcon.generating.scripts import Program

    place = Path(caller.f_code.co_filename).name
    _check_files(reference, inputs)
    try:
        made = problems.problem(reference, inputs, caller.f_globals, place, Program.of(caller).part)
    except CannotJudge as error:
        raise CannotGenerate(str(error).replace("`reference`", "problem")) from None
    return f"{_title(reference)}\n{made.problem.text.lstrip()}"


def _check_files(reference: Any, inputs: Any) -> None:
    """What is typed at a prompt is nowhere that another process could read it; a notebook has its cells."""
    owner = getattr(reference, "__self__", reference)
    kinds: set[Any] = {type(part) for part in owner.modules()} if hasattr(owner, "named_parameters") else set()
    for one in (*kinds, *(value for value in (reference, inputs) if isinstance(value, FunctionType))):
        home = sys.modules.get(one.__module__)
        if home is None or not (hasattr(home, "__file__") or hasattr(home, "In")):
            raise CannotGenerate(
                f"`{one.__qualname__}` is in no file: it was typed at a prompt. Fix: put it into a file and import it, "
                "or give the text of a problem file."
            )


def _title(reference: Any) -> str:
    """What it is, for who reads the file: a module's structure, a function's name."""
    what = repr(reference) if hasattr(reference, "named_parameters") else _name(reference)
    lines = [line.encode("ascii", "replace").decode() for line in what.splitlines() if line.isprintable()]
    return "\n".join(["# Made by generate_kernel from", *(f"#   {line}" for line in lines[:60]), ""])


def caller_of() -> FrameType:
    """The frame of whoever called this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == OWN:
        frame = frame.f_back
    return frame or sys._getframe(1)
