"""What was said on one WebSocket, so that a client may send only what is new.

On a socket a client names the response that it goes on from (`previous_response_id`) and leaves out
everything before (`clients.md`, Codex). Copilot's HTTP endpoints and the other dialects know no
such thing, so the conversation is kept here, as long as the socket lives, and the request is made
whole again before anybody looks at it. Nothing outlives the socket: a client that asks for what is
not known is told so and sends the whole conversation.

Conversations share their items, so that a long one costs its size once, not once for each turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from copilot_desktop import json_bytes
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.bodies import too_large

Json = dict[str, Any]

KEPT = 16  # responses; clients go on from the last one, or from one before a turn that they undo


@dataclass(frozen=True, slots=True)
class Conversation:
    """`items` are input items, `size` how many characters they came in."""

    items: tuple[Any, ...] = ()
    size: int = 0


class Remembered:
    """The latest conversations of one socket by the id of their last response.

    `limit`: characters that one conversation may have; it is that of a request over HTTP.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Conversation] = OrderedDict()

    def whole(self, body: Mapping[str, Any], size: int) -> Conversation:
        """All of the input that `body` stands for; `size` is that of `body` alone.

        Raises InvalidRequest, with the code on which clients send everything again, if the
        response that it goes on from is not known; BodyTooLarge.
        """
        given = _items(body.get("input"))
        previous = body.get("previous_response_id")
        if previous is None or previous == "":
            return Conversation(given, size)
        known = self._kept.get(previous) if isinstance(previous, str) else None
        if known is None or not isinstance(previous, str):
            raise InvalidRequest(
                f"Previous response with id '{str(previous)[:200]}' not found.",
                code="previous_response_not_found",
                fields={"param": "previous_response_id"},
            )
        self._kept.move_to_end(previous)
        if known.size + size > self._limit:
            raise too_large(self._limit)
        # Tools and instructions come with each request anew; they are not kept, and do not add up.
        return Conversation(known.items + given, known.size + len(json_bytes.written(given)))

    def keep(self, response_id: str, asked: Conversation, output: Sequence[Any], size: int) -> None:
        """`output` are the items of the answer to `asked`, as the client has seen them."""
        self._kept[response_id] = Conversation(asked.items + tuple(output), asked.size + size)
        self._kept.move_to_end(response_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _items(given: Any) -> tuple[Any, ...]:
    """`input` as items: a bare text is a message of the user. Other types are refused later."""
    if isinstance(given, str):
        return ({"type": "message", "role": "user", "content": given},)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidRequest("input: must be a text or a list", fields={"param": "input"})
    return tuple(given)
