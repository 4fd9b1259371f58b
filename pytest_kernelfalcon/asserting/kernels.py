"""The candidate: the text that a Triton wrapper is made from, under the name that the judge calls.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import ast
import contextlib
import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_kernelfalcon.asserting import modules
from pytest_kernelfalcon.asserting.entries import find, literal
from pytest_kernelfalcon.asserting.gathering import NAME, Candidate, assembled, check_alias
from pytest_kernelfalcon.asserting.modules import CannotJudge, Module
from pytest_kernelfalcon.asserting.slices import cut

JIT = ("JITFunction", "InterpretedFunction", "Autotuner", "Heuristics")


def candidate(kernel: object, caller: Mapping[str, Any], folders: tuple[Path, ...]) -> Candidate:
    """The candidate for what a test names: a wrapper, a module, or the path of a file, with `::name` where its wrapper
    has another name than `kernel_function`. folders: what a path is relative to, in order.

    Raises CannotJudge.
    """
    if isinstance(kernel, str | Path):
        return _of_path(str(kernel), folders)
    if isinstance(kernel, ModuleType):
        return _of_file(_module_of(kernel), "")
    if isinstance(kernel, functools.partial):
        return _of_partial(kernel, caller)
    if type(kernel).__name__ in JIT and type(kernel).__module__.startswith("triton"):
        raise CannotJudge(
            f"the kernel is `{getattr(kernel, '__name__', 'kernel')}` itself, a @triton.jit function. Fix: pass the "
            "Python function that allocates the output and launches it."
        )
    if isinstance(kernel, type) or hasattr(kernel, "named_parameters"):
        raise CannotJudge(
            "the kernel is a torch.nn.Module. Fix: pass a function, which is given the module's state by keyword; or "
            "judge a file that holds `ModelNew` by its path, against a problem file."
        )
    if not callable(kernel):
        raise CannotJudge(f"the kernel is a {type(kernel).__name__}. Fix: pass a function, a module or a path.")
    entry = find(kernel, "the kernel", caller)
    return assembled(entry, entry.expression)


def _of_partial(kernel: functools.partial[Any], caller: Mapping[str, Any]) -> Candidate:
    entry = find(kernel.func, "the function of the functools.partial", caller)
    given = [literal(value, "an argument of the functools.partial") for value in kernel.args]
    given += [
        f"{name}={literal(value, f'`{name}` of the functools.partial')}" for name, value in kernel.keywords.items()
    ]
    return assembled(entry, f"__import__('functools').partial({', '.join([entry.expression, *given])})")


def _of_path(given: str, folders: tuple[Path, ...]) -> Candidate:
    """A file that is never imported here."""
    path, _, name = given.partition("::")
    return _of_file(read(path, folders), name)


def read(given: str, folders: tuple[Path, ...]) -> Module:
    """The file at a path that is relative to one of these folders, the first that has it. Raises CannotJudge."""
    for folder in folders:
        if (place := folder / given).is_file():
            try:
                text = place.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            except UnicodeDecodeError as error:
                raise CannotJudge(f"{given!r} is not UTF-8: {error}. Fix: save it as UTF-8.") from None
            return Module(place.stem, place, text, "")
    raise CannotJudge(f"{given!r} is no file in {' or '.join(dict.fromkeys(map(str, folders)))}. Fix: mend the path.")


def _module_of(module: ModuleType) -> Module:
    found = modules.of_globals(vars(module))
    if found is None:
        raise CannotJudge(f"the module `{module.__name__}` has no file of Python text. Fix: pass a wrapper or a path.")
    return found


def _of_file(module: Module, name: str) -> Candidate:
    """The whole text: it holds a candidate, or a wrapper of that name."""
    if name and not name.isidentifier():
        raise CannotJudge(f"{name!r} is no name of a function. Fix: write `path.py::function`.")
    if name in ("", NAME):
        return Candidate(module.text, module, name or module.path.name)
    with contextlib.suppress(SyntaxError):  # that is the judge's to tell
        compile(module.text, module.shown, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        check_alias(cut(module, [name]), name)
    return Candidate(f"{module.text}\n{NAME} = {name}\n", module, name)
