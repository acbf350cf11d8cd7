"""Copilot's accent, where a body or frame is passed through without translation.

Copilot's three endpoints speak the public formats with deviations that break strict clients
(`upstream.md` §6–§8). On the pass-through path each deviation is mended here and only here: the
request before it is sent, each streamed frame, or the unstreamed body. A frame that no quirk
touches keeps its bytes. (Translated answers need none of this: the dialects' readers are tolerant.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from copilot_desktop.errors import UpstreamFault
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.sse import Frame
from copilot_desktop.upstream.quirks.memory import Memory
from copilot_desktop.upstream.quirks.runs import Run

Json = dict[str, Any]

DAMAGED = f"{UpstreamFault.sentence} A part of it was damaged."


@dataclass(slots=True)
class Fixed:
    """A request ready to send: `body` is None if the client's own bytes can go out unchanged.

    `betas` is the filtered `anthropic-beta` list (Messages only); `notes` name what was changed,
    such as `dropped=service_tier`; `marked` are those of them that a caller may notice in the
    answer (▲ in `translation.md`): strict translation refuses them.
    """

    body: Json | None = None
    betas: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()


class Stream(Protocol):
    """Mends one streamed answer and reads along.

    `complete`: upstream gave a finish reason. `failed`: an error event went through. `usage`: the
    last usage object, raw. `nano_credits`: exact cost (1e9 = one AI credit), if sent. `run` may
    mend frames that are next, in place of `feed`, as long as it is there (see `runs`).
    """

    complete: bool
    failed: bool
    usage: Mapping[str, Any] | None
    nano_credits: int | None

    @property
    def run(self) -> Run | None: ...

    def feed(self, frame: Frame) -> bytes:
        """What the client gets for this frame: its own bytes, mended ones, or none."""


class Quirks(Protocol):
    """The accent of one endpoint."""

    def fix_request(
        self, body: Mapping[str, Any], model: Model, betas: tuple[str, ...], version: str = ""
    ) -> Fixed:
        """Never changes `body` itself. Raises InvalidRequest for what Copilot cannot do.

        `betas` and `version` are what the client said in `anthropic-beta` and `anthropic-version`.
        """

    def stream(self, body: Mapping[str, Any], shown_model: str) -> Stream:
        """`body` is the client's request, `shown_model` the model name it used."""

    def fix_reply(self, reply: Json, shown_model: str) -> Json:
        """The unstreamed body, mended. `copilot_usage` is taken out (read it before)."""


def quirks_for(endpoint: str, memory: Memory | None = None) -> Quirks:
    """The accent of `/chat/completions`, `/responses` or `/v1/messages`. Take one per exchange.

    `memory` is the account's; without one nothing is known of earlier exchanges.
    """
    return _accent(endpoint)(memory or Memory())


@cache
def _accent(endpoint: str) -> Callable[[Memory], Quirks]:
    """What makes them. Imported on use: one session mostly needs one of them."""
    match endpoint:
        case _ if endpoint == CHAT:
            from copilot_desktop.upstream.quirks.chat import ChatQuirks  # noqa: PLC0415

            return lambda memory: ChatQuirks(memory.thoughts)
        case _ if endpoint == RESPONSES:
            from copilot_desktop.upstream.quirks.responses import ResponsesQuirks  # noqa: PLC0415

            return lambda memory: ResponsesQuirks(memory.ids)
        case _ if endpoint == MESSAGES:
            from copilot_desktop.upstream.quirks.messages import MessagesQuirks  # noqa: PLC0415

            return lambda _: MessagesQuirks()
    raise ValueError(endpoint)


def nano_credits(payload: Mapping[str, Any]) -> int | None:
    """`copilot_usage.total_nano_aiu`, wherever this payload holds it (`upstream.md` §6.5)."""
    for holder in (payload, payload.get("response")):
        if not isinstance(holder, dict):
            continue
        found = holder.get("copilot_usage")
        if not isinstance(found, dict) and isinstance(usage := holder.get("usage"), dict):
            found = usage.get("copilot_usage")
        if isinstance(found, dict):
            total = found.get("total_nano_aiu")
            # What no number of a ledger holds is no cost: it would keep the exchange from ending.
            return total if isinstance(total, int) and 0 <= total < 2**63 else None
    return None
