"""Keyword arguments as the options of a command line: those of the one table, so that a new option is known here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_kernelfalcon.generating.result import CannotGenerate
from pytest_kernelfalcon.options import TABLE, Option

NAMES: dict[str, Option] = {option.name: option for option in TABLE}
"""By the name of the keyword argument."""
AUTO = ("auto", "logical")
"""What pytest-xdist takes for a number of workers."""


@dataclass(frozen=True)
class Settings:
    """given: each option that the caller gave, as the text that a command line would have. workers: for `-n`."""

    given: Mapping[str, str]
    workers: str = ""

    @classmethod
    def of(cls, own: Sequence[str], workers: int | str | None, options: Mapping[str, Any]) -> Settings:
        """own: further names that the caller could give. None is as if it was not given.

        Raises TypeError for a name that is none, CannotGenerate for a value that the option does not take.
        """
        for name in options:
            if name not in NAMES:
                known = ", ".join(sorted([*own, *NAMES]))
                raise TypeError(f"generate_kernel() has no argument {name!r}. Fix: give one of {known}.")
        given = {name: _text(name, value) for name, value in options.items() if value is not None}
        return cls(given, _workers(workers))

    def changed(self, **texts: str) -> Settings:
        return replace(self, given={**self.given, **texts})

    @property
    def flags(self) -> list[str]:
        """The words of the command line, but for the report: that is read here first."""
        words = ["-n", self.workers] if self.workers else []
        for name, text in self.given.items():
            option = NAMES[name]
            if name == "json":
                continue
            if option.metavar is not None:
                words.append(f"{option.flag}={text}")
            elif option.parse(text):
                words.append(option.flag)
        return words

    @property
    def environment(self) -> dict[str, str]:
        """What no word of a command line says: that a switch is off. Who calls for a kernel does not want to be told
        that there is none yet, so a run is not frozen for being in CI.
        """
        off = [name for name, text in self.given.items() if NAMES[name].metavar is None and not NAMES[name].parse(text)]
        frozen = NAMES["frozen"].environment[0]
        asked = "frozen" in self.given or os.environ.get(frozen)
        return {NAMES[name].environment[0]: "false" for name in off} | ({} if asked else {frozen: "false"})

    def value(self, name: str) -> Any:
        """What the option comes to, from the caller, the environment or its default; None where it is not known."""
        option = NAMES.get(name)
        if option is None:
            return None
        texts = [self.given.get(name), *map(os.environ.get, option.environment), option.default]
        text = next((text for text in texts if text), None)
        return None if text is None else _parsed(name, text)


def _text(name: str, value: object) -> str:
    """The value as one would type it; raises CannotGenerate."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list | tuple):
        text = ",".join(map(str, value))
    else:
        text = str(value)
    _parsed(name, text)
    return text


def _parsed(name: str, text: str) -> Any:
    try:
        return NAMES[name].parse(text)
    except ValueError as error:
        raise CannotGenerate(f"{name}={text!r} is not valid. Fix: give {error}.") from None


def _workers(value: int | str | None) -> str:
    text = "" if value is None else str(value)
    if text and text not in AUTO and not (text.isascii() and text.isdigit() and int(text)):
        raise CannotGenerate(f"workers={value!r} is not valid. Fix: give a whole number of at least 1, or 'auto'.")
    return "" if text == "1" else text
