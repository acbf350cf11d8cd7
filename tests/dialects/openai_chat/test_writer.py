"""Answers for Chat Completions clients, streamed and whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Message,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolUse,
    Usage,
    unfold,
)
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import CutShort, InvalidRequest
from copilot_desktop.sealing import seal
from copilot_desktop.sse import FrameDecoder

ASKED = Request("my-model", (Message("user", (Text("hi"),)),), stream=True)


def written(reply: Reply, request: Request = ASKED) -> tuple[list[dict[str, Any]], bytes]:
    """The chunks of `reply`, and the raw bytes."""
    writer = OpenAIChat().writer(request)
    raw = b"".join(writer.feed(event) for event in unfold(reply))
    frames = list(FrameDecoder().feed(raw))
    assert frames[-1].data == b"[DONE]"
    return [frame.json() for frame in frames[:-1]], raw


def deltas(reply: Reply, request: Request = ASKED) -> list[dict[str, Any]]:
    return [
        chunk["choices"][0]["delta"] for chunk in written(reply, request)[0] if chunk["choices"]
    ]


def test_every_chunk_has_the_same_envelope() -> None:
    chunks, _ = written(Reply("up", (Text("a"),), StopReason.END))
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk["model"] for chunk in chunks} == {"my-model"}
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    assert chunks[0]["id"].startswith("chatcmpl-")
    assert all(chunk["choices"][0]["index"] == 0 for chunk in chunks)


def test_text_and_refusal() -> None:
    assert deltas(Reply("", (Text("a"), Text("no", refusal=True)), StopReason.REFUSAL)) == [
        {"role": "assistant", "content": ""},
        {"content": "a"},
        {"refusal": "no"},
        {},
    ]


def test_calls_are_numbered_and_named_once() -> None:
    calls = (ToolUse("c1", "read", '{"p":1}'), ToolUse("c2", "ls", ""))
    pieces = [
        delta["tool_calls"][0] for delta in deltas(Reply("", calls, StopReason.TOOL_USE))[1:-1]
    ]
    assert pieces == [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "read", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"p":1}'}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "ls", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_tools_get_their_own_names_back() -> None:
    tools = (Tool("long_1234", original="a.very.long/name"), Tool("Read"))
    request = Request("m", ASKED.messages, tools=tools)
    reply = Reply(
        "", (ToolUse("1", "long_1234", "{}"), ToolUse("2", "read", "{}")), StopReason.TOOL_USE
    )
    message = OpenAIChat().render_reply(reply, request)["choices"][0]["message"]
    names = [call["function"]["name"] for call in message["tool_calls"]]
    assert names == ["a.very.long/name", "Read"]
    streamed = [
        piece["function"]["name"]
        for delta in deltas(reply, request)
        for piece in delta.get("tool_calls", ())
        if "name" in piece["function"]
    ]
    assert streamed == names


def test_a_free_text_tool_is_called_with_free_text() -> None:
    request = Request("m", ASKED.messages, tools=(Tool("patch", custom=True),))
    reply = Reply("", (ToolUse("c", "patch", '{"input":"*** a\\n"}'),), StopReason.TOOL_USE)
    whole = OpenAIChat().render_reply(reply, request)["choices"][0]["message"]["tool_calls"]
    assert whole == [{"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** a\n"}}]
    first, second = (delta["tool_calls"][0] for delta in deltas(reply, request)[1:-1])
    assert first["type"] == "custom"
    assert second == {"index": 0, "custom": {"input": "*** a\n"}}


def test_reasoning_and_its_seal() -> None:
    sealed = seal("gm1.", "claude", s="S")
    assert deltas(Reply("", (Thinking("hm", sealed), Text("4")), StopReason.END))[1:3] == [
        {"reasoning_content": "hm"},
        {"reasoning_opaque": sealed},
    ]


def test_reasoning_only_its_issuer_can_read_is_left_out() -> None:
    reply = Reply("", (Thinking("", redacted="blob"), Text("4")), StopReason.END)
    assert deltas(reply)[1:-1] == [{"content": "4"}]
    assert "blob" not in json.dumps(OpenAIChat().render_reply(reply, ASKED))


def test_several_seals_come_back_with_their_own_texts() -> None:
    """Clients join the pieces; the next request must still know which text each seal covers."""
    one, two = seal("gm1.", "claude", s="1"), seal("gm1.", "claude", s="2")
    reply = Reply(
        "", (Thinking("abc", one), Text("x"), Thinking("de", two), Text("y")), StopReason.END
    )
    joined = {"role": "assistant", "content": "xy", "reasoning_content": "", "reasoning_opaque": ""}
    for delta in deltas(reply):
        for key in ("reasoning_content", "reasoning_opaque"):
            joined[key] += delta.get(key, "")
    whole = OpenAIChat().render_reply(reply, ASKED)["choices"][0]["message"]
    for message in (joined, whole):
        body = {"model": "m", "messages": [{"role": "user", "content": "q"}, message]}
        parsed = OpenAIChat().parse_request(body).messages[1].blocks
        assert parsed[:2] == (Thinking("abc", one), Thinking("de", two))


def test_usage_is_told_only_to_who_asked_and_comes_last() -> None:
    reply = Reply("", (Text("a"),), StopReason.END, Usage(10, 9, 5, 2, 6))
    assert all(chunk["choices"] for chunk in written(reply)[0])
    asked = Request("m", ASKED.messages, echo_usage=True)
    last = written(reply, asked)[0][-1]
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 17,
        "completion_tokens": 9,
        "total_tokens": 26,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 6},
    }


def test_usage_is_estimated_where_upstream_never_said() -> None:
    asked = Request("m", ASKED.messages, echo_usage=True)
    usage = written(Reply("", (Text("word " * 40),), StopReason.END), asked)[0][-1]["usage"]
    assert usage["prompt_tokens"] >= 1
    assert usage["completion_tokens"] == 50


def test_reasons_to_finish() -> None:
    expected = {
        StopReason.END: "stop",
        StopReason.STOP_SEQUENCE: "stop",
        StopReason.TOOL_USE: "tool_calls",
        StopReason.LENGTH: "length",
        StopReason.REFUSAL: "content_filter",
        StopReason.PAUSE: "stop",
    }
    for reason, word in expected.items():
        reply = Reply("", (Text("a"),), reason)
        assert written(reply)[0][-1]["choices"][0]["finish_reason"] == word
        assert OpenAIChat().render_reply(reply, ASKED)["choices"][0]["finish_reason"] == word


def test_an_error_ends_the_stream_without_done() -> None:
    writer = OpenAIChat().writer(ASKED)
    writer.feed(Begin())
    told = writer.fail(CutShort())
    assert json.loads(told[6:])["error"]["type"] == "api_error"
    assert b"[DONE]" not in told


def test_a_ping_is_a_comment() -> None:
    (frame,) = FrameDecoder().feed(OpenAIChat().writer(ASKED).ping())
    assert frame.data == b""
    assert frame.raw.startswith(b":")


def test_a_whole_answer() -> None:
    blocks = (Text("I will look."), ToolUse("c9", "ls", "{}"))
    body = OpenAIChat().render_reply(
        Reply("x", blocks, StopReason.TOOL_USE, Usage(18, 7, cache_read=32)), ASKED
    )
    (choice,) = body["choices"]
    assert (body["object"], body["model"]) == ("chat.completion", "my-model")
    assert body["usage"]["prompt_tokens"] == 50
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I will look."
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "ls", "arguments": "{}"}


def test_content_is_null_only_beside_calls_or_a_refusal() -> None:
    def message(*blocks: Text | ToolUse) -> dict[str, Any]:
        reply = Reply("", blocks, StopReason.END)
        found: dict[str, Any] = OpenAIChat().render_reply(reply, ASKED)["choices"][0]["message"]
        return found

    assert message(ToolUse("c", "f", "{}"))["content"] is None
    refused = message(Text("no", refusal=True))
    assert (refused["content"], refused["refusal"]) == (None, "no")
    assert message()["content"] == ""


def test_a_client_of_before_tools_gets_one_function_call() -> None:
    older = replace(ASKED, echo_functions=True, tools=(Tool("ls"),))
    calls = (ToolUse("c1", "ls", '{"d":1}'), ToolUse("c2", "ls", "{}"))
    reply = Reply("", calls, StopReason.TOOL_USE)
    (choice,) = OpenAIChat().render_reply(reply, older)["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "ls", "arguments": '{"d":1}'}
    assert "tool_calls" not in choice["message"]
    chunks = [chunk["choices"][0] for chunk in written(reply, older)[0]]
    told = [part for chunk in chunks if (part := chunk["delta"].get("function_call"))]
    assert told == [{"name": "ls", "arguments": ""}, {"arguments": '{"d":1}'}]
    assert chunks[-1]["finish_reason"] == "function_call"
    assert not any("tool_calls" in chunk["delta"] for chunk in chunks)


def test_lone_surrogates_and_line_separators_stay_on_one_line() -> None:
    _, raw = written(Reply("", (Text("a\u2028b\ud800c\n"),), StopReason.END))
    assert raw.isascii()
    assert rb"\ud800" in raw


def test_deltas_without_anything_to_say_are_not_sent() -> None:
    writer = OpenAIChat().writer(ASKED)
    events = [BlockStart(0, Text("")), BlockDelta(0, ""), BlockEnd(0)]
    assert b"".join(writer.feed(event) for event in events) == b""
    assert writer.feed(End(StopReason.END)).endswith(b"data: [DONE]\n\n")


def test_refusing_a_request_is_an_ordinary_body() -> None:
    body = OpenAIChat().render_problem(InvalidRequest("messages must be a list."))
    assert body["error"]["message"] == "messages must be a list."
