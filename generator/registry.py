"""Authors by the name that the user gives. A new author is one file and one entry in `AUTHORS`."""

from __future__ import annotations

from collections.abc import Callable

from pytest_kernelfalcon.generator.author import Author


class UnknownAuthor(ValueError):
    """No author goes by that name, or not with that argument; the text lists those that there are."""


def _cookbook(argument: str) -> Author:
    from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor

    if argument:
        raise UnknownAuthor(f"'cookbook/{argument}': the cookbook takes no argument. Fix: name it `cookbook`.")
    return CookbookAuthor()


def _scripted(argument: str) -> Author:
    from pytest_kernelfalcon.generator.scripted import Scripted

    return Scripted.of(argument)


AUTHORS: dict[str, tuple[str, Callable[[str], Author]]] = {
    "cookbook": ("cookbook", _cookbook),
    "scripted": ("scripted/<folder>", _scripted),
}
"""By the part of the name before the first slash: how it is written, and what makes one from the rest of the name."""


def resolve(name: str) -> Author:
    """The author that `name` means. Raises `UnknownAuthor`."""
    kind, _, argument = name.partition("/")
    if kind not in AUTHORS:
        known = ", ".join(f"`{form}`" for form, _ in AUTHORS.values())
        raise UnknownAuthor(f"{name!r} is no author. Fix: name one of {known}.")
    return AUTHORS[kind][1](argument)
