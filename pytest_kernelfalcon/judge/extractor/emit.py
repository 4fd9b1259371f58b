"""The restricted text of one kernel: its own lines at their own numbers, under a decorator that we wrote."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.refusal import construct
from pytest_kernelfalcon.judge.extractor.signature import decorator, foreign_annotations
from pytest_kernelfalcon.judge.extractor.source import Source, quietly

_ALONE = "its text cannot be taken by itself: write it plainly, at module level"
_DEF = re.compile(r"def \w+ ?\(")


@dataclass(frozen=True)
class Segment:
    """line: of lines[0] in the candidate, from 1. kernel: the tree of `lines` alone, whose numbers begin with 1."""

    line: int
    lines: list[str]
    kernel: ast.FunctionDef


def segment(kernel: ast.FunctionDef, source: Source, names: ModuleNames) -> Segment:
    """The text that will be loaded for a kernel, and its tree. Raises Refused.

    The decorator stands at the line of the kernel's first one: Triton counts lines from there, and its compile key
    holds that number.
    """
    first, end = kernel.decorator_list[0].lineno, kernel.end_lineno or kernel.lineno
    lines = [line.encode() for line in source.lines[kernel.lineno - 1 : end]]
    for parameter in foreign_annotations(kernel, names):
        _blank_annotation(parameter, lines, kernel.lineno)
    indent = kernel.col_offset
    body = [(line[indent:] if not line[:indent].strip() else line).decode() for line in lines]
    text = [decorator(kernel, names), *[""] * (kernel.lineno - first - 1), *body]
    return Segment(first, text, _single_function(text, kernel))


def _single_function(lines: list[str], kernel: ast.FunctionDef) -> ast.FunctionDef:
    try:
        with quietly():
            tree = ast.parse("\n".join(lines) + "\n")
    except SyntaxError as error:
        raise construct(kernel, f"{_ALONE} ({error.msg})") from None
    match tree.body:
        case [ast.FunctionDef(name=kernel.name) as function] if function.end_lineno == len(lines):
            return function
    raise construct(kernel, _ALONE)


def check_start(found: Segment) -> None:
    """Triton looks for a function's start in the text again: the first `def name(`, or the last line with `def `.

    Raises Refused where that is not the function itself, but (say) a line of its docstring.
    """
    start = found.kernel.lineno
    if not _DEF.match(found.lines[start - 1]):
        raise construct(found.kernel, "write `def name(` on one line")
    for number, line in enumerate(found.lines[start:], start + 1):
        if line.strip().startswith("def "):
            raise construct(number, "a line inside a kernel, of a docstring too, cannot begin with `def `")


def _blank_annotation(parameter: ast.arg, lines: list[bytes], first: int) -> None:
    """Spaces instead of `: torch.Tensor`: the columns of all else stay."""
    annotation = parameter.annotation
    if annotation is None or annotation.lineno != parameter.lineno or annotation.end_lineno != parameter.lineno:
        raise construct(parameter, "an annotation stands on the line of its parameter")
    line = lines[parameter.lineno - first]
    start, end = line.index(b":", parameter.col_offset), annotation.end_col_offset or 0
    lines[parameter.lineno - first] = line[:start] + b" " * (end - start) + line[end:]
