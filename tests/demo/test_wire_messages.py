"""Copilot's accent on `/v1/messages`: `upstream.md` 8.3."""

from __future__ import annotations

import pytest

TOOL = {
    "name": "read",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
SCRIPT = 'demo: say Reading.\ndemo: call read {"path": "a"}'
THINK = {"thinking": {"type": "adaptive"}}


async def test_a_stream_is_anthropics_with_additions(caller):
    answer = await caller.messages(SCRIPT, tools=[TOOL], stream=True, **THINK)
    events = answer.events
    names = [line[7:] for line in answer.text.split("\n") if line.startswith("event: ")]
    assert names == [event["type"] for event in events[:-1]]
    assert events[-1] == "[DONE]"
    start = events[0]["message"]
    assert (start["model"], start["content"]) == ("claude-sonnet-4-6", [])
    assert start["usage"]["input_tokens"] > 0
    blocks = [e["content_block"]["type"] for e in events[:-1] if e["type"] == "content_block_start"]
    assert blocks == ["thinking", "text", "tool_use"]
    pieces = [e["delta"] for e in events[:-1] if e["type"] == "content_block_delta"]
    assert "".join(piece.get("text", "") for piece in pieces) == "Reading."
    partial = [piece["partial_json"] for piece in pieces if "partial_json" in piece]
    assert (partial[0], "".join(partial)) == ("", '{"path":"a"}')
    assert sum(piece["type"] == "signature_delta" for piece in pieces) == 1
    delta = events[-3]
    assert delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert delta["copilot_usage"]["total_nano_aiu"] > 0
    assert delta["usage"]["output_tokens_details"]["thinking_tokens"] > 0


async def test_ids_come_from_three_back_ends(caller):
    found, metrics = set(), 0
    for _ in range(30):
        events = (await caller.messages("Hi", stream=True)).events
        found.add(events[0]["message"]["id"][:8])
        metrics += "amazon-bedrock-invocationMetrics" in events[-2]
    assert {start[:7] for start in found} >= {"msg_bdr", "msg_vrt"}
    assert any(start.startswith("msg_01") for start in found)
    assert 0 < metrics < 30


async def test_a_reply_without_a_stream(caller):
    body = (await caller.messages(SCRIPT, tools=[TOOL], **THINK)).json
    assert [block["type"] for block in body["content"]] == ["thinking", "text", "tool_use"]
    assert body["content"][2]["input"] == {"path": "a"}
    assert (body["stop_reason"], body["stop_details"]) == ("tool_use", None)
    assert body["copilot_usage"]


async def test_thoughts_come_back_only_unchanged(caller):
    body = (await caller.messages(SCRIPT, tools=[TOOL], **THINK)).json
    result = {"type": "tool_result", "tool_use_id": body["content"][2]["id"], "content": "text"}

    def again(**change):
        thought = {**body["content"][0], **change}
        return [
            {"role": "user", "content": SCRIPT},
            {"role": "assistant", "content": [thought, *body["content"][1:]]},
            {"role": "user", "content": [result]},
        ]

    assert (await caller.messages(again(), tools=[TOOL])).status == 200
    for change in ({"signature": "gm1.abc"}, {"thinking": "Other."}, {"signature": ""}):
        refused = await caller.messages(again(**change), tools=[TOOL])
        assert "Invalid `signature` in `thinking` block" in refused.error["message"]


async def test_hidden_thoughts(caller):
    body = (await caller.messages("demo: redact Secret\ndemo: say Fine.", **THINK)).json
    hidden, text = body["content"]
    assert (hidden["type"], text["text"]) == ("redacted_thinking", "Fine.")
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [hidden, text]},
        {"role": "user", "content": "More"},
    ]
    assert (await caller.messages(turns)).status == 200
    hidden["data"] = "other"
    assert (await caller.messages(turns)).status == 400


async def test_omitted_thoughts_are_empty_and_signed(caller):
    thinking = {"type": "adaptive", "display": "omitted"}
    body = (await caller.messages("Hi", thinking=thinking)).json
    assert body["content"][0]["thinking"] == ""
    assert body["content"][0]["signature"]


@pytest.mark.parametrize("model", ["claude-sonnet-4.5", "claude-sonnet-4.6"])
async def test_thoughts_are_taken_back_as_they_were_given(caller, model):
    thinking = {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}
    more = {"model": model, "thinking": thinking, "max_tokens": 4000}
    body = (await caller.messages("Hi", **more)).json
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": body["content"]},
        {"role": "user", "content": "More"},
    ]
    assert (await caller.messages(turns, **more)).status == 200


@pytest.mark.parametrize(
    ("text", "more", "reason", "sequence"),
    [
        ("Hi", {}, "end_turn", None),
        ("demo: count 999", {"max_tokens": 5}, "max_tokens", None),
        ("demo: say a END b", {"stop_sequences": ["b", "END"]}, "stop_sequence", "END"),
        ("demo: filter", {}, "refusal", None),
    ],
)
async def test_reasons_to_stop(caller, text, more, reason, sequence):
    body = (await caller.messages(text, **more)).json
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, sequence)


async def test_usage_keeps_the_cache_apart(caller):
    turns = [
        {"role": "user", "content": "One " * 100},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ]
    usage = (await caller.messages(turns)).json["usage"]
    assert usage["cache_read_input_tokens"] > 0
    assert usage["input_tokens"] > 0
    turns[0]["content"] = [
        {"type": "text", "text": "One " * 100, "cache_control": {"type": "ephemeral"}}
    ]
    usage = (await caller.messages(turns[:1])).json["usage"]
    assert usage["cache_creation_input_tokens"] > 0
    assert usage["cache_read_input_tokens"] == 0


async def test_answers_that_are_not_streamed_are_capped(caller):
    answer = await caller.messages("demo: count 20000", model="claude-haiku-4.5", max_tokens=64000)
    assert answer.json["usage"]["output_tokens"] == 16000
    assert answer.json["stop_reason"] == "max_tokens"


async def test_an_error_inside_a_stream(caller):
    events = (await caller.messages("demo: say Half\ndemo: fail", stream=True)).events
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "api_error"


async def test_forced_tools_and_forms(caller):
    choice = {"type": "tool", "name": "read"}
    body = (await caller.messages("Go", tools=[TOOL], tool_choice=choice)).json
    assert body["content"][-1]["name"] == "read"
    body = (await caller.messages("Read it", tools=[TOOL], tool_choice={"type": "none"})).json
    assert [block["type"] for block in body["content"]] == ["text"]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    config = {"format": {"type": "json_schema", "schema": schema}}
    body = (await caller.messages("Go", output_config=config)).json
    assert body["content"][0]["text"] == '{"n": 1}'
