"""Any reply reaches a client of Anthropic's format as Anthropic would have sent it."""

from __future__ import annotations

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
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.errors import CutShort
from copilot_desktop.sse import Frame, FrameDecoder

REQUEST = Request("claude-sonnet-x", (Message("user", (Text("x" * 480),)),))
USAGE = Usage(input=40, output=21, cache_read=80)


def frames(stream: bytes) -> list[Frame]:
    decoder = FrameDecoder()
    return [*decoder.feed(stream), *decoder.close()]


def written(dialect: AnthropicMessages, reply: Reply, request: Request = REQUEST) -> list[Frame]:
    writer = dialect.writer(request)
    return frames(b"".join(writer.feed(event) for event in unfold(reply)))


def test_the_worked_example(dialect: AnthropicMessages) -> None:
    writer = dialect.writer(REQUEST)
    stream = b"".join(
        writer.feed(event)
        for event in (
            Begin("msg_a1"),
            BlockStart(0, Text("")),
            BlockDelta(0, "Looking."),
            BlockEnd(0),
            BlockStart(1, ToolUse("call_1", "read", "")),
            BlockDelta(1, '{"p":"a'),
            BlockDelta(1, '.txt"}'),
            BlockEnd(1),
            BlockStart(2, ToolUse("call_2", "ls", "")),
            BlockEnd(2),
            End(StopReason.TOOL_USE, USAGE),
        )
    )
    assert stream.decode() == (
        "event: message_start\n"
        'data: {"type":"message_start","message":{"id":"msg_a1","type":"message",'
        '"role":"assistant","model":"claude-sonnet-x","content":[],"stop_reason":null,'
        '"stop_sequence":null,"usage":{"input_tokens":120,"output_tokens":0}}}\n\n'
        "event: content_block_start\n"
        'data: {"type":"content_block_start","index":0,"content_block":'
        '{"type":"text","text":""}}\n\n'
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":0,"delta":'
        '{"type":"text_delta","text":"Looking."}}\n\n'
        "event: content_block_stop\n"
        'data: {"type":"content_block_stop","index":0}\n\n'
        "event: content_block_start\n"
        'data: {"type":"content_block_start","index":1,"content_block":'
        '{"type":"tool_use","id":"call_1","name":"read","input":{}}}\n\n'
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":1,"delta":'
        '{"type":"input_json_delta","partial_json":"{\\"p\\":\\"a"}}\n\n'
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":1,"delta":'
        '{"type":"input_json_delta","partial_json":".txt\\"}"}}\n\n'
        "event: content_block_stop\n"
        'data: {"type":"content_block_stop","index":1}\n\n'
        "event: content_block_start\n"
        'data: {"type":"content_block_start","index":2,"content_block":'
        '{"type":"tool_use","id":"call_2","name":"ls","input":{}}}\n\n'
        "event: content_block_stop\n"
        'data: {"type":"content_block_stop","index":2}\n\n'
        "event: message_delta\n"
        'data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},'
        '"usage":{"input_tokens":40,"cache_read_input_tokens":80,'
        '"cache_creation_input_tokens":0,"output_tokens":21}}\n\n'
        "event: message_stop\n"
        'data: {"type":"message_stop"}\n\n'
    )


def test_reasoning_is_sealed_by_its_block(dialect: AnthropicMessages) -> None:
    reply = Reply("", (Thinking("hm", "gr1.abc"), Text("4")), StopReason.END, USAGE)
    payloads = [frame.json() for frame in written(dialect, reply)]
    assert payloads[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert payloads[2]["delta"] == {"type": "thinking_delta", "thinking": "hm"}
    assert payloads[3]["delta"] == {"type": "signature_delta", "signature": "gr1.abc"}
    assert payloads[4]["type"] == "content_block_stop"


def test_tools_get_back_the_name_that_the_client_gave(dialect: AnthropicMessages) -> None:
    request = Request("m", (), tools=(Tool("mcp_x_1a2b3c4d", original="mcp.x" * 20),))
    reply = Reply("", (ToolUse("c", "MCP_x_1a2b3c4d", "{}"),), StopReason.TOOL_USE, USAGE)
    start = written(dialect, reply, request)[1].json()
    assert start["content_block"]["name"] == "mcp.x" * 20
    content = dialect.render_reply(reply, request)["content"]
    assert content == [{"type": "tool_use", "id": "c", "name": "mcp.x" * 20, "input": {}}]


def test_how_it_ended(dialect: AnthropicMessages) -> None:
    def end(reason: StopReason, **fields: str) -> dict[str, object]:
        reply = Reply("", (), reason, USAGE, **fields)  # type: ignore[arg-type]
        told = written(dialect, reply)[-2].json()["delta"]
        assert isinstance(told, dict)
        assert told.items() <= dialect.render_reply(reply, REQUEST).items()
        return told

    assert end(StopReason.LENGTH)["stop_reason"] == "max_tokens"
    assert end(StopReason.PAUSE)["stop_reason"] == "pause_turn"
    assert end(StopReason.STOP_SEQUENCE)["stop_reason"] == "end_turn"
    known = end(StopReason.STOP_SEQUENCE, stop_sequence="END")
    assert (known["stop_reason"], known["stop_sequence"]) == ("stop_sequence", "END")
    refused = end(StopReason.REFUSAL, explanation="policy")
    assert refused["stop_details"] == {
        "type": "refusal", "category": None, "explanation": "policy"}  # fmt: skip


def test_counts_are_estimated_if_upstream_tells_none(dialect: AnthropicMessages) -> None:
    reply = Reply("", (Text("y" * 40),), StopReason.END)
    streamed = written(dialect, reply)[-2].json()["usage"]
    assert streamed == dialect.render_reply(reply, REQUEST)["usage"]
    assert (streamed["input_tokens"], streamed["output_tokens"]) == (120, 10)


def test_an_unstreamed_reply(dialect: AnthropicMessages) -> None:
    reply = Reply(
        "chatcmpl-9",
        (Text("I will look."), Text(""), ToolUse("c9", "ls", "")),
        StopReason.TOOL_USE,
        Usage(input=18, output=7, cache_read=32),
    )
    body = dialect.render_reply(reply, REQUEST)
    assert body.pop("id").startswith("msg_")
    assert body == {
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-x",
        "content": [
            {"type": "text", "text": "I will look."},
            {"type": "tool_use", "id": "c9", "name": "ls", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 18,
            "cache_read_input_tokens": 32,
            "cache_creation_input_tokens": 0,
            "output_tokens": 7,
        },
    }


def test_a_cut_call_is_no_tool_use(dialect: AnthropicMessages) -> None:
    body = dialect.render_reply(
        Reply("", (ToolUse("c1", "read", '{"p":"a'),), StopReason.LENGTH, USAGE), REQUEST
    )
    assert body["stop_reason"] == "max_tokens"
    assert body["content"][0]["input"] == {}


def test_an_error_ends_the_stream(dialect: AnthropicMessages) -> None:
    (frame,) = frames(dialect.writer(REQUEST).fail(CutShort()))
    assert frame.event == "error"
    assert frame.json()["error"]["type"] == "api_error"
    (ping,) = frames(dialect.writer(REQUEST).ping())
    assert (ping.event, ping.json()) == ("ping", {"type": "ping"})
