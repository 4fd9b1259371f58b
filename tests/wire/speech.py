"""A turn in the words of each wire: the events of its stream, or the body of its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.wire.turns import Turn

Event = tuple[str, dict[str, Any]]
"""Its name, empty where the wire has none, and its data."""


def halves(turn: Turn, text: str) -> Iterator[str]:
    yield text[: len(text) // 2]
    if turn.whole:
        yield text[len(text) // 2 :]


def responses(turn: Turn, model: str) -> Iterator[Event]:
    def event(kind: str, **data: Any) -> Event:
        return kind, {"type": kind, "sequence_number": 0, **data}

    response: dict[str, Any] = {"id": "r1", "object": "response", "model": model, "status": "in_progress", "output": []}
    yield event("response.created", response=response)
    index = 0
    if turn.thinking:
        yield event("response.output_item.added", output_index=0, item={"id": "i0", "type": "reasoning", "summary": []})
        yield event(
            "response.reasoning_summary_text.delta", item_id="i0", output_index=0, summary_index=0, delta=turn.thinking
        )
        index = 1
    for text in turn.texts:
        place = {"item_id": f"i{index}", "output_index": index, "content_index": 0}
        yield event("response.output_item.added", output_index=index, item={"id": f"i{index}", "type": "message"})
        if turn.refusal:
            yield event("response.refusal.delta", **place, delta=turn.refusal)
        else:
            yield event("response.content_part.added", **place, part={"type": "output_text", "text": ""})
            for part in halves(turn, text):
                yield event("response.output_text.delta", **place, delta=part, logprobs=[])
        index += 1
    if turn.ending == "error":
        yield event("error", code=turn.error["type"], message=turn.error["message"], param=None)
    if turn.ending == "failed":
        error = {"code": turn.error["type"], "message": turn.error["message"]}
        yield event("response.failed", response={**response, "status": "failed", "error": error})
    if turn.ending in ("", "max_tokens", "filtered"):
        reason = {"max_tokens": "max_output_tokens", "filtered": "content_filter"}.get(turn.ending)
        got, cached, gave, thought = turn.tokens
        response["usage"] = {
            "input_tokens": got,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens": gave,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": got + gave,
        }
        if reason is None:
            yield event("response.completed", response={**response, "status": "completed"})
        else:
            details = {"status": "incomplete", "incomplete_details": {"reason": reason}}
            yield event("response.incomplete", response={**response, **details})


def chat(turn: Turn, model: str) -> Iterator[Event]:
    head: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> Event:
        return "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    if turn.thinking:
        yield chunk({"reasoning_content": turn.thinking})
    if turn.refusal:
        yield chunk({"refusal": turn.refusal})
    else:
        for part in halves(turn, "\n".join(turn.texts)):
            yield chunk({"content": part})
    if turn.ending in ("error", "failed"):
        yield "", {"error": dict(turn.error)}
    if turn.ending in ("", "max_tokens", "filtered"):
        yield chunk({}, {"max_tokens": "length", "filtered": "content_filter"}.get(turn.ending, "stop"))
        got, cached, gave, thought = turn.tokens
        usage = {
            "prompt_tokens": got,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens": gave,
            "completion_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": got + gave,
        }
        yield "", {**head, "choices": [], "usage": usage}


def messages(turn: Turn, model: str) -> Iterator[Event]:
    def event(kind: str, **data: Any) -> Event:
        return kind, {"type": kind, **data}

    got, cached, gave, thought = turn.tokens
    usage = {"input_tokens": got - cached, "cache_read_input_tokens": cached, "output_tokens": 1}
    message = {"id": "m1", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    yield event("message_start", message=message)
    yield event("ping")
    index = 0
    if turn.thinking:
        yield event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""})
        yield event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": turn.thinking})
        yield event("content_block_stop", index=0)
        index = 1
    for text in () if turn.refusal else turn.texts:
        yield event("content_block_start", index=index, content_block={"type": "text", "text": ""})
        for part in halves(turn, text):
            yield event("content_block_delta", index=index, delta={"type": "text_delta", "text": part})
        index += 1
    if turn.ending in ("error", "failed"):
        yield event("error", error=dict(turn.error))
    if turn.ending in ("", "max_tokens", "filtered"):
        stop = "refusal" if turn.refusal or turn.ending == "filtered" else turn.ending or "end_turn"
        counted = {"output_tokens": gave, "output_tokens_details": {"thinking_tokens": thought}}
        yield event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=counted)
        yield event("message_stop")


def thinking(wire: str, model: str) -> Event:
    """One more event of a model that never comes to its answer."""
    if wire == "responses":
        place = {"item_id": "i0", "output_index": 0, "summary_index": 0, "sequence_number": 0}
        kind = "response.reasoning_summary_text.delta"
        return kind, {"type": kind, "delta": "hm ", **place}
    if wire == "chat":
        choice = {"index": 0, "delta": {"reasoning_content": "hm "}, "finish_reason": None}
        return "", {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}
    delta = {"type": "thinking_delta", "thinking": "hm "}
    return "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}


def encode(event: Event) -> bytes:
    name, data = event
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def refused(wire: str, error: dict[str, Any]) -> bytes:
    """The body of an answer with another status than 200."""
    if wire == "messages":
        return json.dumps({"type": "error", "error": error}).encode()
    if wire == "seed":
        return json.dumps({"detail": error["message"]}).encode()
    return json.dumps({"error": {"code": error["type"], **error}}).encode()


SPEECH = {"responses": responses, "chat": chat, "messages": messages}
