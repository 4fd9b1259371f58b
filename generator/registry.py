"""Authors by the name that the user gives. A new author is one file and one entry in `AUTHORS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pytest_kernelfalcon.generator.author import Author, Setting


class UnknownAuthor(ValueError):
    """No author goes by that name, or not with that argument; the text lists those that there are."""


def _cookbook(argument: str, setting: Setting) -> Author:
    from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor

    if argument:
        raise UnknownAuthor(f"'cookbook/{argument}': the cookbook takes no argument. Fix: name it `cookbook`.")
    return CookbookAuthor()


def _scripted(argument: str, setting: Setting) -> Author:
    from pytest_kernelfalcon.generator.scripted import Scripted

    return Scripted.of(argument)


def _directory(argument: str, setting: Setting) -> Author:
    from pytest_kernelfalcon.generator.directory import Directory

    return Directory.of(argument, setting)


def _model(provider: str, argument: str, setting: Setting) -> Author:
    from pytest_kernelfalcon.generator.llm.author import LlmAuthor

    if not argument.strip():
        raise UnknownAuthor(f"'{provider}/': no model is named. Fix: name one, as in `{provider}/<model>`.")
    return LlmAuthor(f"{provider}/{argument}", provider, argument, setting)


def _replay(argument: str, setting: Setting) -> Author:
    from pytest_kernelfalcon.generator.llm.replay import Replay

    return Replay.of(argument, setting)


AUTHORS: dict[str, tuple[str, Callable[[str, Setting], Author]]] = {
    "cookbook": ("cookbook", _cookbook),
    "dir": ("dir/<path>", _directory),
    "scripted": ("scripted/<folder>", _scripted),
    "openai": ("openai/<model>", partial(_model, "openai")),
    "anthropic": ("anthropic/<model>", partial(_model, "anthropic")),
    "relay": ("relay/<model>", partial(_model, "relay")),
    "replay": ("replay/<path>", _replay),
}
"""By the part of the name before the first slash: how it is written, and what makes one from the rest of the name."""

READ_ANEW = ("dir", "replay")
"""Those whose candidates the user changes between runs, or that are to show how they come about: what an earlier run
accepted is not theirs any more.
"""

ALIKE = ("cookbook", "dir", "scripted", "replay")
"""Those that answer alike whenever they are asked, and at once. What others said in an earlier run is taken as said."""


def resolve(name: str, setting: Setting | None = None) -> Author:
    """The author that `name` means, for a run in that setting. Raises `UnknownAuthor`."""
    kind, _, argument = name.partition("/")
    if kind not in AUTHORS:
        known = ", ".join(f"`{form}`" for form, _ in AUTHORS.values())
        raise UnknownAuthor(f"{name!r} is no author. Fix: name one of {known}.")
    return AUTHORS[kind][1](argument, setting or Setting())


def resumes(name: str) -> bool:
    """Whether a run may go on with what this author won in an earlier one."""
    return name.partition("/")[0] not in READ_ANEW


def answers_alike(name: str) -> bool:
    """Whether this author, asked again, says the same and takes no time: what it said before is held against it."""
    return name.partition("/")[0] in ALIKE
