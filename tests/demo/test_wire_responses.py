"""Copilot's accent on `/responses`: `upstream.md` 7.4 and 7.5."""

from __future__ import annotations

from copilot_desktop.demo import Scenario

TOOL = {
    "type": "function",
    "name": "read",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}
SCRIPT = 'demo: say Let me see.\ndemo: call read {"path": "a"}'
REASON = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}


async def stream(caller, text=SCRIPT, **more):
    answer = await caller.responses(text, stream=True, **{"tools": [TOOL], **REASON, **more})
    assert answer.status == 200, answer.text
    return answer


def items(events):
    """The items as their `done` events give them, by index."""
    return {
        event["output_index"]: event["item"]
        for event in events
        if event["type"] == "response.output_item.done"
    }


async def test_events_are_named_numbered_and_end_without_done(caller):
    answer = await stream(caller)
    events = answer.events
    names = [line[7:] for line in answer.text.split("\n") if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-1] == "response.completed"
    assert b"[DONE]" not in answer.raw


async def test_every_event_names_its_item_otherwise(caller):
    events = (await stream(caller)).events
    ids = [
        event.get("item_id") or event["item"]["id"] for event in events if "output_index" in event
    ]
    final = events[-1]["response"]
    ids += [item["id"] for item in final["output"]]
    assert len(set(ids)) == len(ids) > 10
    assert {len(each) for each in ids} == {408}
    responses = {event["response"]["id"] for event in events if "response" in event}
    assert len(responses) == 3


async def test_pieces_of_arguments_can_be_sealed(calling):
    async with calling(Scenario(sealed_arguments=True)) as caller:
        await caller.exchange()
        events = (await stream(caller)).events
    kind = "response.function_call_arguments"
    pieces = [event["delta"] for event in events if event["type"] == f"{kind}.delta"]
    (done,) = [event["arguments"] for event in events if event["type"] == f"{kind}.done"]
    assert done == items(events)[2]["arguments"] == '{"path":"a"}'
    assert "{" not in "".join(pieces) != ""


async def test_the_parts_add_up(caller):
    events = (await stream(caller)).events
    found = items(events)
    assert [found[place]["type"] for place in sorted(found)] == [
        "reasoning", "message", "function_call",
    ]  # fmt: skip
    for place, field in ((1, "output_text"), (2, "function_call_arguments")):
        pieces = [
            event["delta"]
            for event in events
            if event["type"] == f"response.{field}.delta" and event["output_index"] == place
        ]
        assert len(pieces) > 1
        wanted = found[1]["content"][0]["text"] if place == 1 else found[2]["arguments"]
        assert "".join(pieces) == wanted
    assert found[1]["phase"] == "commentary"
    assert found[0]["summary"][0]["text"]
    assert any("obfuscation" in event for event in events)
    last = events[-1]
    assert [item["type"] for item in last["response"]["output"]] == [
        item["type"] for _, item in sorted(found.items())
    ]
    assert last["copilot_usage"]["total_nano_aiu"] > 0
    assert last["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


async def test_what_was_encrypted_is_replayed_with_its_own_id_or_none(caller):
    events = (await stream(caller)).events
    added = next(e["item"] for e in events if e["type"] == "response.output_item.added")
    found = items(events)
    done, call = found[0], found[2]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "text"}

    def again(reasoning, **change):
        bare = {name: call[name] for name in ("type", "call_id", "name", "arguments")} | change
        return [{"role": "user", "content": SCRIPT}, reasoning, bare, output]

    assert (await caller.responses(again(done))).status == 200
    without = {name: value for name, value in done.items() if name != "id"}
    assert (await caller.responses(again(without))).status == 200
    stale = await caller.responses(again({**done, "id": added["id"]}))
    assert (stale.status, "does not belong to this connection" in stale.text) == (401, True)
    invented = await caller.responses(again({**done, "id": "rs_123"}))
    assert "item_id did not match" in invented.error["message"]
    sealed = await caller.responses(again({**done, "encrypted_content": "gr1.abc"}))
    assert sealed.error["code"] == "invalid_encrypted_content"
    stale = await caller.responses(again(done, id=call["id"]))
    assert stale.status == 401
    assert (await caller.responses(again(done, id="fc_1"))).status == 200
    assert (await caller.responses(again(done, id="call_1"))).status == 400


async def test_reasoning_is_given_as_asked(caller):
    bare = (await caller.responses("Hi")).json
    assert bare["output"][0] == {
        "id": bare["output"][0]["id"], "type": "reasoning", "summary": [],
    }  # fmt: skip
    none = (await caller.responses("Hi", reasoning={"effort": "none"})).json
    assert [item["type"] for item in none["output"]] == ["message"]


async def test_a_reply_without_a_stream(caller):
    body = (await caller.responses(SCRIPT, tools=[TOOL], **REASON)).json
    assert (body["object"], body["status"], body["store"]) == ("response", "completed", False)
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call"]
    assert body["copilot_usage"]["total_nano_aiu"] > 0
    assert body["usage"]["total_tokens"] > 0


async def test_the_output_limit(caller):
    more = {"reasoning": {"effort": "none"}, "max_output_tokens": 16}
    events = (await stream(caller, "demo: count 99", **more)).events
    last = events[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    text = last["response"]["output"][0]["content"][0]["text"]
    assert len(text) == 64


async def test_a_failure(caller):
    events = (await stream(caller, "demo: fail")).events
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "server_error"


async def test_free_tools_get_plain_text(caller):
    tool = {"type": "custom", "name": "apply_patch"}
    events = (await stream(caller, "demo: write a.txt Hi", tools=[tool])).events
    item = next(item for item in items(events).values() if item["type"] == "custom_tool_call")
    assert item["input"].startswith("*** Begin Patch\n*** Add File: a.txt\n+Hi\n")
    assert any(event["type"] == "response.custom_tool_call_input.delta" for event in events)


async def test_a_form(caller):
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    text = {"format": {"type": "json_schema", "name": "ok", "schema": schema, "strict": True}}
    body = (await caller.responses("Fine?", text=text, reasoning={"effort": "none"})).json
    assert body["output"][0]["content"][0]["text"] == '{"ok": false}'
