"""What conversations can look like, for the property tests of every dialect."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from copilot_desktop.canonical import (
    Effort,
    Image,
    Message,
    Reply,
    ReplyBlock,
    Request,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
ids = st.from_regex(r"call_[A-Za-z0-9]{1,12}", fullmatch=True)
words = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=6), values, max_size=3)
arguments = objects.map(lambda value: json.dumps(value, ensure_ascii=False))
counts = st.integers(0, 10_000)
usages = st.builds(Usage, counts, counts, counts, counts, st.just(0))
pictures = st.builds(Image, st.just("image/png"), st.just("iVBORw0KGgo="))

texts = st.builds(Text, words)
thoughts = st.builds(Thinking, words, st.just(""))
calls = st.builds(ToolUse, ids, names, arguments)


@st.composite
def ordered_replies(draw: st.DrawFn) -> Reply:
    """Replies in the order that every format can tell: reasoning, text, calls."""
    blocks: list[ReplyBlock] = draw(st.lists(thoughts, max_size=1))
    blocks += draw(st.lists(texts, max_size=1))
    made = draw(st.lists(calls, max_size=3, unique_by=lambda call: call.id))
    endings = [StopReason.TOOL_USE] if made else [StopReason.END]
    reason = draw(st.sampled_from([*endings, StopReason.LENGTH, StopReason.REFUSAL]))
    return Reply(draw(ids), (*blocks, *made), reason, draw(usages))


any_blocks = st.one_of(
    st.builds(Text, st.text(max_size=10), st.booleans()),
    st.builds(Thinking, st.text(max_size=10), st.text(max_size=5), st.text(max_size=5)),
    st.builds(ToolUse, st.text(max_size=5), st.text(max_size=5), st.text(max_size=10)),
)
any_replies = st.builds(
    Reply,
    st.text(max_size=5),
    st.lists(any_blocks, max_size=6).map(tuple),
    st.sampled_from(StopReason),
    st.none() | usages,
    st.none() | words,
    st.text(max_size=10),
)


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in good order: calls are answered, the user has the last word."""
    messages: list[Message] = []
    for _ in range(draw(st.integers(0, 2))):
        messages.append(Message("user", tuple(draw(st.lists(texts, min_size=1, max_size=1)))))
        made = draw(st.lists(calls, max_size=2, unique_by=lambda call: call.id))
        said = draw(st.lists(texts, min_size=0 if made else 1, max_size=1))
        messages.append(Message("assistant", (*said, *made)))
        if made:
            results = tuple(ToolResult(call.id, (draw(texts),)) for call in made)
            messages.append(Message("user", results))
            messages.append(Message("assistant", (draw(texts),)))
    pictured = draw(st.lists(pictures, max_size=1))
    messages.append(Message("user", (draw(texts), *pictured)))
    return tuple(messages)


tools = st.builds(
    Tool,
    names,
    st.text(max_size=10),
    st.just({"type": "object", "properties": {"a": {"type": "string"}}}),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Prepared requests, as `render_request` expects them."""
    offered = draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name.casefold()))
    choices = [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]
    choices += [ToolChoice("tool", tool.name) for tool in offered]
    return Request(
        model=draw(names),
        messages=draw(turns()),
        system=tuple(draw(st.lists(texts, max_size=1))),
        tools=tuple(offered),
        tool_choice=draw(st.sampled_from(choices)) if offered else None,
        parallel_tools=draw(st.sampled_from([None, False])) if offered else None,
        max_tokens=draw(st.none() | st.integers(16, 4096)),
        effort=draw(st.sampled_from([None, Effort.LOW, Effort.HIGH])),
    )


# Anything at all that JSON can say: clients send the strangest things.
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
