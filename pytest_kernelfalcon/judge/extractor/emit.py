"""The restricted text of one kernel: its own lines at their own numbers, under a decorator that we wrote."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from pytest_kernelfalcon.judge.extractor.globals import ModuleNames
from pytest_kernelfalcon.judge.extractor.refusal import Refused, construct
from pytest_kernelfalcon.judge.extractor.signature import decorator, foreign_annotations
from pytest_kernelfalcon.judge.extractor.source import Source, parse

_DEF = re.compile(r"def \w+ ?\(")


@dataclass(frozen=True)
class Segment:
    """line: of the candidate, where lines[0] lies, counted from 1. kernel: the tree of these lines, to be checked."""

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
    _check_def_lines(body, kernel.lineno)
    text = [decorator(kernel, names), *[""] * (kernel.lineno - first - 1), *body]
    return Segment(first, text, _single_function(text, first, kernel))


def _single_function(lines: list[str], first: int, kernel: ast.FunctionDef) -> ast.FunctionDef:
    try:
        tree = parse("\n" * (first - 1) + "\n".join(lines) + "\n")
    except Refused as refused:
        detail = f"it cannot be read apart from what is around it ({refused.refusal.detail}): define it at module level"
        raise construct(refused.refusal.line or kernel, detail) from None
    match tree.body:
        case [ast.FunctionDef(name=kernel.name, lineno=kernel.lineno, end_lineno=kernel.end_lineno) as function]:
            return function
    raise construct(kernel, "it cannot be read apart from what is around it: define it at module level")


def _check_def_lines(lines: list[str], number: int) -> None:
    """Triton finds a function's start by its `def` again, in the text: by the first that it knows, or by the last."""
    if not _DEF.match(lines[0]):
        raise construct(number, "write `def name(` on one line")
    for offset, line in enumerate(lines[1:], 1):
        if line.strip().startswith("def "):
            raise construct(number + offset, "a line inside a kernel, of a docstring too, cannot begin with `def `")


def _blank_annotation(parameter: ast.arg, lines: list[bytes], first: int) -> None:
    """Spaces instead of `: torch.Tensor`: the columns of all else stay."""
    annotation = parameter.annotation
    if annotation is None or annotation.lineno != parameter.lineno or annotation.end_lineno != parameter.lineno:
        raise construct(parameter, "an annotation stands on the line of its parameter")
    line = lines[parameter.lineno - first]
    start, end = line.index(b":", parameter.col_offset), annotation.end_col_offset or 0
    lines[parameter.lineno - first] = line[:start] + b" " * (end - start) + line[end:]
