"""Items that are plain at a glance are such that the repairs would have left as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model
from copilot_desktop.upstream.quirks import responses_request
from copilot_desktop.upstream.quirks.responses_glance import are_plain
from copilot_desktop.upstream.quirks.responses_request import fixed_request

BLIND = Model("m", vendor="OpenAI")
PNG = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
TEXT = {"type": "input_text", "text": "x"}


def call(call_id: Any = "a", name: Any = "ls", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}", **more}


def output(call_id: Any = "a", said: Any = "ok", **more: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said, **more}


def said(content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


PLAIN = [
    said(),
    {"type": "message", "role": "user", "content": [TEXT], "id": "msg_1"},
    {"type": "reasoning", "id": "rs_1", "encrypted_content": "blob", "summary": []},
    call("a", id="fc_1"),
    call("b", "x" * 64),
    {**call("c"), "type": "custom_tool_call", "id": "ctc_1"},
    output("b"),
    output("a", [TEXT]),
    {**output("c"), "type": "custom_tool_call_output"},
    said([{"type": "output_text", "text": "x"}], role="assistant"),
]
ODD = [
    *PLAIN, 5, {}, {"type": []}, {"type": ["x"], "id": "x"}, call("c d"), call("a", "x.y"),
    call(None), call("d"), call("d", None), call("d", "x" * 65), call("d", id="x"), call(""),
    call("d", id=5),
    output("b"), output("d"), output(None), output("a", id="fc_1"), output("a", [PNG]),
    output("a", [5]), said([PNG]), said([TEXT, PNG]), said([{"type": "input_file"}]),
    said([{"type": "input_audio"}]), said([TEXT], id="x"), said([TEXT], id="msg 1"),
    {"type": "item_reference", "id": "msg_1"}, {"type": "tool_search_call"}, {"type": "other"},
    {"type": "additional_tools", "tools": []}, {"type": "local_shell_call", "call_id": "a"},
    {"type": "function_call_output", "output": "x"}, call("d", namespace="n"),
]  # fmt: skip


def inputs() -> Iterator[list[Any]]:
    """Each odd item in each place, and instead of what is there."""
    for place in range(len(PLAIN) + 1):
        for odd in ODD:
            for end in (place, place + 1):
                yield [*PLAIN[:place], odd, *PLAIN[end:]]
                yield [odd, *PLAIN[end:]]
                yield [*PLAIN[:place], odd]
    for name in ("c d", "x" * 65, ""):
        yield [call(name), output(name)]
    for name in ("x.y", "x" * 65, ""):
        yield [call("a", name), output()]


def result(items: list[Any]) -> Any:
    body = {"model": "m", "input": items, "tools": [{"type": "function", "name": "ls"}]}
    try:
        return fixed_request(body, BLIND, lambda _: None)
    except InvalidRequest as problem:
        return problem.detail


def test_what_is_plain_at_a_glance_needs_no_repair() -> None:
    count = 0
    for items in filter(are_plain, inputs()):
        count += 1
        at_a_glance = result(items)
        with patch.object(responses_request, "are_plain", return_value=False):
            assert at_a_glance == result(items)
        assert at_a_glance[0]["input"] is items, "what is the same goes out as it came"
    assert count > 100


def test_whatever_is_not_plain_is_not_taken_for_it() -> None:
    assert are_plain(PLAIN)
    assert are_plain([])
    for odd in (5, output("d"), said([PNG]), {"type": "additional_tools", "tools": []}):
        assert not are_plain([*PLAIN, odd])
    for gone in (3, 4, 5, 6, 7, 8):
        assert not are_plain([*PLAIN[:gone], *PLAIN[gone + 1 :]]), "a call or its output is missing"


def test_reasoning_that_is_not_known_is_left_out_all_the_same() -> None:
    foreign = {"type": "reasoning", "id": "rs_2", "summary": []}
    assert are_plain([*PLAIN, foreign])
    fixed, notes = result([*PLAIN, foreign])
    assert fixed["input"] == PLAIN
    assert "dropped=input.reasoning" in notes
