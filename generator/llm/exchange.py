"""One call to a model, kept: what was asked, and what came of it. Two files in the folder of its round.

    prompt<n>.json    written before the call: {schema, author, scene, request}
    answer<n>.json    written after it: {schema, and one of answer, failed, left}

n counts the calls of a round from 0. A prompt without an answer is a call that was not made, or that nobody lived to
see the end of. There is no address, header or key in either: a request has none, and what a server says back has been
freed of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.prompts import Scene
from pytest_kernelfalcon.generator.llm.provider import Answer, Message, Request, Usage
from pytest_kernelfalcon.store import files

SCHEMA = 1
PROMPT = re.compile(r"prompt(\d+)\.json")


@dataclass(frozen=True)
class Left:
    """A call that was left before it had an answer. reason: by what."""

    reason: str


End = Answer | CallFailed | Left


@dataclass(frozen=True)
class Exchange:
    """author: as the user named it. scene: what the prompt was made for. end: None where there is no answer."""

    author: str
    scene: Scene
    request: Request
    end: End | None = None

    def begin(self, folder: Path) -> int:
        """Keeps what is asked, and returns the number of the call. Raises `files.Unwritable`."""
        number = max(_numbers(folder), default=-1) + 1
        facts = {"author": self.author, "scene": asdict(self.scene), "request": asdict(self.request)}
        _write(folder / f"prompt{number}.json", facts)
        return number


def finish(folder: Path, number: int, end: End) -> None:
    """Keeps what came of a call. Raises `files.Unwritable`."""
    _write(folder / f"answer{number}.json", _end_to_json(end))


def read(folder: Path) -> list[Exchange]:
    """The calls of a round, in order. Raises `files.Unreadable`."""
    return [_read(folder, number) for number in sorted(_numbers(folder))]


def _numbers(folder: Path) -> list[int]:
    found = (PROMPT.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return [int(match[1]) for match in found if match]


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    """Exactly the text, whatever a model says: half a surrogate pair has no UTF-8, and is written as if it had one."""
    files.write(path, (files.to_json({"schema": SCHEMA, **facts}) + "\n").encode(errors="surrogatepass"))


def _read(folder: Path, number: int) -> Exchange:
    asked, came = folder / f"prompt{number}.json", folder / f"answer{number}.json"
    data, end = files.read_json(asked) or {}, files.read_json(came)
    with files.making_of(asked):
        _check(data)
        exchange = Exchange(_text(data["author"]), _scene(data["scene"]), _request(data["request"]))
    if end is None:
        return exchange
    with files.making_of(came):
        _check(end)
        return replace(exchange, end=_end(end))


def _check(data: Mapping[str, Any]) -> None:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, where {SCHEMA} is read")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in the place of text")
    return value


def _scene(data: Mapping[str, Any]) -> Scene:
    targets = tuple(map(_text, data["targets"]))
    return Scene(_text(data["platform"]), _text(data["triton"]), targets, _text(data["device"]))


def _request(data: Mapping[str, Any]) -> Request:
    messages = tuple(Message(one["role"], _text(one["text"]), bool(one["stable"])) for one in data["messages"])
    knobs = {name: data[name] for name in ("max_tokens", "temperature", "top_p", "effort")}
    return Request(_text(data["model"]), messages, **knobs)


def _end_to_json(end: End) -> dict[str, Any]:
    if isinstance(end, Answer):
        return {"answer": asdict(end)}
    if isinstance(end, Left):
        return {"left": end.reason}
    told = {name: getattr(end, name) for name in ("detail", "retry_after", "again", "status", "param", "partial")}
    return {"failed": {"outcome": end.outcome, "about": asdict(end.about), **told, "usage": asdict(end.usage)}}


def _end(data: Mapping[str, Any]) -> End:
    if "answer" in data:
        told = data["answer"]
        return Answer(_text(told["text"]), Usage(**told["usage"]), _text(told["model"]), _text(told["finish"]))
    if "left" in data:
        return Left(_text(data["left"]))
    told = data["failed"]
    return CallFailed(
        CallOutcome[_text(told["outcome"]).upper()],
        About(**told["about"]),
        _text(told["detail"]),
        retry_after=None if told["retry_after"] is None else float(told["retry_after"]),
        again=bool(told["again"]),
        status=told["status"],
        param=_text(told["param"]),
        usage=Usage(**told["usage"]),
        partial=_text(told["partial"]),
    )
