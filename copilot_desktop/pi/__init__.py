"""Copilot in the shape of pi-ai: its `Context` in, its `AssistantMessageEvent`s out.

    context = {"messages": [{"role": "user", "content": "Hello", "timestamp": 0}]}
    async for event in copilot.stream(context, shape="pi", model="gpt-4.1"):
        if event["type"] == "text_delta":
            print(event["delta"], end="")
        elif event["type"] == "done":
            context["messages"].append(event["message"])

For programs that were written for `@mariozechner/pi-ai` (checked against 0.73.1, `shapes`), and for
talking to them in JSON. As pi promises its callers, nothing is raised once a stream has been asked
for: trouble of any kind, also before the first word, is a last event `error` that carries what was
said so far. A stream that is closed or cancelled by its reader just ends.

Where the two differ: each event has a `partial` of its own (`events`, with the cost); the id of a
tool call is only the part before pi's `|`; `provider` is `copilot-desktop`; costs are 0. An answer
of `/responses` that was cut or filtered is a whole one for pi; here it is `length` or `error`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from copilot_desktop.canonical import Event, Request
from copilot_desktop.errors import Problem
from copilot_desktop.pi.context import read_context
from copilot_desktop.pi.events import AssistantMessageEvent, Teller
from copilot_desktop.pi.shapes import AssistantMessage, Context, Options

__all__ = [
    "AssistantMessage",
    "AssistantMessageEvent",
    "Context",
    "Options",
    "read_context",
    "told",
]

log = logging.getLogger(__name__)

Routed = Callable[[str, str], None]
"""Called with the id of the model and the endpoint, once they are known."""
Ask = Callable[[Request, Routed], AsyncGenerator[Event, None]]


async def told(
    question: Request | Mapping[str, Any],
    ask: Ask,
    *,
    model: str = "",
    options: Mapping[str, Any] | None = None,
) -> AsyncGenerator[AssistantMessageEvent, None]:
    """The reply that `ask` gives to `question`, as pi's events; the last is `done` or `error`.

    `model` and `options` belong to a context; a canonical request has its own.
    """
    teller = Teller(question.model if isinstance(question, Request) else model)
    try:
        request = (
            question if isinstance(question, Request) else read_context(question, model, options)
        )
        async with aclosing(ask(request, teller.routed)) as events:
            async for event in events:
                for piece in teller.feed(event):
                    yield piece
    except Problem as problem:
        for piece in teller.fail(problem):
            yield piece
    except Exception:  # pi's callers are not prepared for any
        number = secrets.token_hex(6)
        log.exception("unexpected error %s", number)
        for piece in teller.fail(Problem(f"Error id {number}.")):
            yield piece
