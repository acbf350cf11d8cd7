"""Copilot's accent on `/responses`, mended for clients that speak OpenAI's dialect.

Outward: Copilot gives one item another id in every event and the response, too, which breaks SDKs;
the first id of each item is pinned and written into all later events (`translation.md` §10.3).
Inward: encrypted reasoning is bound to the id that travelled with it. Because the client saw the
pinned id instead, the true one is remembered by the reasoning it belongs to and put back when that
reasoning is replayed. What Copilot refuses is left out or refused before it is sent
(`upstream.md` §7.3). Most events are deltas: they are changed as bytes, without parsing JSON.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop import json_bytes
from copilot_desktop.errors import InputTooLarge, QuotaExhausted, RateLimited, UpstreamFault
from copilot_desktop.model import Model
from copilot_desktop.redaction import redact
from copilot_desktop.runaway import STUCK, Runaway
from copilot_desktop.sse import Frame, encode_json
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.quirks import DAMAGED, Fixed, nano_credits
from copilot_desktop.upstream.quirks.memory import IssuedIds
from copilot_desktop.upstream.quirks.responses_namespaces import (
    Group,
    flat_names,
    regrouped,
)
from copilot_desktop.upstream.quirks.responses_request import HOSTED, fixed_request
from copilot_desktop.upstream.quirks.runs import Run
from copilot_desktop.upstream.quirks.tool_names import ToolNames

Json = dict[str, Any]

_GROUPS_KEPT = 4096  # names of tools

_ITEM_ID = re.compile(rb'"item_id"\s*:\s*"([^"\\]*)"')
_PLACE = re.compile(rb'"output_index"\s*:\s*(\d+)')
_KIND = re.compile(rb'"type"\s*:\s*"([a-z_.]+)"')
_ENDS = (b"\n\n", b"\r\r", b"\r\n\r\n")
_EXTRAS = ("copilot_usage", "copilot_quota_snapshots")
_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_LIFECYCLE = _TERMINAL | {"response.created", "response.in_progress", "response.queued"}
_GATED = "response.function_call_arguments."
_GATED_BYTES = _GATED.encode()
_DELTA = re.compile(rb'"delta"\s*:\s*("(?:[^"\\]|\\.)*")')
_CALLS = ("function_call", "custom_tool_call")
# OpenAI's words for what clients do something else on than to ask again at once.
_MEANT = (
    (InputTooLarge, "context_length_exceeded"),
    (QuotaExhausted, "insufficient_quota"),
    (RateLimited, "rate_limit_exceeded"),
)
_NO_ANSWER = ("failed", "cancelled", "queued", "in_progress")


class ResponsesQuirks:
    """The accent of `/responses`. Take one per exchange; `issued` is the account's memory."""

    def __init__(self, issued: IssuedIds | None = None) -> None:
        self._issued = issued or IssuedIds()
        self._groups: OrderedDict[str, Group] = OrderedDict()
        self._names = ToolNames()

    def fix_request(
        self, body: Mapping[str, Any], model: Model, betas: tuple[str, ...], version: str = ""
    ) -> Fixed:
        """Never changes `body` itself. Raises InvalidRequest for what Copilot cannot do."""
        fixed, notes = fixed_request(body, model, self._issued.true_id)
        if body.get("stream") is not True:  # a stream is told by the request itself
            self._remember_groups(body)
            self._names = ToolNames.of(body)
        marked = tuple(note for note in notes if note.startswith(HOSTED))
        return Fixed(fixed, (), notes, marked)

    def stream(self, body: Mapping[str, Any], shown_model: str) -> ResponsesStream:
        """Mends one streamed answer."""
        groups = {flat: group for group, flat in flat_names(body).items()}
        return ResponsesStream(self._issued, shown_model, groups, ToolNames.of(body))

    def _remember_groups(self, body: Mapping[str, Any]) -> None:
        """An unstreamed reply is mended without its request, so the names must be known here."""
        for group, flat in flat_names(body).items():
            self._groups[flat] = group
            self._groups.move_to_end(flat)
        while len(self._groups) > _GROUPS_KEPT:
            self._groups.popitem(last=False)

    def fix_reply(self, reply: Json, shown_model: str) -> Json:
        """The unstreamed body. Its ids are genuine and stay.

        Raises UpstreamFault for one that holds no answer (`translation.md` §8).
        """
        if (status := reply.get("status")) in _NO_ANSWER:
            raise UpstreamFault(f"The response is {status}.")
        fixed = _without_extras(reply)
        for item in fixed["output"]:
            self._issued.remember(item)
        fixed["output"] = [_shown(item, self._groups, self._names) for item in fixed["output"]]
        if shown_model:
            fixed["model"] = shown_model
        return fixed


def _shown(item: Any, groups: Mapping[str, Group], names: ToolNames) -> Any:
    """A call with the namespace and name under which the client declared the tool."""
    if not isinstance(item, dict):
        return item
    fixed = regrouped(item, groups)
    name = fixed.get("name")
    if item.get("type") in _CALLS and "namespace" not in fixed and isinstance(name, str):
        fixed["name"] = names.shown(name)
    return fixed


