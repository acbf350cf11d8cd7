"""Copilot's accent on `/chat/completions`: `upstream.md` 6.2 to 6.5."""

from __future__ import annotations

import pytest

TOOL = {
    "type": "function",
    "function": {
        "name": "read",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
    },
}
SCRIPT = 'demo: say Æ ✓\ndemo: call read {"path": "a"}\ndemo: and call read {"path": "b"}'
TWO_CALLS = {"text": SCRIPT, "tools": [TOOL]}


def deltas(events):
    return [choice["delta"] for event in events if event != "[DONE]" for choice in event["choices"]]


def joined(events, field="content"):
    return "".join(delta.get(field) or "" for delta in deltas(events))


async def test_gpt_streams_come_through_azure(caller):
    events = (await caller.chat("Hi", stream=True)).events
    first, second = events[:2]
    assert (first["choices"], first["id"], first["created"]) == ([], "", 0)
    assert first["prompt_filter_results"]
    assert second["choices"][0]["delta"] == {"content": "", "role": "assistant"}
    assert second["choices"][0]["content_filter_results"]["hate"]["severity"] == "safe"
    assert all("object" not in event for event in events[:-1])
    last = events[-2]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["total_tokens"] > 0
    assert last["copilot_usage"]["total_nano_aiu"] == 0
    assert last["model"] == "gpt-4.1-2025-04-14"
    assert events[-1] == "[DONE]"


async def test_gpt_calls_come_in_fragments_and_usage_stands_alone(caller):
    events = (await caller.chat(TWO_CALLS["text"], tools=[TOOL], stream=True)).events
    assert joined(events) == "Æ ✓"
    calls = [call for delta in deltas(events) for call in delta.get("tool_calls", ())]
    starts = [call for call in calls if "id" in call]
    assert [call["index"] for call in starts] == [0, 1]
    for index, path in ((0, "a"), (1, "b")):
        pieces = [c["function"]["arguments"] for c in calls if c["index"] == index]
        assert "".join(pieces) == f'{{"path":"{path}"}}'
        assert len(pieces) > 2
    assert events[-3]["choices"][0]["finish_reason"] == "tool_calls"
    assert events[-2]["choices"] == []
    assert events[-2]["usage"]


async def test_claude_without_a_stream_is_split_over_choices(caller):
    answer = await caller.chat(
        SCRIPT, model="claude-sonnet-4.6", tools=[TOOL], thinking_budget=2000
    )
    body = answer.json
    assert body["model"] == "claude-sonnet-4-6"
    assert len(body["choices"]) == 3
    assert all("index" not in choice for choice in body["choices"])
    assert {choice["finish_reason"] for choice in body["choices"]} == {"tool_calls"}
    text, *calls = [choice["message"] for choice in body["choices"]]
    assert text["content"] == "Æ ✓"
    assert text["reasoning_text"]
    assert text["reasoning_opaque"]
    assert all(call["tool_calls"][0]["id"].startswith("toolu_") for call in calls)
    assert body["copilot_usage"]["total_nano_aiu"] > 0


async def test_claude_streams_its_reasoning(caller):
    events = (
        await caller.chat(SCRIPT, model="claude-sonnet-4.6", tools=[TOOL], stream=True,
                          reasoning_effort="low")
    ).events  # fmt: skip
    assert events[0]["usage"]["total_tokens"] == 0, "an early usage of zeros"
    assert joined(events, "reasoning_text").startswith("The demo")
    assert sum("reasoning_opaque" in delta for delta in deltas(events)) == 1
    assert joined(events) == "Æ ✓"
    last = events[-2]
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert last["usage"]["completion_tokens"] > 0


async def test_gemini_repeats_the_role_and_stops_although_it_called(caller):
    events = (
        await caller.chat(SCRIPT, model="gemini-3.1-pro-preview", tools=[TOOL], stream=True)
    ).events
    assert all(delta["role"] == "assistant" for delta in deltas(events))
    calls = [call for delta in deltas(events) for call in delta.get("tool_calls", ())]
    assert [call["function"]["arguments"] for call in calls] == ['{"path":"a"}', '{"path":"b"}']
    last = events[-2]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["delta"]["tool_calls"]
    assert last["usage"]


async def test_reasoning_is_kept_only_unchanged(caller):
    answer = await caller.chat("Hi", model="claude-sonnet-4.6", thinking_budget=1024)
    message = answer.json["choices"][0]["message"]
    again = [{"role": "user", "content": "Hi"}, message, {"role": "user", "content": "More"}]
    assert (await caller.chat(again, model="claude-sonnet-4.6")).status == 200
    for change in ({"reasoning_text": "Other"}, {"reasoning_opaque": "gc1.abc"}):
        again[1] = {**message, **change}
        refused = await caller.chat(again, model="claude-sonnet-4.6")
        assert (refused.status, "signature" in refused.text) == (400, True)


async def test_length_stop_and_filter(caller):
    answer = (await caller.chat("demo: count 500", max_tokens=10)).json
    assert answer["choices"][0]["finish_reason"] == "length"
    assert len(answer["choices"][0]["message"]["content"]) == 40
    assert answer["usage"]["completion_tokens"] == 10
    answer = (await caller.chat("demo: say one END two", stop=["END"])).json
    assert answer["choices"][0]["message"]["content"] == "one "
    events = (await caller.chat("demo: filter", stream=True)).events
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
    assert events[-2]["choices"][0]["delta"]["copilot_annotations"] == {"TextCopyright": True}


async def test_a_cut_call_says_length(caller):
    answer = await caller.chat(SCRIPT, tools=[TOOL], max_tokens=3)
    choice = answer.json["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"path":"'


async def test_an_error_inside_a_stream_ends_it(caller):
    events = (await caller.chat("demo: say Half\ndemo: fail", stream=True)).events
    assert joined(events[:-1]) == "Half"
    assert events[-1]["error"]["code"] == "upstream_error"


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("gpt-4.1", {"type": "json_object"}),
        ("gemini-3.1-pro-preview", {"type": "json_object"}),
        (
            "gpt-5-mini",
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "city",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}, "size": {"type": "integer"}},
                        "required": ["city", "size"],
                        "additionalProperties": False,
                    },
                },
            },
        ),
    ],
)
async def test_json_is_given_when_it_is_wanted(caller, model, form):
    answer = await caller.chat("A city as JSON", model=model, response_format=form)
    text = answer.json["choices"][0]["message"]["content"]
    assert text.startswith("{")
    if form["type"] == "json_schema":
        assert '"size": 1' in text


async def test_claude_ignores_the_wanted_form(caller):
    answer = await caller.chat(
        "JSON", model="claude-sonnet-4.6", response_format={"type": "json_object"}
    )
    assert answer.json["choices"][0]["message"]["content"].startswith("You said")


async def test_cost_is_the_sum_of_its_parts(caller):
    answer = (await caller.chat("Hello " * 50, model="claude-haiku-4.5")).json
    details = answer["copilot_usage"]["token_details"]
    total = sum(d["token_count"] * d["cost_per_batch"] for d in details) // 1_000_000
    assert answer["copilot_usage"]["total_nano_aiu"] == total > 0
    counted = {d["token_type"]: d["token_count"] for d in details}
    assert (
        counted["input"] + counted["cache_read"] + counted["cache_write"]
        == (answer["usage"]["prompt_tokens"])
    )
