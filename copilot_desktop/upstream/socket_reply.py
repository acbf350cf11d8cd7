"""One answer on a WebSocket to Copilot, in the shape of an answer over HTTP.

Each frame becomes one server-sent event. On the way the reply takes down what the next request on
the same socket may leave out (`chain`), and the quota that comes with the last frame. It is over at
the frame that ends a response; the socket stays.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from copilot_desktop.errors import CutShort, UpstreamFault, UpstreamTimeout
from copilot_desktop.sse import encode
from copilot_desktop.upstream.http import NETWORK_ERRORS
from copilot_desktop.upstream.reply import UpstreamReply

Json = dict[str, Any]

_KIND = re.compile(r'\{\s*"type"\s*:\s*"([a-z_.]+)"')
_ENDS = frozenset({
    "response.completed", "response.failed", "response.incomplete", "response.cancelled", "error",
})  # fmt: skip
_GOES_ON = frozenset({"response.completed", "response.incomplete"})


class NoFrame(Exception):
    """The socket ended where a frame was expected."""


LOST: tuple[type[Exception], ...] = (NoFrame, *NETWORK_ERRORS)


class SocketReply(UpstreamReply):
    """`sent` is the whole input it answers. When `over`: whether it `failed`, `response_id` (empty
    if nothing can go on from it) and `said`, its items in the forms in which they were told."""

    can_go_straight = False  # the socket is shared with other calls

    def __init__(
        self,
        wire: aiohttp.ClientWebSocketResponse,
        *,
        sent: Any,
        request_id: str,
        idle_timeout: float,
        on_quota: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.sent = sent
        self.over = False
        self.failed = False
        self.response_id = ""
        self.said: list[list[Any]] = []
        self._wire = wire
        self._idle = idle_timeout
        self._on_quota = on_quota
        self._first = ""
        self._done: dict[int, Any] = {}
        self._headers = {"content-type": "text/event-stream", "x-request-id": request_id}

    @property
    def status(self) -> int:
        return 200

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def is_read(self) -> bool:
        return self.over

    async def begin(self, limit: float) -> Json:
        """Wait for the first frame, at most `limit` seconds, however many pings come meanwhile; it
        is given out again.

        Raises NoFrame, TimeoutError and what the network raises.
        """
        async with asyncio.timeout(limit):
            self._first = await self._frame(limit)
        first = object_of(self._first)
        if first.get("type") == "error":
            self._note_quota(first)
        return first

    async def piece(self) -> bytes:
        if self.over:
            return b""
        text, self._first = self._first, ""
        try:
            return self._event(text or await self._frame(self._idle))
        except TimeoutError as error:
            raise UpstreamTimeout(
                "The stream timed out.",
                fields={"seconds": f"{self._idle:g}"},
                request_id=self.request_id,
            ) from error
        except LOST as error:
            raise CutShort(request_id=self.request_id) from error

    async def finish(self) -> None:
        """The socket stays for the next call."""

    async def close(self) -> None:
        """The owner of the socket closes it."""

    # ------------------------------------------------------------------------ inner workings

    async def _frame(self, limit: float) -> str:
        """The next text frame; pings count as life."""
        message = await self._wire.receive(timeout=limit)
        if message.type is aiohttp.WSMsgType.TEXT:
            text: str = message.data
            return text
        if isinstance(message.data, aiohttp.WebSocketError):
            raise UpstreamFault(
                "GitHub Copilot sent a frame that cannot be read.", request_id=self.request_id
            )
        raise NoFrame

    def _event(self, text: str) -> bytes:
        """As a server-sent event: one line, with the name of the event."""
        found = _KIND.match(text)
        kind = found[1] if found else str(object_of(text).get("type") or "")
        if kind == "response.output_item.done":
            self._note_item(object_of(text))
        elif kind in _ENDS:
            self._note_end(kind, object_of(text))
        if "\n" in text or "\r" in text:  # between the fields; inside a text it would be escaped
            said = object_of(text)
            text = json.dumps(said) if said else " ".join(text.splitlines())
        return encode(text.encode("utf-8", "replace"), kind)

    def _note_item(self, event: Json) -> None:
        if isinstance(index := event.get("output_index"), int):
            self._done[index] = event.get("item")

    def _note_end(self, kind: str, event: Json) -> None:
        self.over, self.failed = True, kind not in _GOES_ON
        self._note_quota(event)
        response = event.get("response")
        if kind not in _GOES_ON or not isinstance(response, Mapping):
            return
        identifier, listed = response.get("id"), response.get("output")
        output = listed if isinstance(listed, list) else []
        if isinstance(identifier, str) and isinstance(self.sent, list):
            self.response_id = identifier
            count = max(len(output), len(self._done))
            forms = [[self._done.get(n), *output[n : n + 1]] for n in range(count)]
            self.said = [[form for form in told if form is not None] for told in forms]

    def _note_quota(self, event: Json) -> None:
        if isinstance(snapshots := event.get("copilot_quota_snapshots"), Mapping):
            self._on_quota(snapshots)


def object_of(text: str) -> Json:
    """What a frame says; empty if that is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