def _without_extras(response: Mapping[str, Any]) -> Json:
    """Without Copilot's own fields and with `output` as a list (a null crashes SDKs)."""
    kept = _bare(response)
    if isinstance(usage := kept.get("usage"), dict):
        kept["usage"] = _bare(usage)
    output = kept.get("output")
    kept["output"] = output if isinstance(output, list) else []
    return kept


def _bare(holder: Mapping[str, Any]) -> Json:
    """A copy without Copilot's own fields."""
    kept = dict(holder)
    for name in _EXTRAS:
        kept.pop(name, None)
    return kept


@dataclass(slots=True)
class _Gate:
    """The arguments of one call. `plain` once they began as JSON text, `held` if they did not."""

    plain: bool = False
    held: bool = False
    watch: Runaway = field(default_factory=Runaway)


@dataclass(slots=True)
class ResponsesStream:
    """One per answer; see `quirks.Stream`."""

    _issued: IssuedIds
    _shown_model: str
    _groups: Mapping[str, Group] = field(default_factory=dict)
    _names: ToolNames = field(default_factory=ToolNames)
    complete: bool = False
    failed: bool = False
    usage: Mapping[str, Any] | None = None
    nano_credits: int | None = None
    run: Run | None = None  # each frame has a number of its own
    _response_id: str = ""
    _pinned: dict[int, str] = field(default_factory=dict)
    _gates: dict[int, _Gate] = field(default_factory=dict)

    def feed(self, frame: Frame) -> bytes:
        """What the client gets for this frame: its own bytes, mended ones, or none."""
        if not frame.data:  # half of one would swallow what follows
            return frame.raw if frame.raw.endswith(_ENDS) else b""
        if self.complete or self.failed or frame.data.startswith(b"[DONE]"):
            return b""
        if frame.raw.endswith(_ENDS) and (out := self._quickly(frame)) is not None:
            return out
        try:
            payload = frame.json()
        except (ValueError, RecursionError):
            if frame.raw.endswith(_ENDS):
                return self._error({"error": {"message": DAMAGED}})
            return b""  # half an event at a cut; the missing end is reported for it
        if not isinstance(payload, dict):
            return b""
        return self._slowly(payload, frame)

    # ------------------------------------------------------------------------ deltas, as bytes

    def _quickly(self, frame: Frame) -> bytes | None:
        """Events that only carry an item id. None if this one needs to be understood.

        Inside a JSON string the quotes would be escaped, so the patterns meet real keys only.
        """
        found = _ITEM_ID.search(frame.raw)
        place = _PLACE.search(frame.raw)
        kind = _KIND.search(frame.raw)
        if found is None or place is None or kind is None or not frame.data.endswith(b"}"):
            return None
        if b'"response":' in frame.raw:
            return None
        index = int(place[1])
        if b"arguments." in kind[1] and (stuck := self._look_inside(kind[1], index, frame)) != b"":
            return stuck
        pinned = self._pinned.get(index)
        if pinned is None:
            pinned = self._pinned[index] = found[1].decode("utf-8", "replace")
        written = json_bytes.written(pinned)[1:-1]
        if written == found[1]:
            return frame.raw
        return frame.raw[: found.start(1)] + written + frame.raw[found.end(1) :]

    def _look_inside(self, kind: bytes, index: int, frame: Frame) -> bytes | None:
        """Empty if arguments can pass as they are; None if they need to be understood."""
        if kind.startswith(_GATED_BYTES) and not self._gate(index).plain:
            return None
        if kind.endswith(b"arguments.done") and b'"name"' in frame.raw:
            return None
        if kind.endswith(b"arguments.delta") and self._is_stuck(index, frame.data):
            return self._stuck()
        return b""

    def _is_stuck(self, index: int, data: bytes) -> bool:
        found = _DELTA.search(data)
        try:
            return found is not None and self._gate(index).watch.stuck(json.loads(found[1]))
        except ValueError:
            return False  # damaged; that is noticed by others

    def _stuck(self) -> bytes:
        return self._error({"error": {"message": STUCK}})

    def _gate(self, index: int) -> _Gate:
        return self._gates.setdefault(index, _Gate())

    # ------------------------------------------------------------------------ all the others

    def _slowly(self, payload: Json, frame: Frame) -> bytes:
        named = payload.get("type")
        kind = named if named and isinstance(named, str) else frame.event
        if kind == "error" or (not kind and payload.get("error")):
            return self._error(payload)
        if kind in _LIFECYCLE:
            return self._lifecycle(kind, payload)
        index = payload.get("output_index")
        if not isinstance(index, int):
            return frame.raw if frame.raw.endswith(_ENDS) else encode_json(payload, frame.event)
        ahead = b""
        if kind.startswith(_GATED):
            if kind.endswith("delta") and self._is_stuck(index, frame.data):
                return self._stuck()
            ahead = self._pass_gate(index, kind, payload)
            if self._gate(index).held and kind.endswith("delta"):
                return b""
        changed = self._pin(index, payload, kind)
        if not changed and not ahead and frame.raw.endswith(_ENDS):
            return frame.raw
        return ahead + encode_json(payload, frame.event)

    def _pin(self, index: int, payload: Json, kind: object) -> bool:
        """Write the pinned id and the client's names; whether that changed anything."""
        if kind == "response.output_item.done":
            self._issued.remember(payload.get("item"))
        changed = False
        if isinstance(item := payload.get("item"), dict):
            payload["item"] = _shown(item, self._groups, self._names)
            changed = payload["item"] != item
        elif isinstance(name := payload.get("name"), str):
            group = self._groups.get(name)
            payload["name"] = self._names.shown(name) if group is None else group[1]
            changed = payload["name"] != name
        item = payload.get("item")
        for holder, key in ((item, "id"), (payload, "item_id")):
            if isinstance(holder, dict) and isinstance(found := holder.get(key), str):
                holder[key] = self._pinned.setdefault(index, found)
                changed = changed or holder[key] != found
        return changed

    def _pass_gate(self, index: int, kind: str, payload: Json) -> bytes:
        """Hold argument deltas that are not JSON text; tell the arguments when they are known."""
        gate = self._gate(index)
        if kind.endswith("delta"):
            start = str(payload.get("delta") or "").lstrip()[:1]
            if start and not gate.held:
                gate.plain = start == "{"
                gate.held = not gate.plain
            return b""
        if not gate.held:
            return b""
        identifier = self._pinned.setdefault(index, str(payload.get("item_id") or ""))
        delta: Json = {
            "type": _GATED + "delta",
            "sequence_number": payload.get("sequence_number"),
            "item_id": identifier,
            "output_index": index,
            "delta": payload.get("arguments") or "",
        }
        return encode_json(delta, _GATED + "delta")

    def _lifecycle(self, kind: str, payload: Json) -> bytes:
        response = payload.get("response")
        if kind in _TERMINAL and not isinstance(response, dict):
            return self._error({"error": {"message": DAMAGED}})  # an end that says nothing is none
        if kind in _TERMINAL:
            self.nano_credits = nano_credits(payload)
            self.complete = kind != "response.failed"
            self.failed = kind == "response.failed"
        if isinstance(response, dict):
            payload["response"] = self._mended(response, terminal=kind in _TERMINAL)
        for name in _EXTRAS:
            payload.pop(name, None)
        return encode_json(payload, kind)

    def _mended(self, response: Mapping[str, Any], *, terminal: bool) -> Json:
        fixed = _without_extras(response)
        if terminal and isinstance(fixed.get("usage"), dict):
            self.usage = fixed["usage"]
        if isinstance(fixed.get("id"), str):
            self._response_id = self._response_id or fixed["id"]
            fixed["id"] = self._response_id
        if self._shown_model and "model" in fixed:
            fixed["model"] = self._shown_model
        error = fixed.get("error")
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            fixed["error"] = {**error, "message": redact(error["message"])}
        output: list[Any] = []
        for index, told in enumerate(fixed["output"]):
            self._issued.remember(told)
            item = _shown(told, self._groups, self._names)
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                output.append({**item, "id": self._pinned.setdefault(index, item["id"])})
            else:
                output.append(item)
        fixed["output"] = output
        return fixed

    def _error(self, payload: Json) -> bytes:
        """Both spellings at once: the SDKs raise on the nested one only (`translation.md` §16)."""
        self.failed = True
        nested = payload.get("error")
        told: Mapping[str, Any] = nested if isinstance(nested, dict) else payload
        message = nested if isinstance(nested, str) else told.get("message")
        error = {
            "message": redact(str(message or UpstreamFault.sentence)),
            "type": told.get("type") if told is nested and told.get("type") else "api_error",
            "param": told.get("param"),
            "code": told.get("code"),
        }
        flat = {key: error[key] for key in ("code", "message", "param")}
        number = payload.get("sequence_number", 0)
        event = {"type": "error", "sequence_number": number, **flat, "error": error}
        return encode_json(event, "error") + self._failure(error, number)

    def _failure(self, error: Json, number: Any) -> bytes:
        """What OpenAI lets follow: Codex passes over an error, and asks five times more, but heeds
        a failed response. Empty where asking again is right."""
        problem = problem_from(400, {}, json.dumps({"error": error}).encode(), url="")
        code = next((code for kind, code in _MEANT if isinstance(problem, kind)), None)
        if code is None:
            return b""
        response = {
            "id": self._response_id or f"resp_{secrets.token_hex(24)}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "failed",
            "error": {"code": code, "message": error["message"]},
            "incomplete_details": None,
            "model": self._shown_model,
            "output": [],
        }
        number = number + 1 if isinstance(number, int) else 0
        kind = "response.failed"
        return encode_json({"type": kind, "sequence_number": number, "response": response}, kind)
