"""Bodies near real ones: a sound conversation in each format, with a few odd things done to it.

`junk` is about anything that JSON can say; this is about what nearly looks right, which is where
shortcuts go wrong.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import strategies as st

from copilot_desktop.model import CHAT, MESSAGES, RESPONSES
from tests.laws.junk import KEYS, KINDS, ROLES

Json = dict[str, Any]

MARK = {"type": "ephemeral"}
TEXT = {"type": "text", "text": "x"}
_PNG = "data:image/jpeg;base64,iVBORw0KGgo="
_FUNCTION = {"type": "function", "function": {"name": "ls", "parameters": {"type": "object"}}}
_CALL = {"id": "a", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
_CALLED = {"role": "assistant", "content": None, "tool_calls": [_CALL, {**_CALL, "id": "b"}]}
_USED = {"type": "tool_use", "id": "a", "name": "ls", "input": {}}
_RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "ok"}
_REQUEST = {"type": "function_call", "call_id": "a", "name": "ls", "arguments": "{}", "id": "fc_1"}
_OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "ok"}
_REASONING = {"type": "reasoning", "id": "rs_1", "encrypted_content": "blob", "summary": []}

WHOLE: dict[str, Json] = {
    CHAT: {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [TEXT]},
            _CALLED,
            {"role": "tool", "tool_call_id": "b", "content": "r"},
            {"role": "tool", "tool_call_id": "a", "content": [TEXT]},
            {"role": "assistant", "content": "ok", "refusal": None},
            {"role": "user", "content": "more"},
        ],
    },
    MESSAGES: {
        "model": "m",
        "max_tokens": 4096,
        "system": [{**TEXT, "cache_control": MARK}],
        "tools": [{"name": "ls", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [{**TEXT, "cache_control": MARK}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "t", "signature": "s"},
                    TEXT,
                    _USED,
                    {**_USED, "id": "b"},
                ],
            },
            {
                "role": "user",
                "content": [{**_RESULT, "tool_use_id": "b"}, {**_RESULT, "content": [TEXT]}, TEXT],
            },
            {
                "role": "assistant",
                "content": [{"type": "redacted_thinking", "data": "x"}, {**_USED, "id": "c"}],
            },
            {
                "role": "user",
                "content": [
                    {**_RESULT, "tool_use_id": "c", "is_error": True, "cache_control": MARK}
                ],
            },
            {"role": "assistant", "content": "said"},
            {"role": "user", "content": "more"},
        ],
    },
    RESPONSES: {
        "model": "m",
        "tools": [{"type": "function", "name": "ls", "parameters": {}}],
        "input": [
            {"role": "user", "content": "x"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]},
            _REASONING,
            _REQUEST,
            {"type": "custom_tool_call", "call_id": "c", "name": "ls", "input": "x", "id": "ctc_1"},
            _OUTPUT,
            {"type": "custom_tool_call_output", "call_id": "c", "output": []},
            {"role": "assistant", "content": [{"type": "output_text", "text": "x"}], "id": "msg_1"},
        ],
    },
}
# What is put where it does not belong.
_ODD: tuple[Any, ...] = (
    None, True, 0, 2.5, "", " ", "a", "b", "c d", "call_1|x", "x" * 41, "x" * 65, "\ud83d",
    [], {}, [""], [None], *KINDS, *ROLES, TEXT, {**TEXT, "text": " "}, {**TEXT, "citations": []},
    {**TEXT, "cache_control": MARK}, {"cache_control": MARK}, MARK, _CALLED, _CALL, _USED, _RESULT,
    {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}, _REQUEST, _OUTPUT,
    {"role": "tool", "tool_call_id": "a", "content": "r"}, _REASONING, _FUNCTION, [_FUNCTION],
    {"type": "image_url", "image_url": {"url": _PNG}}, {"type": "input_image", "image_url": _PNG},
    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "iVBORw0="}},
    {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "ls"}]},
)  # fmt: skip
_NAMES = (
    *KEYS, "refusal", "function_call", "reasoning_opaque", "reasoning_text", "citations", "status",
    "namespace", "copilot_cache_control", "is_error", "tools", "tool_choice", "future",
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, endpoint: str) -> Json:
    """A sound body for `endpoint`, changed in up to four places."""
    body = copy.deepcopy(WHOLE[endpoint])
    random = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(0, 4))):
        _change(body, random)
    return body


def _change(body: Json, random: Random) -> None:
    if not (places := _places(body)):
        return
    holder, key = random.choice(places)
    odd = copy.deepcopy(random.choice(_ODD))
    match random.randrange(6):
        case 0:
            holder[key] = odd
        case 1:
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = odd
        case 3 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(random.choice(holder)))
        case 4 if isinstance(holder[key], dict):
            holder[key][random.choice(_NAMES)] = odd
        case _ if isinstance(holder, list):
            holder.insert(key, odd)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of it, at any depth, as what holds it and its key."""
    keys = list(value) if isinstance(value, dict) else []
    keys = list(range(len(value))) if isinstance(value, list) else keys
    return [place for key in keys for place in ((value, key), *_places(value[key]))]
