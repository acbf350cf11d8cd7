"""Laws that every dialect keeps, whichever it is: the registry says which there are.

What is written is read back, from bytes cut anywhere; a stream without its end has none; nothing a
client or Copilot sends breaks the code; every problem can be told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copilot_desktop import errors
from copilot_desktop.canonical import (
    Effort,
    End,
    Event,
    Image,
    Reply,
    Request,
    StopReason,
    Text,
    ToolResult,
    ToolUse,
    fold,
    unfold,
)
from copilot_desktop.dialects import Dialect, UpstreamDialect
from copilot_desktop.dialects.registry import ALL, UPSTREAM
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.model import Model
from copilot_desktop.preparation import prepared
from copilot_desktop.sse import Frame, FrameDecoder
from tests.laws import junk, strategies

MODEL = Model(
    "model-x",
    vendor="OpenAI",
    vision=True,
    structured=True,
    thinking="optional",
    efforts=(Effort.LOW, Effort.MEDIUM, Effort.HIGH),
)
ASKED = Request("asked", (), stream=True, echo_usage=True, echo_reasoning=True)
TOKEN = "gho_abcdefghijklmnopqrstuvwxyz"

each_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
each_upstream = pytest.mark.parametrize("dialect", UPSTREAM, ids=lambda dialect: dialect.name)
SSE, LINES = "text/event-stream; charset=utf-8", "application/x-ndjson"


def written(dialect: Dialect, events: list[Event]) -> bytes:
    writer = dialect.writer(ASKED)
    return b"".join(writer.feed(event) for event in events)


def read(dialect: UpstreamDialect, raw: bytes, cuts: list[int]) -> list[Event]:
    decoder, reader = FrameDecoder(), dialect.reader(MODEL)
    places = sorted({0, *(cut for cut in cuts if cut < len(raw)), len(raw)})
    events: list[Event] = []
    for start, end in pairwise(places):
        for frame in decoder.feed(raw[start:end]):
            events += reader.feed(frame)
    for frame in decoder.close():
        events += reader.feed(frame)
    return [*events, *reader.close()]


def told(dialect: Dialect, raw: bytes) -> list[bytes]:
    """What a client takes out of the bytes of a stream, one piece after the other."""
    kind = dialect.writer(ASKED).content_type
    if kind == LINES:
        return [line for line in raw.split(b"\n") if line]
    assert kind == SSE
    return [frame.data for frame in FrameDecoder().feed(raw) if frame.data]


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    if kind.__module__ == errors.__name__:
        yield kind
    for child in kind.__subclasses__():
        yield from problems(child)


# ------------------------------------------------------------------------------------ replies


@each_upstream
@given(reply=strategies.ordered_replies(), cuts=st.lists(st.integers(1, 4000), max_size=6))
def test_what_is_written_is_read_back(
    dialect: UpstreamDialect, reply: Reply, cuts: list[int]
) -> None:
    back = fold(read(dialect, written(dialect, list(unfold(reply))), cuts))
    assert back.text == reply.text
    assert _calls(back) == _calls(reply)
    assert back.usage == reply.usage
    assert back.reason == reply.reason


@each_upstream
@given(reply=strategies.ordered_replies(), cuts=st.lists(st.integers(1, 4000), max_size=6))
def test_any_split_of_an_answer_gives_the_same_frames(
    dialect: UpstreamDialect, reply: Reply, cuts: list[int]
) -> None:
    raw = written(dialect, list(unfold(reply)))
    whole = list(FrameDecoder().feed(raw))
    decoder, split = FrameDecoder(), list[Frame]()
    places = sorted({0, *(cut for cut in cuts if cut < len(raw)), len(raw)})
    for start, end in pairwise(places):
        split += decoder.feed(raw[start:end])
    assert split == whole
    assert b"".join(frame.raw for frame in split) == raw


@each_upstream
@given(reply=strategies.ordered_replies(), kept=st.floats(0, 1))
def test_an_answer_without_its_end_has_none(
    dialect: UpstreamDialect, reply: Reply, kept: float
) -> None:
    events = list(unfold(reply))[:-1]
    raw = written(dialect, events)
    seen: list[Event] = []
    reader, decoder = dialect.reader(MODEL), FrameDecoder()

    def take() -> None:
        for frame in [*decoder.feed(raw[: int(len(raw) * kept)]), *decoder.close()]:
            seen.extend(reader.feed(frame))
        seen.extend(reader.close())

    with pytest.raises(Problem):
        take()
    assert not any(isinstance(event, End) for event in seen)


@each_upstream
@given(payloads=st.lists(junk.payloads | strategies.junk, max_size=4))
def test_nothing_that_copilot_sends_breaks_a_reader(
    dialect: UpstreamDialect, payloads: list[Any]
) -> None:
    reader, events = dialect.reader(MODEL), list[Event]()
    try:
        for payload in payloads:
            kind = payload.get("type") if isinstance(payload, dict) else None
            event = kind if isinstance(kind, str) else ""
            events += reader.feed(Frame(json.dumps(payload).encode(), event, b"\n\n"))
        events += reader.close()
    except Problem:
        return
    fold(events)


@each_dialect
@given(reply=strategies.any_replies)
def test_every_reply_can_be_told_whole_and_streamed(dialect: Dialect, reply: Reply) -> None:
    json.dumps(dialect.render_reply(reply, ASKED))
    raw = written(dialect, list(unfold(reply)))
    assert raw.endswith(b"\n\n" if dialect.writer(ASKED).content_type == SSE else b"\n")
    assert raw.isascii()
    for piece in told(dialect, raw):
        assert piece == b"[DONE]" or isinstance(json.loads(piece), dict)


@each_dialect
def test_an_empty_reply_is_an_answer(dialect: Dialect) -> None:
    reply = Reply("", (), StopReason.END)
    assert dialect.render_reply(reply, ASKED)
    assert told(dialect, written(dialect, list(unfold(reply))))


@each_upstream
def test_an_empty_reply_is_read_as_one(dialect: UpstreamDialect) -> None:
    reply = Reply("", (), StopReason.END)
    assert fold(read(dialect, written(dialect, list(unfold(reply))), [])).blocks == ()


# ------------------------------------------------------------------------------------ requests


@each_upstream
@given(request=strategies.requests())
def test_what_is_rendered_is_parsed_back(dialect: UpstreamDialect, request: Request) -> None:
    ready = prepared(request, MODEL, dialect.endpoint or "")
    body = dialect.render_request(ready, MODEL)
    assert not any(loss.semantic for loss in dialect.cannot(ready, MODEL))
    assert body["stream"] is True
    assert body["model"] == MODEL.id
    back = dialect.parse_request(json.loads(json.dumps(body)))
    assert _said(back) == _said(ready)
    if ready.tools:  # without any, those of the history may be declared
        assert [tool.name for tool in back.tools] == [tool.name for tool in ready.tools]
    assert "".join(text.text for text in back.system) == "".join(t.text for t in ready.system)
    if ready.max_tokens is not None:
        assert back.max_tokens == ready.max_tokens
    # Thinking and a forced tool exclude each other at Anthropic's (`translation.md` §10.1).
    if ready.tool_choice is not None and ready.effort is None:
        assert back.tool_choice == ready.tool_choice


@each_dialect
@given(body=junk.bodies)
@example(body={"model": "m", "messages": [{"role": [], "type": [], "content": [{"type": []}]}]})
@example(body={"model": "m", "input": [{"role": [], "type": [], "content": [{"type": []}]}]})
def test_nothing_that_a_client_sends_breaks_a_parser(
    dialect: Dialect, body: dict[str, Any]
) -> None:
    assert dialect.peek(body).model == "m"
    try:
        request = dialect.parse_request(body)
        ready = prepared(request, MODEL, dialect.endpoint or "")
    except InvalidRequest:
        return
    for target in UPSTREAM:
        if not any(loss.semantic for loss in target.cannot(ready, MODEL)):
            json.dumps(target.render_request(ready, MODEL))


@each_dialect
@pytest.mark.parametrize("model", [None, "", 3, [], {}])
def test_a_request_without_a_model_is_refused(dialect: Dialect, model: Any) -> None:
    with pytest.raises(InvalidRequest):
        dialect.peek({"model": model})


# ------------------------------------------------------------------------------------ problems


@each_dialect
@pytest.mark.parametrize("kind", sorted(set(problems()), key=lambda kind: kind.kind))
def test_every_problem_can_be_told(dialect: Dialect, kind: type[Problem]) -> None:
    problem = kind(f"it was {TOKEN}", code="some_code", retry_after=5, request_id="r")
    body = json.dumps(dialect.render_problem(problem))
    words = [body.encode(), dialect.fault(problem), dialect.writer(ASKED).fail(problem)]
    writer = dialect.writer(ASKED)
    started = list(unfold(Reply("", (Text("Half"),), StopReason.END)))[:-2]
    for event in started:
        writer.feed(event)
    words.append(writer.fail(problem))
    for spoken in words:
        assert TOKEN.encode() not in spoken
        assert b"[DONE]" not in spoken
        assert b"message_stop" not in spoken
        assert b"response.completed" not in spoken
        assert b'"done":true' not in spoken
    assert 400 <= dialect.problem_status(problem) <= 599
    assert problem.headline[:20] in body or problem.detail[:20] in body or "limit" in body


@each_dialect
def test_a_ping_means_nothing(dialect: Dialect) -> None:
    for piece in told(dialect, dialect.writer(ASKED).ping()):
        assert json.loads(piece) == {"type": "ping"}


@each_upstream
def test_a_ping_is_not_read_as_anything(dialect: UpstreamDialect) -> None:
    raw = dialect.writer(ASKED).ping()
    reader = dialect.reader(MODEL)
    assert [event for frame in FrameDecoder().feed(raw) for event in reader.feed(frame)] == []


def _calls(reply: Reply) -> list[tuple[str, str, Any]]:
    return [
        (block.id, block.name, json.loads(block.arguments or "{}"))
        for block in reply.blocks
        if isinstance(block, ToolUse)
    ]


def _said(request: Request) -> list[tuple[str, Any]]:
    """Who said what, in order, whatever the turns were cut into."""
    said: list[tuple[str, Any]] = []
    for message in request.messages:
        for block in message.blocks:
            match block:
                case Text(text=text):
                    said.append((message.role, text))
                case ToolUse():
                    said.append(("call", (block.id, block.name, json.loads(block.arguments))))
                case ToolResult():
                    text = "".join(part.text for part in block.content if isinstance(part, Text))
                    said.append(("result", (block.tool_use_id, text)))
                case Image():
                    said.append(("image", replace(block, cached=False)))
    return said
