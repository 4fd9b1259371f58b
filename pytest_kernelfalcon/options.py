"""The options: one table, and where each value comes from (command line > environment > ini > default)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.llm.prices import Named
    from pytest_kernelfalcon.store.ledger import Budget

PREFIX = "--kernelfalcon-"
REPORTS = (PREFIX + "json", PREFIX + "html")
"""What a command that is shown leaves out: whose files these are is not its matter."""
PLATFORMS = ("auto", "cpu", "cuda", "xpu")
Sandbox = Literal["auto", "require", "off"]
SANDBOXES: tuple[Sandbox, ...] = ("auto", "require", "off")
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")

Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Option:
    """One option. parse: raises ValueError with what is expected. legacy: environment names that count below ours."""

    name: str
    default: str | None
    parse: Parse
    help: str
    metavar: str | None = None
    legacy: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return PREFIX + self.name.replace("_", "-")

    @property
    def dest(self) -> str:
        return f"kernelfalcon_{self.name}"

    @property
    def ini_type(self) -> Literal["string", "bool", "int"]:
        """What a native TOML value is: `kernelfalcon_seeds = 4` and `kernelfalcon_update = true` are meant to work."""
        if self.metavar is None:
            return "bool"
        return "int" if self.parse is _count else "string"

    @property
    def environment(self) -> tuple[str, ...]:
        return (f"KERNELFALCON_{self.name.upper()}", *self.legacy)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError("a whole number of at least 1")
    return int(text)


def _switch(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError("true or false")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("names, separated by commas, as in `cookbook` or `cookbook,scripted/kernels`")
    return names


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a path")
    return Path(text)


def _ref(text: str) -> str:
    if not text.strip():
        raise ValueError("a branch, tag or commit, as in `origin/main`")
    return text


def _word(text: str) -> str:
    if not text.strip():
        raise ValueError("a word, as in `high`")
    return text.strip()


def _budget(text: str) -> Budget:
    from pytest_kernelfalcon.store.ledger import Budget

    return Budget.parse(text)


def _prices(text: str) -> tuple[tuple[str, Named], ...]:
    from pytest_kernelfalcon.generator.llm import prices

    return prices.parse(text)


def _shard(text: str) -> tuple[int, int]:
    """Which part of how many."""
    part, slash, parts = text.partition("/")
    if not slash or not all(word.isascii() and word.isdigit() for word in (part, parts)):
        raise ValueError("I/N, as in `1/4`")
    if not 1 <= int(part) <= int(parts):
        raise ValueError("I/N with I from 1 to N, as in `1/4`")
    return int(part), int(parts)


def _one_of(*words: str) -> Parse:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


TABLE = (
    Option("author", "cookbook", _names, "who proposes kernels, in the order in which they are asked", "NAME[,NAME…]"),
    Option("seeds", "4", _count, "independent searches for each subgraph", "N", ("NUM_KERNEL_SEEDS",)),
    Option("rounds", "10", _count, "candidates of each author that a seed may try", "N", ("MAX_REFINEMENT_ROUNDS",)),
    Option("effort", None, _word, "how long a language model thinks, in its provider's words", "WORD"),
    Option("max_tokens", "32000", _count, "tokens of a language model's answer, thinking included", "N"),
    Option("window", "100000", _count, "tokens of a prompt, at most", "N"),
    Option("calls", "8", _count, "calls of language models at a time, over all workers", "N"),
    Option("budget", None, _budget, "what a run may spend on language models, over all workers", "AMOUNT"),
    Option("prices", None, _prices, "of models, in dollars for a million tokens", "MODEL=IN/OUT[,…]"),
    Option("templates", None, _path, "a folder with prompt templates that replace ours", "DIR"),
    Option("platform", "auto", _one_of(*PLATFORMS), "where kernels are judged (auto: cuda, else cpu)", "NAME"),
    Option("update", "false", _switch, "write accepted kernels to __kernels__/ beside the problem"),
    Option("frozen", None, _switch, "judge kept kernels, synthesise nothing (default when CI is set)"),
    Option("fresh", "false", _switch, "ignore kept kernels and what earlier runs found"),
    Option("kernels", None, _path, "where kept kernels live instead of beside their problems", "DIR"),
    Option("json", None, _path, "write the report to FILE", "FILE"),
    Option("html", None, _path, "write the run as one page of HTML to FILE", "FILE"),
    Option("changed", None, _ref, "leave away problems that are as they were at REF, with their kernels", "REF"),
    Option("shard", None, _shard, "the I-th of N parts of the problems; a problem is in exactly one", "I/N"),
    Option("sanitize", "false", _switch, "run compute-sanitizer over accepted kernels (platform cuda)"),
    Option(
        "sandbox", "auto", _one_of(*SANDBOXES), "what to do where the kernel of this machine cannot isolate", "MODE"
    ),
)


@dataclass(frozen=True)
class Options:
    """The options of a run. Paths are absolute. `line`: the words of the command line that set them.

    given: the names of those that were set anywhere; the others are at their defaults.
    """

    author: tuple[str, ...]
    seeds: int
    rounds: int
    effort: str | None
    max_tokens: int
    window: int
    calls: int
    templates: Path | None
    platform: str
    update: bool
    frozen: bool
    fresh: bool
    kernels: Path | None
    json: Path | None
    html: Path | None
    sanitize: bool
    sandbox: Sandbox
    line: tuple[str, ...]
    given: frozenset[str] = frozenset()
    changed: str | None = None
    shard: tuple[int, int] | None = None
    budget: Budget | None = None
    prices: tuple[tuple[str, Named], ...] | None = None

    def command(self, path: str, *extra: str) -> str:
        """The command that runs `path` again with the same settings of the command line, plus `extra` flags."""
        dropped = {*extra, *REPORTS, *(PREFIX + name for name in ("frozen", "changed", "shard"))}
        return self._command([word for word in self.line if word.partition("=")[0] not in dropped], *extra, path)

    def go_on(self, path: str) -> str:
        """The command that goes on with what was found for `path`, and may spend more on language models."""
        return self._command(self.larger([word for word in self.line if word.partition("=")[0] not in REPORTS]), path)

    def larger(self, words: Sequence[str]) -> list[str]:
        """These words of a command line, for a run that goes on with what was found and may spend twice as much."""
        budget = PREFIX + "budget"
        kept = [
            word
            for before, word in zip(("", *words), words, strict=False)
            if word.partition("=")[0] not in (PREFIX + "fresh", budget) and before != budget
        ]
        return [*kept, f"{budget}={self.budget.times(2).option}"] if self.budget else kept

    def _command(self, words: Sequence[str], *more: str) -> str:
        return shlex.join(["pytest", "--kernelfalcon", *words, *more])

    def regenerate(self, path: str) -> str:
        """The command that synthesises a kernel for `path` and keeps it; it works where CI is set, too."""
        return self.command(path, PREFIX + "fresh", PREFIX + "update")


def add(parser: pytest.Parser) -> None:
    """Declares every option for the command line and the ini file."""
    group = parser.getgroup("kernelfalcon", "kernelfalcon: Triton kernels for PyTorch problems")
    group.addoption(
        "--kernelfalcon", action="store_true", default=False, help="collect problems: synthesise and judge kernels"
    )
    for option in TABLE:
        kind: dict[str, Any] = {"metavar": option.metavar}
        if option.metavar is None:
            kind = {"action": "store_const", "const": "true"}
        shown = f" (default: {option.default})" if option.metavar and option.default else ""
        group.addoption(option.flag, dest=option.dest, default=None, help=option.help + shown, **kind)
        parser.addini(option.dest, option.help, type=option.ini_type, default=None)


def read(config: pytest.Config, environ: Mapping[str, str] = os.environ) -> Options:
    """The options of this run; raises `pytest.UsageError` naming option, value, source and fix."""
    values: dict[str, Any] = {}
    explicit: dict[str, str] = {}
    line: list[str] = []
    for option in TABLE:
        text, source = _find(option, config, environ)
        if text is None:
            values[option.name] = None
            continue
        value = _parse(option, text, source)
        if isinstance(value, Path):
            value = (_base(config, source) / value).absolute()
        values[option.name] = value
        if source != "the default":
            explicit[option.name] = source
        if source == "the command line":
            line.append(option.flag if option.metavar is None else f"{option.flag}={text}")
    values["frozen"] = _frozen(values, explicit, environ)
    for name in ("json", "html"):
        _check_report(name, values[name])
    return Options(**values, line=tuple(line), given=frozenset(explicit))


def _find(option: Option, config: pytest.Config, environ: Mapping[str, str]) -> tuple[str | None, str]:
    if (given := config.getoption(option.dest)) is not None:
        return str(given), "the command line"
    for name in option.environment:
        if environ.get(name):
            return environ[name], f"the environment variable {name}"
    if (ini := _ini(option, config)) is not None:
        return str(ini), f"the ini option {option.dest}"
    return option.default, "the default"


def _ini(option: Option, config: pytest.Config) -> object:
    try:
        return config.getini(option.dest)
    except (TypeError, ValueError, pytest.UsageError) as error:  # pytest's own check of a bool, an int or a TOML type
        raise pytest.UsageError(f"{option.flag}: the ini option {option.dest} is not valid: {error}") from None


def _parse(option: Option, text: str, source: str) -> Any:
    try:
        return option.parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{option.flag}: {text!r} (from {source}) is not valid. Fix: give {error}.") from None


def _base(config: pytest.Config, source: str) -> Path:
    """What a relative path is relative to: the ini file's folder for an ini option, else where pytest was started."""
    if source.startswith("the ini option") and config.inipath is not None:
        return config.inipath.parent
    return config.invocation_params.dir


def _frozen(values: dict[str, Any], explicit: dict[str, str], environ: Mapping[str, str]) -> bool:
    if values["fresh"] and values["frozen"]:
        raise pytest.UsageError(
            f"{PREFIX}frozen (from {explicit['frozen']}) judges kept kernels only and {PREFIX}fresh "
            f"(from {explicit['fresh']}) ignores them. Fix: give one of them."
        )
    if values["frozen"] is not None:
        return bool(values["frozen"])
    return environ.get("CI", "").lower() not in FALSE and not values["fresh"]


def _check_report(name: str, path: Path | None) -> None:
    if path is not None and path.is_dir():
        raise pytest.UsageError(f"{PREFIX}{name}: {str(path)!r} is a folder. Fix: give the name of a file.")
