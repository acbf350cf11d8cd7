"""What is written is read back the same, at any size of chunk."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Message,
    Reply,
    Request,
    ResponseFormat,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
    fold,
    unfold,
)
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.model import MESSAGES, Model
from copilot_desktop.preparation import prepared
from copilot_desktop.sealing import seal
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks.messages import MessagesQuirks

DIALECT = AnthropicMessages()
CLAUDE = Model(
    id="claude-x",
    vendor="Anthropic",
    endpoints=(MESSAGES,),
    max_output=64_000,
    structured=True,
    thinking="optional",
    efforts=(Effort.LOW, Effort.MEDIUM, Effort.HIGH),
)

counts = st.integers(0, 10**6)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
names = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
words = st.text(min_size=1).map(lambda text: "w" + text)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(), values, max_size=4)
# As Copilot signs; marks such as "@" are other proxies' own and are taken out.
signatures = st.from_regex(r"[A-Za-z0-9+/]{1,40}={0,2}", fullmatch=True)
seals = signatures.map(lambda text: seal("gm1.", CLAUDE.id, s=text))

# ------------------------------------------------------------------------------------ replies

calls = st.builds(ToolUse, names, names, st.just("") | objects.map(json.dumps))
thoughts = st.builds(Thinking, words, seals) | st.builds(
    Thinking, st.just(""), redacted=st.text(min_size=1)
)
reply_blocks = st.lists(st.builds(Text, words) | thoughts | calls, max_size=6).filter(
    lambda blocks: len(ids := [b.id for b in blocks if isinstance(b, ToolUse)]) == len(set(ids))
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    blocks = tuple(draw(reply_blocks))
    reasons = [StopReason.LENGTH, StopReason.REFUSAL, StopReason.PAUSE]
    called = any(isinstance(block, ToolUse) for block in blocks)
    reasons.append(StopReason.TOOL_USE if called else StopReason.END)
    reason = draw(st.sampled_from([*reasons, StopReason.STOP_SEQUENCE]))
    return Reply(
        id="msg_" + draw(names),
        blocks=blocks,
        reason=reason,
        usage=draw(usages),
        stop_sequence=draw(words) if reason is StopReason.STOP_SEQUENCE else None,
        explanation=draw(st.text()) if reason is StopReason.REFUSAL else "",
    )


@given(replies(), st.sampled_from([1, 7, 4096]))
def test_the_reader_reads_what_the_writer_writes(reply: Reply, size: int) -> None:
    writer = DIALECT.writer(Request("claude-x", ()))
    stream = b"".join(writer.feed(event) for event in unfold(reply))
    decoder, reader = FrameDecoder(), DIALECT.reader(CLAUDE)
    events = []
    for start in range(0, len(stream), size):
        for frame in decoder.feed(stream[start : start + size]):
            events += reader.feed(frame)
    events += reader.close()
    assert fold(events) == reply


@given(replies())
def test_the_whole_message_says_what_the_stream_says(reply: Reply) -> None:
    request = Request("claude-x", ())
    writer = DIALECT.writer(request)
    decoder = FrameDecoder()
    frames = [f for event in unfold(reply) for f in decoder.feed(writer.feed(event))]
    last = next(frame.json() for frame in frames if frame.event == "message_delta")
    message = DIALECT.render_reply(reply, request)
    assert last["usage"] == message["usage"]
    assert last["delta"].items() <= message.items()
    starts = [frame.json() for frame in frames if frame.event == "content_block_start"]
    assert [s["content_block"]["type"] for s in starts] == [b["type"] for b in message["content"]]


# ------------------------------------------------------------------------------------ requests

images = st.builds(Image, st.sampled_from(["image/png", "image/webp"]), st.just("AAAA"))
documents = st.builds(Document, st.just("application/pdf"), st.just("JVBE"), st.just("T"))
texts = st.builds(Text, words)
results = st.builds(
    ToolResult,
    names,
    st.lists(texts | images, min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
compact = objects.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """As preparation leaves them: turns alternate, results lead, the user speaks last."""
    turns: list[Message] = []
    for _ in range(draw(st.integers(0, 2))):
        led = draw(st.lists(results, max_size=2))
        turns.append(Message("user", (*led, *draw(st.lists(texts | images, min_size=1)))))
        blocks = texts | thoughts | st.builds(ToolUse, names, names, compact)
        turns.append(Message("assistant", tuple(draw(st.lists(blocks, min_size=1)))))
    turns.append(Message("user", (*draw(st.lists(texts | documents, max_size=2)), Text("go"))))
    tools = tuple(draw(st.lists(st.builds(Tool, names, st.text(), objects), min_size=1)))
    choices = st.sampled_from([ToolChoice("none"), ToolChoice("auto"), ToolChoice("required")])
    return Request(
        model=CLAUDE.id,
        messages=tuple(turns),
        system=tuple(draw(st.lists(texts, max_size=2))),
        # Marked, so that no marks are added.
        tools=tuple(
            replace(tool, schema={**tool.schema, "type": "object"}, cached=True)
            for tool in tools[:4]
        ),
        tool_choice=draw(st.none() | choices),
        max_tokens=draw(st.integers(2000, 64_000)),
        stop=tuple(draw(st.lists(words, max_size=3))),
        response_format=draw(
            st.none() | st.builds(ResponseFormat, objects, st.just("response"), st.just(True))
        ),
        stream=True,
        **draw(reasoning),
    )


reasoning: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"effort": Effort.HIGH},
        {"effort": Effort.NONE},
        {"thinking_budget": 1500},
    ]
)


@given(requests())
def test_the_parser_understands_what_is_rendered(request: Request) -> None:
    lost = {loss.what for loss in DIALECT.cannot(request, CLAUDE)}
    parsed = DIALECT.parse_request(DIALECT.render_request(request, CLAUDE))
    if any(what.startswith("tool_choice") for what in lost):
        request = replace(request, tool_choice=ToolChoice("auto"))
    if _budget_was_given_up(request):
        request = replace(request, thinking_budget=None)
        parsed = replace(parsed, tool_choice=request.tool_choice)
    assert replace(parsed, losses=()) == request


def _budget_was_given_up(request: Request) -> bool:
    rendered = DIALECT.render_request(request, CLAUDE)
    return request.thinking_budget is not None and "thinking" not in rendered


@given(requests())
def test_what_is_rendered_needs_no_mending(request: Request) -> None:
    body = DIALECT.render_request(prepared(request, CLAUDE, MESSAGES), CLAUDE)
    sent = json.dumps(body)
    fixed = MessagesQuirks().fix_request(body, CLAUDE, ())
    assert fixed.body is None, fixed.notes
    assert json.dumps(body) == sent
