"""The kernels that were taken: restricted text, what it may see, and how it is loaded."""

from __future__ import annotations

import builtins
import hashlib
import inspect
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.emit import Segment
from pytest_kernelfalcon.judge.extractor.folding import Dtype, Value
from pytest_kernelfalcon.judge.extractor.meaning import Global
from pytest_kernelfalcon.judge.extractor.refusal import Refusal, Refused, quoted
from pytest_kernelfalcon.judge.extractor.source import quietly

MODULE = "kernelfalcon_kernels"
"""`__module__` of the loaded kernels."""


@dataclass
class Kernels:
    """What the extractor took from one candidate.

    text: a module of @triton.jit functions and nothing else, every line at its number in the candidate.
    names: of the kernels taken, in their order. refused: the jit functions that were not taken, by name: fatal only
    where one is launched. environment: what the text may see beside Triton's decorator, by name.
    """

    text: str
    names: list[str]
    refused: dict[str, Refusal]
    environment: dict[str, Global]
    sha256: str = ""
    _segments: Mapping[str, Segment] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, segments: Mapping[str, Segment], refused: dict[str, Refusal], environment: dict[str, Global]
    ) -> Kernels:
        """segments: of the kernels taken, by name, in the order of their lines."""
        text = _assemble(list(segments.values()))
        seen = [f"{name} {' '.join(environment[name].meaning)}" for name in sorted(environment)]
        digest = hashlib.sha256("\n".join([text, *seen]).encode()).hexdigest()
        return cls(text, list(segments), refused, environment, digest, segments)

    def lines_of(self, name: str) -> list[str]:
        """The text of one kernel."""
        return list(self._segments[name].lines)

    def load(self, path: Path) -> dict[str, Any]:
        """The kernels by name: JITFunction, or InterpretedFunction where TRITON_INTERPRET is set.

        Writes the text to `path`, since Triton reads sources from files, and executes it: that defines functions and
        evaluates their checked defaults and annotations, nothing else. Raises Refused where Triton refuses a
        definition, or would compile other lines than were checked.
        """
        path.write_text(self.text, encoding="utf-8", newline="\n")
        namespace = self._namespace()
        with quietly():
            code = compile(self.text, str(path), "exec", dont_inherit=True)
        try:
            exec(code, namespace)
        except Exception as error:
            raise self._definition_refused(error, path) from error
        kernels = {name: namespace[name] for name in self.names}
        for name, kernel in kernels.items():
            seen = "".join(inspect.getsourcelines(kernel.fn)[0]).rstrip()
            if seen != "\n".join(self._segments[name].lines).rstrip():
                raise self._at(self._segments[name].line, "Triton reads other lines for it than Python does")
        return kernels

    def _definition_refused(self, error: Exception, path: Path) -> Refused:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        return self._at(lines[-1] or 1, f"Triton refuses the definition: {quoted(f'{type(error).__name__}: {error}')}")

    def _at(self, line: int, detail: str) -> Refused:
        name = [name for name, segment in self._segments.items() if segment.line <= line][-1]
        return Refused(Refusal(Cause.KERNEL_CONSTRUCT, detail, line, name))

    def _namespace(self) -> dict[str, Any]:
        """Globals: a closed `__builtins__`, Triton, and the environment. The interpreter asks for tl among them."""
        allowed = sorted(allowlist.BUILTINS | allowlist.ANNOTATIONS)
        namespace: dict[str, Any] = {
            "__name__": MODULE,
            "__builtins__": {name: getattr(builtins, name) for name in allowed},
            "__triton_language__": allowlist.resolve(allowlist.LANGUAGE),
            "triton": allowlist.resolve("triton"),
        }
        return namespace | {name: _object(known) for name, known in self.environment.items()}


def _assemble(segments: Sequence[Segment]) -> str:
    lines: list[str] = []
    for segment in segments:
        lines += [""] * (segment.line - 1 - len(lines))
        lines += segment.lines
    return "\n".join([*lines, ""])


def _object(known: Global) -> Any:
    match known.kind:
        case "module" | "object":
            return allowlist.resolve(known.path)
        case "constexpr":
            return allowlist.resolve(f"{allowlist.LANGUAGE}.constexpr")(_value(known.value))
    return _value(known.value)


def _value(value: Value) -> Any:
    if isinstance(value, tuple):
        return tuple(_value(element) for element in value)
    return allowlist.resolve(value.path) if isinstance(value, Dtype) else value
