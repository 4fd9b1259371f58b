"""From a model's answer to a candidate: code blocks of any kind, a whole file, or edits of the last candidate."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent

from markdown_it import MarkdownIt

from pytest_kernelfalcon.generator.llm.edits import Edit, EditError, applied, edits_in

ENTRIES = ("kernel_function", "ModelNew")
"""One of them is what a whole candidate defines."""


class NoCandidate(ValueError):
    """The answer holds none; the text says why and what to answer instead. It is told to the model."""


@dataclass(frozen=True)
class Found:
    """A candidate's text, and how it was found, in a few words. unclosed: the answer ends inside its code."""

    source: str
    how: str
    unclosed: bool = False


@dataclass(frozen=True)
class Block:
    """A code block, or a whole answer without one."""

    text: str
    closed: bool = True

    @cached_property
    def tree(self) -> ast.Module | None:
        """None where the text is no Python."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @property
    def is_whole(self) -> bool:
        """Whether it defines a candidate's entry, and a kernel: models like to show these in two blocks."""
        tree = self.tree
        return tree is not None and _has_entry(tree) and any(map(_is_kernel, ast.walk(tree)))


def _has_entry(tree: ast.Module) -> bool:
    return any(name in ENTRIES for node in tree.body for name in _names(node))


def _is_kernel(node: ast.AST) -> bool:
    """A function that Triton compiles, by the looks of it."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(_name(inner).endswith("jit") for one in decorators for inner in ast.walk(one))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def candidate(answer: str, last: str | None) -> Found:
    """The candidate in a model's answer. last: what edits are edits of. Raises `NoCandidate`.

    Of several whole files the last one counts: models think aloud before they answer. Blocks that are whole only
    together are joined in their order.
    """
    answer = answer.replace("\r\n", "\n")
    if edits := edits_in(answer):
        return _edited(edits, last)
    blocks = code_blocks(answer)
    if not blocks:
        return _bare(answer)
    how = "a block" if len(blocks) == 1 else "one of several blocks"
    for block in reversed(blocks):
        if block.is_whole:
            return Found(_file(block.text), how, not block.closed)
    return _joined(blocks)


def _edited(edits: Sequence[Edit], last: str | None) -> Found:
    if last is None:
        raise NoCandidate("the answer has edits, but there is no earlier candidate to edit: answer with the whole file")
    try:
        text = applied(edits, last)
    except EditError as error:
        raise NoCandidate(f"{error}: repeat the lines exactly as they stand, or answer with the whole file") from None
    return Found(_file(text), f"{len(edits)} edit{'s' if len(edits) > 1 else ''}")


def _joined(blocks: Sequence[Block]) -> Found:
    """Several blocks that are one file; or the last that names an entry, and the judge says what is wrong with it."""
    parts = [block for block in blocks if block.tree is not None]
    whole = Block("\n\n".join(block.text.strip("\n") for block in parts), all(block.closed for block in parts))
    if whole.is_whole:
        return Found(_file(whole.text), f"{len(parts)} blocks joined", not whole.closed)
    entry = re.compile(rf"\b({'|'.join(ENTRIES)})\b")
    nearest = [block for block in blocks if entry.search(block.text)]
    if not nearest:
        raise NoCandidate("no code block of the answer defines `kernel_function`: answer with one block, a whole file")
    return Found(_file(nearest[-1].text), "a block that is not whole", not nearest[-1].closed)


def _bare(answer: str) -> Found:
    block = Block(dedent(answer))
    if block.tree is not None and _has_entry(block.tree):
        return Found(_file(block.text), "the whole answer")
    raise NoCandidate("the answer has no code block: answer with one block, a whole file")


def code_blocks(answer: str) -> list[Block]:
    """Fenced blocks as CommonMark has them: ``` or ~~~, of any length, in lists and quotes, closed or not."""
    lines = answer.splitlines()
    found = []
    for token in MarkdownIt("commonmark").parse(answer):
        if token.type == "fence" and token.content.strip() and token.map:
            last = lines[min(token.map[1], len(lines)) - 1].strip(" >")
            found.append(Block(dedent(token.content), closed=set(last) == {token.markup[0]}))
    return found


def _file(text: str) -> str:
    return text.strip("\n") + "\n"
