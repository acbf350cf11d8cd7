"""What routing and accounting need of a request (`translation.md` §1.5), read tolerantly.

A request without any words is how clients load a model before its first use, and unload it with
`keep_alive: 0`. There is nothing to load, so it is answered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.dialects import Envelope, Initiator, Json
from copilot_desktop.dialects.ollama.lines import now
from copilot_desktop.dialects.ollama.parse import model_of, wants_stream
from copilot_desktop.dialects.ollama.writer import Shape, as_message, as_response
from copilot_desktop.dialects.unspoken import is_unspoken


def of_chat(body: Mapping[str, Any]) -> Envelope:
    messages = body.get("messages")
    turns = (
        [turn for turn in messages if isinstance(turn, Mapping)]
        if isinstance(messages, list)
        else []
    )
    return Envelope(
        model=model_of(body),
        stream=wants_stream(body),
        initiator=_initiator(turns),
        has_image=any(bool(turn.get("images")) for turn in turns),
        answer=None if messages else _loaded(body, as_message),
    )


def of_prompt(body: Mapping[str, Any]) -> Envelope:
    said = body.get("prompt") or body.get("images") or body.get("suffix")
    return Envelope(
        model=model_of(body),
        stream=wants_stream(body),
        initiator="user",
        has_image=bool(body.get("images")),
        answer=None if said else _loaded(body, as_response),
    )


def _loaded(body: Mapping[str, Any], shape: Shape) -> Json:
    """Both forms of an answer, streamed or not, are this one object."""
    reason = "unload" if body.get("keep_alive") in (0, "0", "0s") else "load"
    head = {"model": model_of(body), "created_at": now()}
    return {**head, **shape({}), "done": True, "done_reason": reason}


def _initiator(turns: list[Mapping[str, Any]]) -> Initiator:
    """A human started this call if the last turn that is not an instruction is the user's."""
    newest = (turn for turn in reversed(turns) if turn.get("role") != "system")
    last = next(newest, None)
    if last is None:
        return "user"
    theirs = last.get("role") == "user" and not is_unspoken(last, next(newest, None))
    return "user" if theirs else "agent"
