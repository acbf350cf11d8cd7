"""What a model was seen to refuse is left out before it is sent.

`Model` carries what earlier refusals have taught (`lessons`). Most of it is heeded where a request
is prepared and rendered; what is left is taken out here, in the one place that every request to an
endpoint passes: its quirks. The changes are those that `healing` would make after the refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from copilot_desktop.model import Model
from copilot_desktop.upstream import mending
from copilot_desktop.upstream.quirks import Fixed, Quirks, Stream

Json = dict[str, Any]
Body = Mapping[str, Any]

BETA = "anthropic-beta."  # before the name of a beta among the bad paths


class Wary:
    """The accent of `endpoint` with the lessons on top."""

    def __init__(self, quirks: Quirks, endpoint: str) -> None:
        self._quirks = quirks
        self._endpoint = endpoint

    def fix_request(
        self, body: Body, model: Model, betas: tuple[str, ...], version: str = ""
    ) -> Fixed:
        fixed = self._quirks.fix_request(body, model, betas, version)
        return avoided(fixed, body, self._endpoint, model)

    def stream(self, body: Body, shown_model: str) -> Stream:
        return self._quirks.stream(body, shown_model)

    def fix_reply(self, reply: Json, shown_model: str) -> Json:
        return self._quirks.fix_reply(reply, shown_model)


def avoided(fixed: Fixed, body: Body, endpoint: str, model: Model) -> Fixed:
    """`fixed` (made of `body`) without what was learned that `model` refuses.

    Whoever prepares a request may have thought of it already; then this changes nothing.
    """
    if not (model.no_prefill or model.no_forced_tool or model.no_temperature or model.bad_paths):
        return fixed
    betas = tuple(beta for beta in fixed.betas if BETA + beta not in model.bad_paths)
    current: Body = fixed.body or body
    paths = sorted(path for path in model.bad_paths if not mending.holds_schema(current, path))
    notes: list[str] = []
    changes: list[tuple[str, Callable[[Body], Json | None]]] = []
    if model.no_prefill:
        changes.append(("mapped=prefill>user", lambda now: mending.continued(endpoint, now)))
    if model.no_forced_tool:
        changes.append(("mapped=tool_choice>auto", lambda now: mending.unforced(endpoint, now)))
    if model.no_temperature:
        sampling = mending.SAMPLING
        changes.append(("dropped=sampling", lambda now: mending.without_keys(now, sampling)))
    if paths:
        changes.append(("dropped=unknown fields", lambda now: mending.without_paths(now, paths)))
    for note, change in changes:
        if (mended := change(current)) is not None:
            current = mended
            notes.append(note)
    changed = dict(current) if notes else fixed.body
    marked = (*fixed.marked, *(note for note in notes if note.startswith("mapped=")))
    return replace(fixed, body=changed, betas=betas, notes=(*fixed.notes, *notes), marked=marked)
