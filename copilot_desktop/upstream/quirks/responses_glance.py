"""Whether the items of a `/responses` request can go as they are, seen in one look at each.

Most can: words, calls with their outputs. The repairs of `responses_request`, `responses_history`
and `responses_namespaces` look at everything many times, which takes longer than all the rest where
a conversation is long. They know more than this look: what they would leave alone may still not be
plain. Reasoning is not looked at: whether it is known is a question of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.spelling import LONGEST_NAME
from copilot_desktop.upstream.quirks.responses_history import ID_LIMIT

BOUND = ("reasoning", "compaction")  # their ids belong to their encrypted content
# Ids of these items must have the API's own prefix, or be left out.
PREFIXES = {"message": "msg", "function_call": "fc", "custom_tool_call": "ctc"}
OWN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch

_LEGAL_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ID_LIMIT}}}").fullmatch
_LEGAL_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}").fullmatch
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_TEXTS = ("input_text", "output_text", "refusal", "summary_text")

Item = Mapping[str, Any]


def are_plain(items: list[Any]) -> bool:
    """Whether nothing is to be refused, renamed, paired or left out, whatever the model is."""
    issued: set[str] = set()
    waiting: set[str] = set()  # calls without an output yet
    for item in items:
        if not isinstance(item, dict):
            return False
        kind = item.get("type") or ("message" if "role" in item else "")
        if not isinstance(kind, str) or not _has_own_id(item, kind) or not _is_said(item):
            return False
        if kind in _CALLS:
            call, name = item.get("call_id"), item.get("name")
            if not isinstance(call, str) or not isinstance(name, str) or call in issued:
                return False
            told = kind != "function_call" or isinstance(item.get("arguments"), str)
            if not (told and _LEGAL_ID(call) and _LEGAL_NAME(name)):
                return False
            issued.add(call)
            waiting.add(call)
        elif kind in _OUTPUTS:
            call = item.get("call_id")
            if not isinstance(call, str) or call not in waiting or item.get("output") is None:
                return False
            waiting.remove(call)
        elif kind != "message" and kind not in BOUND:
            return False
    return not waiting


def _has_own_id(item: Item, kind: str) -> bool:
    """Whether the id is Copilot's, or there is none."""
    if "id" not in item or kind in BOUND:
        return True
    identifier, prefix = item["id"], PREFIXES.get(kind)
    return (
        isinstance(identifier, str)
        and prefix is not None
        and identifier.startswith(prefix)
        and OWN_ID(identifier) is not None
    )


def _is_said(item: Item) -> bool:
    """Whether all of it is in words: no picture, no file."""
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list) and not all(map(_is_text, parts)):
            return False
    return True


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _TEXTS
