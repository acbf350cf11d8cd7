"""The pass-through path of `/responses`: what is mended, refused, remembered and left alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import RESPONSES, Model
from copilot_desktop.sealing import seal
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks.responses import ResponsesQuirks

EXAMPLES = Path(__file__).parents[2] / "examples"
NO_FIELDS = {"type": "object", "properties": {}}
MODEL = Model(
    id="gpt-x",
    vendor="OpenAI",
    endpoints=(RESPONSES,),
    efforts=(Effort.NONE, Effort.LOW, Effort.MEDIUM),
    max_output=1000,
)
# A body that Copilot takes as it is: what Codex sends, without its hosted tool.
GOOD: dict[str, Any] = {
    "model": "gpt-x",
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    ],
    "tools": [
        {"type": "function", "name": "exec_command", "parameters": NO_FIELDS},
        {"type": "custom", "name": "apply_patch"},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "text": {"verbosity": "low"},
}


def fixed(quirks: ResponsesQuirks | None = None, **fields: Any):
    body = {**GOOD, **fields}
    before = json.dumps(body)
    answer = (quirks or ResponsesQuirks()).fix_request(body, MODEL, ())
    assert json.dumps(body) == before  # the client's body is its own
    return answer


def sent(quirks: ResponsesQuirks | None = None, **fields: Any) -> dict[str, Any]:
    answer = fixed(quirks, **fields)
    return {**GOOD, **fields} if answer.body is None else answer.body


# ------------------------------------------------------------------------------------- requests


def test_a_good_body_goes_out_as_it_came():
    answer = fixed()
    assert (answer.body, answer.notes) == (None, ())


@pytest.mark.parametrize(
    ("fields", "changed", "notes"),
    [
        ({"service_tier": "flex"}, {"service_tier": None}, ("dropped=service_tier",)),
        ({"client_metadata": {"a": "b"}}, {"client_metadata": None}, ("dropped=client_metadata",)),
        ({"background": False}, {"background": None}, ()),
        ({"previous_response_id": None}, {"previous_response_id": None}, ()),
        ({"store": True}, {"store": False}, ("dropped=store",)),
        ({"include": None}, {"include": ["reasoning.encrypted_content"]}, ()),
        ({"max_output_tokens": 1}, {"max_output_tokens": 16}, ("mapped=max_output_tokens>16",)),
        (
            {"max_output_tokens": 64000},
            {"max_output_tokens": 1000},
            ("mapped=max_output_tokens>1000",),
        ),
        (
            {"reasoning": {"effort": "xhigh", "summary": "auto"}},
            {"reasoning": {"effort": "medium", "summary": "auto"}},
            ("mapped=reasoning.effort>medium",),
        ),
        ({"temperature": 0.2}, {"temperature": None}, ("dropped=temperature",)),
        (
            {"temperature": 0.2, "reasoning": {"effort": "none"}},
            {"temperature": 0.2},
            (),
        ),
        (
            {"tools": [*GOOD["tools"], {"type": "web_search"}, {"type": "web_search"}]},
            {"tools": GOOD["tools"]},
            ("dropped=tools.web_search",),
        ),
        (
            {"tools": [{"type": "namespace", "name": "mcp", "description": "x"}, GOOD["tools"][0]]},
            {"tools": [GOOD["tools"][0]]},
            ("dropped=namespace (empty)",),
        ),
    ],
)
def test_what_is_dropped_or_changed_is_noted(fields, changed, notes):
    body = sent(**fields)
    assert {name: body.get(name) for name in changed} == changed
    assert fixed(**fields).notes == notes


SPAWN = {"type": "function", "name": "spawn", "parameters": NO_FIELDS}
GROUP = {"type": "namespace", "name": "agents", "description": "", "tools": [SPAWN]}
MORE = {"type": "additional_tools", "role": "developer", "tools": [GROUP, {"type": "web_search"}]}
DONE = {"type": "function_call_output", "call_id": "c", "output": "ok"}
SPAWNED = {"type": "function_call", "call_id": "c", "name": "spawn", "arguments": "{}"}


def test_groups_of_tools_go_out_as_plain_functions():
    twin = {"type": "custom", "name": "agents__spawn"}
    body = sent(
        tools=[twin, GOOD["tools"][0]],
        input=[MORE, *GOOD["input"], {**SPAWNED, "namespace": "agents"}, DONE],
        tool_choice={"type": "function", "name": "spawn", "namespace": "agents"},
    )
    assert body["tools"] == [twin, GOOD["tools"][0], {**SPAWN, "name": "agents__spawn_2"}]
    assert body["input"] == [*GOOD["input"], {**SPAWNED, "name": "agents__spawn_2"}, DONE]
    assert body["tool_choice"] == {"type": "function", "name": "agents__spawn_2"}
    long = {**GROUP, "name": "n" * 50, "tools": [{**SPAWN, "name": "läng" * 9}]}
    (tool,) = sent(tools=[long])["tools"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool["name"])


def test_groups_of_clients_that_search_for_tools_stay_groups():
    tools = [{"type": "tool_search"}, GROUP]
    assert sent(tools=tools)["tools"] == [tools[0], {**GROUP, "description": "agents"}]
    found = {"type": "tool_search_output", "tools": [GROUP]}
    call = {**SPAWNED, "namespace": "agents"}
    assert sent(input=[found, call, DONE])["input"] == [found, call, DONE]


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        ({}, NO_FIELDS),
        ({"type": "object"}, NO_FIELDS),
        (
            {"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
            {"type": "object", "properties": {"a": {}, "b": {}}},
        ),
    ],
)
def test_tools_get_a_schema_that_openai_takes(schema, taken):
    tool = {"type": "function", "name": "read", "parameters": schema, "strict": False}
    group = {"type": "namespace", "name": "n", "description": "d", "tools": [tool]}
    tools = sent(tools=[tool, group])["tools"]
    assert [each["parameters"] for each in tools] == [taken, taken]


def test_twins_among_tools_are_told_once():
    tool = {"type": "function", "name": "a", "parameters": NO_FIELDS, "strict": False}
    answer = fixed(tools=[tool, {**tool, "description": "another"}])
    assert answer.body["tools"] == [tool]
    assert answer.notes == answer.marked == ("dropped=tools.a (declared twice)",)
    group = {"type": "namespace", "name": "a", "description": "d", "tools": [tool]}
    kept = [tool, group, {"type": "tool_search"}]
    assert sent(tools=kept)["tools"] == kept, "a group may have the name of a tool"


def test_a_schema_that_is_fine_and_a_tool_without_one_stay_as_they_are():
    schema = {"type": "object", "properties": {"a": {"type": "object"}}}
    tools = [
        {"type": "function", "name": "a", "parameters": schema},
        {"type": "function", "name": "b", "parameters": None},
        {"type": "custom", "name": "c"},
    ]
    assert sent(tools=tools)["tools"] is tools


@pytest.mark.parametrize("stream", [True, False])
def test_calls_of_grouped_tools_come_back_with_their_namespace(stream):
    body = {**GOOD, "tools": [GROUP, *GOOD["tools"]], "stream": stream}
    quirks = ResponsesQuirks()
    quirks.fix_request(body, MODEL, ())
    made = {**SPAWNED, "id": "fc_1", "name": "agents__spawn"}
    other = {**SPAWNED, "id": "fc_2", "name": "exec_command"}
    reply = {"id": "r", "model": "gpt-x", "output": [made, other]}
    expected = {**made, "name": "spawn", "namespace": "agents"}
    if not stream:
        assert quirks.fix_reply(reply, "m")["output"] == [expected, other]
        return
    arguments = "response.function_call_arguments"
    common = {"output_index": 0, "item_id": "fc_1"}
    data = events(
        {"type": "response.output_item.added", "output_index": 0, "item": made},
        {"type": f"{arguments}.delta", **common, "delta": "{}"},
        {"type": f"{arguments}.done", **common, "name": "agents__spawn", "arguments": "{}"},
        {"type": "response.output_item.done", "output_index": 0, "item": made},
        {"type": "response.completed", "response": reply},
    )
    mender, decoder = quirks.stream(body, "m"), FrameDecoder()
    told = payloads(b"".join(mender.feed(frame) for frame in decoder.feed(data)))
    assert told[0]["item"] == told[3]["item"] == expected
    assert told[2]["name"] == "spawn"
    assert told[4]["response"]["output"] == [expected, other]


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt"}},
        {"background": True},
        {"tools": [{"type": "file_search"}]},
        {"tools": [GOOD["tools"][0], {"type": "mcp"}], "tool_choice": {"type": "mcp"}},
        {"tools": [{"type": "function", "name": f"f{n}"} for n in range(129)]},
        {"max_output_tokens": 0},
        {"reasoning": {"effort": "huge"}},
        {"input": ["text"]},
        {"input": [{"type": "item_reference", "id": "rs_1"}]},
        {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
        {
            "input": [
                {
                    "type": "function_call_output",
                    "output": [{"type": "input_image", "image_url": "https://example.org/a.png"}],
                }
            ]
        },
    ],
)
def test_what_copilot_cannot_do_is_refused_before_it_is_sent(fields):
    with pytest.raises(InvalidRequest) as refused:
        fixed(**fields)
    assert any(refused.value.fields["param"].startswith(name) for name in fields)


def test_both_ways_refuse_chaining_with_the_same_words():
    from copilot_desktop.dialects.openai_responses import OpenAIResponses

    said = []
    for refuse in (
        lambda body: ResponsesQuirks().fix_request(body, MODEL, ()),
        OpenAIResponses().parse_request,
    ):
        with pytest.raises(InvalidRequest) as refused:
            refuse({**GOOD, "previous_response_id": "resp_1"})
        said.append((refused.value.message, refused.value.code, refused.value.fields))
    assert said[0] == said[1]
    assert said[0][1] == "previous_response_not_found"


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ({"type": "message", "role": "assistant", "id": "msg_1"}, True),
        ({"role": "assistant", "id": "msg_1"}, True),
        ({"type": "message", "role": "assistant", "id": "x" * 400}, False),
        ({"type": "message", "role": "assistant", "id": "msg_" + "x" * 61}, False),
        ({"type": "function_call", "call_id": "c", "arguments": "", "id": "fc_1"}, True),
        ({"type": "function_call", "call_id": "c", "arguments": "", "id": "call_1"}, False),
        ({"type": "custom_tool_call", "call_id": "c", "id": "ctc_1"}, True),
        ({"type": "function_call_output", "call_id": "c", "id": "any", "output": "x"}, False),
        ({"type": "reasoning", "id": "x" * 400, "encrypted_content": "unknown"}, True),
        ({"type": "compaction", "id": "x" * 400, "encrypted_content": "unknown"}, True),
        ({"type": "message", "role": "assistant", "id": "msg+/="}, False),
        ({"type": "web_search_call", "id": "ws_1"}, True),
        ({"type": "web_search_call", "id": "x" * 400}, False),
    ],
)
def test_item_ids_are_copilots_own_or_none(item, kept):
    expected = item if kept else {k: v for k, v in item.items() if k != "id"}
    kind = item.get("type", "")
    before = [SPAWNED] if kind.endswith("_call_output") else []
    after = [{**DONE, "type": f"{kind}_output"}] if "call_id" in item and not before else []
    assert sent(input=[*before, item, *after])["input"] == [*before, expected, *after]


@pytest.mark.parametrize("nothing", [{}, {"output": None}])
def test_a_tool_that_gave_nothing_is_told_as_that(nothing):
    given = [SPAWNED, {"type": "function_call_output", "call_id": "c", **nothing}]
    assert sent(input=given)["input"][1]["output"] == "(no output)"


@pytest.mark.parametrize(("kept", "text"), [({"n": 1}, '{"n":1}'), (None, "{}"), ([], "{}")])
def test_arguments_that_were_not_kept_as_text_go_as_text(kept, text):
    told = sent(input=[{**SPAWNED, "arguments": kept}, DONE])["input"]
    assert told == [{**SPAWNED, "arguments": text}, DONE]


def _call(call_id):
    return {"type": "function_call", "call_id": call_id, "name": "exec_command", "arguments": "{}"}


def _output(call_id, words):
    return {"type": "function_call_output", "call_id": call_id, "output": words}


@pytest.mark.parametrize("turns", [2, 3])
def test_a_call_id_of_an_earlier_turn_is_told_apart(turns):
    """Some clients count their calls from nought in every turn."""
    words = ["first", "second", "third"][:turns]
    names = ["call_0", "call_0_2", "call_0_3"][:turns]
    given = [item for told in words for item in (_call("call_0"), _output("call_0", told))]
    expected = [
        item
        for name, told in zip(names, words, strict=True)
        for item in (_call(name), _output(name, told))
    ]
    assert sent(input=given)["input"] == expected


def test_calls_of_one_id_in_one_turn_are_told_apart():
    given = [_call("c"), _call("c"), _output("c", "first"), _output("c", "second")]
    again = [_call("c"), _output("c", "third")]
    assert sent(input=[*given, *again])["input"] == [
        _call("c"), _call("c_2"), _output("c", "first"), _output("c_2", "second"),
        _call("c_3"), _output("c_3", "third"),
    ]  # fmt: skip


def test_a_number_that_an_id_has_already_is_not_given_again():
    """As where we gave it ourselves, in an answer of a model that counts its calls carelessly."""
    given = [_call("c"), _call("c_2"), _output("c", "first"), _output("c_2", "second")]
    again = [_call("c"), _output("c", "third")]
    expected = [*given, _call("c_3"), _output("c_3", "third")]
    assert sent(input=[*given, *again])["input"] == expected


# -------------------------------------------------------------------------------------- streams


def through(data: bytes, size: int = 4096, quirks: ResponsesQuirks | None = None):
    """The stream, and all that the client gets of `data`."""
    stream, decoder = (quirks or ResponsesQuirks()).stream(GOOD, "my-gpt"), FrameDecoder()
    out = b""
    for start in range(0, len(data), size):
        out += b"".join(stream.feed(frame) for frame in decoder.feed(data[start : start + size]))
    return stream, out + b"".join(stream.feed(frame) for frame in decoder.close())


def payloads(data: bytes) -> list[dict[str, Any]]:
    decoder = FrameDecoder()
    frames = [*decoder.feed(data), *decoder.close()]
    found = [frame.json() for frame in frames if frame.data]
    assert [f.event for f in frames if f.data and f.event] == [p["type"] for p in found]
    return found


def events(*told: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
        for event in told
    )


CHURNING = (EXAMPLES / "31-responses-stream-churning-ids.sse").read_bytes()


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_one_id_per_item_and_one_per_response(size):
    stream, out = through(CHURNING, size)
    told, original = payloads(out), payloads(CHURNING)
    assert [event["type"] for event in told] == [event["type"] for event in original]
    ids: dict[int, set[str]] = {}
    for event in told:
        if "output_index" in event:
            item = event.get("item_id") or event["item"]["id"]
            ids.setdefault(event["output_index"], set()).add(item)
    for index, item in enumerate(told[-1]["response"]["output"]):
        ids[index].add(item["id"])
    assert [len(found) for found in ids.values()] == [1, 1, 1]
    assert ids[0] == {original[2]["item"]["id"]}  # the first one, as Copilot made it
    assert len({event["response"]["id"] for event in told if "response" in event}) == 1
    assert {event["response"]["model"] for event in told if "response" in event} == {"my-gpt"}
    assert b"copilot_usage" not in out
    assert (stream.complete, stream.failed, stream.nano_credits) == (True, False, 128900000)
    assert stream.usage is not None
    assert stream.usage["input_tokens"] == 320


def test_nothing_but_ids_changes_in_a_delta():
    _, out = through(CHURNING)
    for event, before in zip(payloads(out), payloads(CHURNING), strict=True):
        event.pop("item_id", None), before.pop("item_id", None)
        if "response" not in event and "item" not in event:
            assert event == before


def test_text_that_looks_like_an_id_is_not_touched():
    text = 'say "item_id":"A" and \\"item_id\\": "B" \u2028'
    delta = {"type": "response.output_text.delta", "item_id": "m1", "output_index": 0}
    data = events({**delta, "delta": text}, {"delta": text, **delta, "item_id": "m2"})
    _, out = through(data)
    first, second = payloads(out)
    assert (first["delta"], second["delta"]) == (text, text)
    assert (first["item_id"], second["item_id"]) == ("m1", "m1")


def test_the_final_event_is_read_whatever_it_carries():
    odd = {"type": "note", "id": "n", "item_id": "x", "output_index": 0}
    response = {"id": "r", "model": "gpt-x", "output": [odd], "usage": {"input_tokens": 1}}
    stream, _ = through(events({"type": "response.completed", "response": response}))
    assert stream.complete
    assert stream.usage == {"input_tokens": 1}


def test_a_frame_that_needs_nothing_keeps_its_bytes():
    added = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    data = (
        b": a comment\n\n"
        + events({"type": "response.output_item.added", "output_index": 0, "item": added})
        + b'event: response.output_text.delta\r\ndata: {"type": "response.output_text.delta", '
        b'"item_id" : "msg_1", "output_index": 0, "delta": "x"}\r\n\r\n'
        + events({"type": "response.brand_new", "anything": 1})
    )
    assert through(data)[1] == data


def test_replayed_reasoning_gets_back_the_id_that_travelled_with_it():
    quirks = ResponsesQuirks()
    _, out = through(CHURNING, quirks=quirks)
    told, original = payloads(out), payloads(CHURNING)
    pairs = [
        (told[6]["item"], original[6]["item"]),
        (told[-1]["response"]["output"][0], original[-1]["response"]["output"][0]),
    ]
    for seen, true in pairs:
        assert seen["id"] != true["id"]
        assert seen["encrypted_content"] == true["encrypted_content"]
        assert sent(quirks, input=[seen])["input"] == [true]
        # Codex leaves the id out.
        bare = {key: value for key, value in seen.items() if key != "id"}
        assert sent(quirks, input=[bare])["input"][0]["id"] == true["id"]
    assert sent(ResponsesQuirks(), input=[pairs[0][0]])["input"] == [pairs[0][0]]


@pytest.mark.parametrize(
    "blob", [None, "", seal("gm1.", "claude-x", s="SIG"), seal("gr1.", "gpt-y", i="rs", e="E")]
)
def test_reasoning_that_copilot_cannot_read_is_left_out(blob):
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob}
    answer = fixed(input=[item, *GOOD["input"]])
    assert answer.body["input"] == GOOD["input"]
    assert answer.notes == ("dropped=input.reasoning",)


def test_reasoning_that_we_sealed_for_this_model_is_opened():
    blob = seal("gr1.", "gpt-x", i="rs_UP", e="ENC")
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob}
    assert sent(input=[item])["input"] == [item | {"id": "rs_UP", "encrypted_content": "ENC"}]


def test_arguments_that_are_no_json_are_told_once_they_are_known():
    common = {"output_index": 0, "item_id": "fc_1"}
    arguments = "response.function_call_arguments"
    data = events(
        {"type": f"{arguments}.delta", **common, "delta": "gAAA"},
        {"type": f"{arguments}.delta", **common, "delta": '{"a"'},
        {"type": f"{arguments}.done", **common, "arguments": '{"a":1}'},
        {"type": f"{arguments}.delta", "output_index": 1, "item_id": "fc_2", "delta": ' {"b"'},
        {"type": f"{arguments}.delta", "output_index": 1, "item_id": "fc_x", "delta": ":2}"},
    )
    told = payloads(through(data)[1])
    assert [(e["output_index"], e.get("delta"), e.get("arguments")) for e in told] == [
        (0, '{"a":1}', None),
        (0, None, '{"a":1}'),
        (1, ' {"b"', None),
        (1, ":2}", None),
    ]
    assert told[3]["item_id"] == "fc_2"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "server_error", "message": "no", "param": None}, "server_error", "no"),
        ({"error": {"code": "user_weekly:pro", "message": "wait"}}, "user_weekly:pro", "wait"),
        ({"error": "words"}, None, "words"),
        ({"message": "Bearer ghu_abcdefghijklmnopqrstuvwxyz0123456789"}, None, None),
    ],
)
def test_error_events_take_the_form_that_sdks_raise_on(error, code, message):
    stream, out = through(events({"type": "error", **error}) + events({"type": "response.done"}))
    (told,) = payloads(out)
    assert told["code"] == told["error"]["code"] == code
    assert told["message"] == told["error"]["message"]
    assert "ghu_" not in told["message"]
    if message:
        assert told["message"] == message
    assert (stream.complete, stream.failed) == (False, True)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("context_length_exceeded", "context_length_exceeded"),
        ("model_max_prompt_tokens_exceeded", "context_length_exceeded"),
        ("quota_exceeded", "insufficient_quota"),
        ("user_weekly_rate_limited:free", "rate_limit_exceeded"),
    ],
)
def test_what_is_not_to_be_asked_again_at_once_is_told_as_a_failed_response_too(code, told):
    """Codex passes over errors: it heard that the stream had closed, and asked five times more."""
    began = {"type": "response.created", "response": {"id": "resp_1", "output": []}}
    error = {"type": "error", "sequence_number": 1, "code": code, "message": "no"}
    ends = {"type": "response.failed", "response": {"id": "resp_2", "output": []}}
    stream, out = through(events(began, error, ends))
    _, first, failed = payloads(out)
    assert (first["type"], first["error"]["code"]) == ("error", code)
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 2)
    assert failed["response"]["id"] == "resp_1"
    assert failed["response"]["error"] == {"code": told, "message": "no"}
    assert (stream.complete, stream.failed) == (False, True)


def test_failed_and_incomplete_responses():
    failed, out = through((EXAMPLES / "33-responses-stream-failed.sse").read_bytes())
    assert (failed.complete, failed.failed, failed.usage) == (False, True, None)
    assert payloads(out)[-1]["response"]["error"]["message"] == "The model produced an error."
    cut, _ = through((EXAMPLES / "32-responses-stream-incomplete.sse").read_bytes())
    assert (cut.complete, cut.failed) == (True, False)


@pytest.mark.parametrize("said", [{}, {"response": None}, {"response": 7}, {"response": []}])
@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_an_end_that_says_nothing_is_an_error(kind, said):
    stream, out = through(events({"type": f"response.{kind}", **said}))
    (told,) = payloads(out)
    assert told["type"] == "error"
    assert told["message"]
    assert (stream.complete, stream.failed) == (False, True)


@pytest.mark.parametrize("cut", [60, 1200, 5555, len(CHURNING) - 3])
def test_half_an_event_never_reaches_the_client(cut):
    stream, out = through(CHURNING[:cut])
    assert not stream.complete or cut > len(CHURNING) - 10
    assert out.endswith(b"\n\n") or not out
    payloads(out)


def test_a_last_event_without_its_blank_line_counts():
    stream, out = through(CHURNING.rstrip())
    assert stream.complete
    assert out.endswith(b"\n\n")


def test_nothing_follows_the_end():
    done = events({"type": "response.completed", "response": {"id": "r", "output": None}})
    stream, out = through(done + b"data: [DONE]\n\n" + done)
    (told,) = payloads(out)
    assert told["response"]["output"] == []
    assert stream.complete


def test_the_unstreamed_answer():
    answer = json.loads((EXAMPLES / "30-responses-nonstream.json").read_bytes())
    quirks = ResponsesQuirks()
    mended = quirks.fix_reply(answer, "my-gpt")
    assert mended["model"] == "my-gpt"
    assert "copilot_usage" not in mended
    assert "copilot_usage" in answer
    assert mended["output"] == answer["output"]
    reasoning = {k: v for k, v in mended["output"][0].items() if k != "id"}
    assert sent(quirks, input=[reasoning])["input"] == [mended["output"][0]]
