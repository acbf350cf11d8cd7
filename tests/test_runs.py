"""Frames that are read in runs say what they say one by one, whatever stands between them, and
however the network cuts them: anywhere, or into one frame for each read."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop import blocks
from copilot_desktop.canonical import Begin, BlockDelta, BlockStart, Event, Request, Text, fold
from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.registry import ALL, UPSTREAM
from copilot_desktop.errors import Problem
from copilot_desktop.hearing import Listener, Passage, Turn
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.routing import Route
from copilot_desktop.runs import BlockDeltas, Told, spread
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.client import Call
from copilot_desktop.upstream.quirks.memory import Memory
from tests.golden.streams.cases import cases

MODEL = Model("model-x")
ASKED = Request("asked", (), stream=True, echo_usage=True)
READERS = {each.endpoint: each for each in UPSTREAM}

Heard = tuple[list[Event], str]


@pytest.fixture(autouse=True, scope="module")
def same_ids() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "uuid4", lambda: UUID(int=1))
        yield


def listener(endpoint: str, asked: Request = ASKED) -> Listener:
    call = Call(endpoint=endpoint, body=b"", model="m", stream=True, initiator="user")
    turn = Turn(asked, Route(MODEL, endpoint, READERS[endpoint], same=False), call)
    return Listener(turn, Passage(), Memory().thoughts)


def in_reads(endpoint: str, reads: Iterable[bytes]) -> Heard:
    """What is heard, and what went wrong."""
    heard = listener(endpoint)
    try:
        for read in reads:
            heard.feed(read)
        heard.close()
    except Problem as problem:
        return list(spread(heard.told)), repr(problem)
    return list(spread(heard.told)), ""


def each(endpoint: str, whole: bytes) -> Heard:
    """Frame by frame."""
    decoder, reader, events = FrameDecoder(), READERS[endpoint].reader(MODEL), list[Event]()

    def frames() -> Iterator[Iterator[Event]]:
        yield from map(reader.feed, decoder.feed(whole))
        yield from map(reader.feed, decoder.close())
        yield reader.close()

    try:
        for told in frames():
            for event in told:  # one by one: what came before trouble counts
                events.append(event)
    except Problem as problem:
        return events, repr(problem)
    return events, ""


def cut(whole: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({0, *(at % (len(whole) + 1) for at in cuts), len(whole)})
    return [whole[start:end] for start, end in pairwise(places)]


def single(whole: bytes) -> list[bytes]:
    """Each frame in a read of its own."""
    return [read for read in re.split(rb"(?<=\n\n)", whole) if read]


def frame(body: Any, event: str = "", **style: Any) -> bytes:
    said = json.dumps(body, separators=(",", ":"), **style)
    return (f"event: {event}\n" if event else "").encode() + f"data: {said}\n\n".encode()


def chat(text: Any, *, key: str = "content", plain: bool = False, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {key: text}, **more}
    body = {"choices": [choice], "created": 1, "id": "a", "model": "m"}
    return frame(body, ensure_ascii=plain)


def messages(text: Any, *, plain: bool = False, **more: Any) -> bytes:
    delta = {"type": "text_delta", "text": text}
    body = {"type": "content_block_delta", "index": 0, "delta": delta, **more}
    return frame(body, "content_block_delta", ensure_ascii=plain)


def responses(text: Any, *, plain: bool = False, **more: Any) -> bytes:
    """A frame with values that are other ones in each frame."""
    number = crc32(repr(text).encode())
    kind = more.get("type", "response.output_text.delta")
    body = {"type": kind, "sequence_number": number, "item_id": f"i+/={number}", "output_index": 0,
            "content_index": 0, "delta": text, "logprobs": [], "obfuscation": "k" * (number % 5),
            **more}  # fmt: skip
    return frame(body, kind, ensure_ascii=plain)


def done(kind: str, **more: Any) -> bytes:
    return frame({"type": f"response.{kind}", "output_index": 0, "content_index": 0, **more})


def said(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


PIECES = st.text(st.sampled_from('ab "\\{}[]:,\n\r\t\u2028\0é\U0001f44b'), max_size=8) | (
    st.sampled_from(['"}}],"id":"a"', "data: ", 'x","content":"', "\\", '\\\\"', '","', '"],["'])
)
RAW = [
    b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xa9", b"\\ud83d", b"\\ude00", b"a\tb", b"a\n", b"a\\x",
    b"a\\", b'b","c', b'a","b', b'["', b'a"},"x":{"b', b'x","content":"y', b'x","text":"y',
    b'a" "b', b',"c', b'a","b","c"],["',
]  # fmt: skip
CALL = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
LOOSE = {"index": 0, "function": {"name": "f", "arguments": "{"}}
ODD: dict[str, list[bytes]] = {
    CHAT: [
        b": ping\n\n",
        b"\n",
        b'data: {"choices":[]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":3}}\n\n',
        b'data: {"error":{"message":"no"}}\n\n',
        b"data: [DONE]\n\n",
        chat([CALL], key="tool_calls"),
        chat([LOOSE], key="tool_calls"),
        chat("no", key="refusal"),
        chat("seal", key="reasoning_opaque"),
        chat("x")[:-1],
        chat("x")[:40],
    ],
    MESSAGES: [
        b": ping\n\n",
        frame({"type": "ping"}, "ping"),
        frame({"type": "content_block_stop", "index": 0}, "content_block_stop"),
        frame({"type": "content_block_start", "index": 0,
               "content_block": {"type": "text", "text": ""}}),
        frame({"type": "content_block_start", "index": 1,
               "content_block": {"type": "tool_use", "id": "c", "name": "f", "input": {}}}),
        frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, "message_delta"),
        frame({"type": "message_stop"}, "message_stop"),
        frame({"type": "error", "error": {"type": "api_error", "message": "no"}}, "error"),
        messages("x")[:-1],
    ],
    RESPONSES: [
        b": ping\n\n",
        done("output_text.done", text="xyz"),
        done("output_text.done", text="xyz", content_index=1),
        done("output_text.done", text="xyz", output_index=1),
        done("content_part.done"),
        done("output_item.done", item={"type": "message", "content": [
            {"type": "output_text", "text": "xyz"}, {"type": "output_text", "text": "more"}]}),
        done("output_item.added", item={"type": "message", "content": []}),
        done("output_item.added", output_index=1, item={
            "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}),
        done("output_item.added", output_index=1, item={"type": "function_call", "name": "f"}),
        done("function_call_arguments.done", output_index=1, arguments="{}"),
        done("completed", response={"status": "completed", "output": []}),
        done("incomplete", response={"incomplete_details": {"reason": "content_filter"}}),
        done("failed", response={"error": {"message": "no"}}),
        frame({"type": "error", "message": "no"}, "error"),
        b"data: [DONE]\n\n",
        responses("x")[:-1],
    ],
}  # fmt: skip
PLAIN: dict[str, Callable[..., bytes]] = {CHAT: chat, MESSAGES: messages, RESPONSES: responses}
# Frames that differ in a text, several in a row: some are no run, others end one.
KINDS: dict[str, list[Callable[[Any], bytes]]] = {
    CHAT: [
        chat,
        chat,
        partial(chat, plain=True),
        partial(chat, finish_reason="stop"),
        partial(chat, index=1),
        partial(chat, index=1, finish_reason="length"),
        partial(chat, content_filter_results={"hate": {"filtered": True}}),
        partial(chat, key="refusal"),
        partial(chat, key="reasoning_text"),
        partial(chat, key="reasoning_opaque"),
        lambda text: chat([text]),
        lambda text: chat({"content": text}, key="other"),
        lambda text: chat(text, other={"content": text}),
        lambda text: chat(text, other={"content": "x"}),
        lambda text: chat(text, other='"content":"'),
        lambda text: chat("x").replace(b"{", b'{"other":{"content":"%s"},' % said(text), 1),
        lambda text: chat("x", other={"content": text}).replace(b"tent", b"\\u0074ent", 1),
        lambda text: chat(text).replace(b"\n", b"\r\n"),
        lambda text: chat(text).replace(b"\n\n", b"\n\r\n"),
        lambda text: chat(text).replace(b'"delta":', b'"delta":\ndata: '),
        lambda text: chat(text).replace(b"data: ", b"data:  "),
        lambda text: chat(text).replace(b'"delta":{', b'"delta":{"refusal":"no",'),
        lambda text: chat(text).replace(b'"delta":{', b'"delta":{"reasoning_text":"hm",'),
        lambda text: chat(text).replace(b'"choices":[', b'"choices":[{"index":3,"delta":{}},'),
        lambda text: chat(text).replace(b'"choices":[', b'"usage":{"prompt_tokens":2},"choices":['),
    ],
    MESSAGES: [
        messages,
        messages,
        partial(messages, plain=True),
        partial(messages, index=1),
        partial(messages, other={"text": "x"}),
        lambda text: messages([text]),
        lambda text: messages("x").replace(b"{", b'{"other":{"text":"%s"},' % said(text), 1),
        lambda text: messages(text, other={"text": text}),
        lambda text: messages(text).replace(b"text_delta", b"input_json_delta"),
        lambda text: messages(text).replace(b"\n", b"\r\n"),
        lambda text: frame({"type": "content_block_start", "index": 0,
                            "content_block": {"type": "text", "text": text}}),
    ],
    RESPONSES: [
        responses,
        responses,
        partial(responses, plain=True),
        partial(responses, content_index=1),
        partial(responses, output_index=1),
        partial(responses, type="response.refusal.delta"),
        partial(responses, type="response.reasoning_summary_text.delta"),
        partial(responses, type="response.output_text.done"),
        partial(responses, type="response.other.delta"),
        partial(responses, item_id='"'),
        partial(responses, item_id="é"),
        partial(responses, sequence_number=-1),
        partial(responses, sequence_number=None),
        partial(responses, obfuscation={"delta": "x"}),
        lambda text: responses([text]),
        lambda text: responses(text, other={"delta": text}),
        lambda text: responses("x").replace(b"{", b'{"other":{"delta":"%s"},' % said(text), 1),
        lambda text: responses(text, item_id="HERE").replace(b"HERE", b"\xff"),
        lambda text: responses(text, item_id="HERE").replace(b"HERE", b"\t"),
        lambda text: responses(text, sequence_number=8).replace(b":8,", b":08,"),
        lambda text: responses(text, sequence_number=8).replace(b":8,", b":" + b"8" * 5000 + b","),
        lambda text: responses(text).replace(b"\n", b"\r\n"),
    ],
}  # fmt: skip
OPENING = {
    CHAT: chat("", role="assistant"),
    MESSAGES: frame({"type": "message_start", "message": {"id": "msg_1"}}) + frame(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
    ),
    RESPONSES: frame({"type": "response.created", "response": {"id": "r"}}),
}  # fmt: skip
each_plain = pytest.mark.parametrize("endpoint", list(PLAIN))
each_client = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.paths[0][1:])


@st.composite
def streams(draw: st.DrawFn, endpoint: str) -> bytes:
    plain, parts = PLAIN[endpoint], [OPENING[endpoint]]
    for _ in range(draw(st.integers(1, 6))):
        match draw(st.integers(0, 7)):
            case 0:
                parts.append(draw(st.sampled_from(ODD[endpoint])))
            case 1:
                inside = draw(st.lists(st.sampled_from(RAW), min_size=1, max_size=3))
                parts += [plain("HERE").replace(b"HERE", each) for each in inside]
            case _:
                kind = draw(st.sampled_from(KINDS[endpoint]))
                parts += map(kind, draw(st.lists(PIECES, min_size=1, max_size=4)))
    return b"".join(parts)


CUTS = st.lists(st.integers(0, 4000), max_size=4)


@each_plain
def test_any_kind_of_frame_between_plain_ones_says_the_same_in_runs(endpoint: str) -> None:
    rows = [[kind(text) for text in ("x", "y", "", "z")] for kind in KINDS[endpoint]]
    rows += [[odd] for odd in ODD[endpoint]] + [[PLAIN[endpoint](" "), PLAIN[endpoint]("y")]]
    first, odd = OPENING[endpoint] + PLAIN[endpoint]("x"), len(KINDS[endpoint])
    mute = [[kind(""), kind("y")] for kind in KINDS[endpoint]]
    for row, other in (*product(rows, rows), *product(mute, rows[odd:])):
        both = [row[0], b"".join(row[1:]), other[0], b"".join(other[1:])]
        reads = [first, *both, *both, *rows[0]]
        whole = b"".join(reads)
        known = each(endpoint, whole)
        assert in_reads(endpoint, reads) == in_reads(endpoint, single(whole)) == known


@each_plain
def test_texts_that_are_none_are_refused_in_runs_as_well(endpoint: str) -> None:
    plain, first = PLAIN[endpoint], OPENING[endpoint] + PLAIN[endpoint]("x")
    for raws in product(RAW, RAW):
        rest = plain("x") + b"".join(plain("HERE").replace(b"HERE", raw) for raw in raws)
        known = each(endpoint, first + rest + plain("y"))
        assert in_reads(endpoint, [first, rest + plain("y")]) == known
        assert in_reads(endpoint, [first, *single(rest), plain("y")]) == known


@each_plain
def test_runs_that_are_cut_anywhere_say_the_same(endpoint: str) -> None:
    plain = PLAIN[endpoint]
    first, rest = OPENING[endpoint] + plain("x"), plain("y") * 2 + ODD[endpoint][0] + plain("z") * 2
    for at in range(len(rest)):
        assert in_reads(endpoint, [first, rest[:at], rest[at:]]) == each(endpoint, first + rest)


@each_plain
@pytest.mark.parametrize("text", ["plain \x7f", "é", "\n", '"', "\\", "\ud83d", "\U0001f44b"])
@pytest.mark.parametrize("raw", [True, False])
def test_texts_of_runs_are_written_as_json(endpoint: str, text: str, *, raw: bool) -> None:
    made = partial(PLAIN[endpoint], plain=not raw or text == "\ud83d")
    *_, last = told_of(endpoint, OPENING[endpoint] + made("ab") + made(text))
    assert isinstance(last, BlockDeltas)
    assert list(last.quoted()) == [json.dumps(text)]


def test_stop_sequences_are_found_in_what_would_be_a_run() -> None:
    heard = listener(RESPONSES, replace(ASKED, stop=("cd",)))
    heard.feed(OPENING[RESPONSES] + b"".join(map(responses, ["ab", "bc", "de", "e"])))
    assert heard.stopped
    assert fold(spread(heard.take())).text == "abb"


@given(whole=streams(CHAT), cuts=CUTS)
def test_a_chat_stream_says_the_same_in_runs(whole: bytes, cuts: list[int]) -> None:
    known = each(CHAT, whole)
    assert in_reads(CHAT, cut(whole, cuts)) == in_reads(CHAT, single(whole)) == known


@given(whole=streams(MESSAGES), cuts=CUTS)
def test_a_messages_stream_says_the_same_in_runs(whole: bytes, cuts: list[int]) -> None:
    known = each(MESSAGES, whole)
    assert in_reads(MESSAGES, cut(whole, cuts)) == in_reads(MESSAGES, single(whole)) == known


@pytest.mark.parametrize("size", [100, 700, 65536])
def test_golden_streams_say_the_same_in_runs(size: int) -> None:
    compared = 0
    for case in cases():
        whole = case.raw()
        if len(whole) < 65536 and not case.ask.get("stop"):
            known, trouble = each(case.endpoint, whole)
            reads = [whole[at : at + size] for at in range(0, len(whole), size)]
            assert in_reads(case.endpoint, reads) == (known, trouble), case.name
            assert in_reads(case.endpoint, single(whole)) == (known, trouble), case.name
            compared += 1
    assert compared > 50


@given(whole=streams(RESPONSES), cuts=CUTS)
def test_a_responses_stream_says_the_same_in_runs(whole: bytes, cuts: list[int]) -> None:
    known = each(RESPONSES, whole)
    assert in_reads(RESPONSES, cut(whole, cuts)) == in_reads(RESPONSES, single(whole)) == known


def told_of(endpoint: str, *reads: bytes) -> list[Told]:
    heard = listener(endpoint)
    for read in reads:
        heard.feed(read)
    return heard.told


@each_plain
def test_frames_alike_are_heard_as_one(endpoint: str) -> None:
    made = PLAIN[endpoint]
    said = ["é", '"', "\n", "\\", "}}", " ", "0" * 500]
    first = OPENING[endpoint] + made("ab")
    *_, last = told_of(endpoint, first, b"".join(map(made, [*said, ""])) + made("z")[:60])
    assert last == BlockDeltas(0, said)


@each_plain
@pytest.mark.parametrize("text", ["x", "é", '"', "\n", "\\", "}}", "\ud83d", "0" * 500])
def test_a_frame_alone_is_heard_without_a_closer_look(endpoint: str, text: str) -> None:
    made = partial(PLAIN[endpoint], plain=text == "\ud83d")
    reader, (seen,) = READERS[endpoint].reader(MODEL), FrameDecoder().feed(made("ab"))
    for one in FrameDecoder().feed(OPENING[endpoint]):
        list(reader.feed(one))
    list(reader.feed(seen))
    assert reader.run is not None
    told = reader.run.alone(made(text))
    assert told is not None
    assert told.texts == [text]
    assert list(told.quoted()) == [json.dumps(text)]
    for other in (made(""), made(text) * 2, made(text)[:-1], b"\n" + made(text), b""):
        assert reader.run.alone(other) is None, "it is more than that, or less"


@each_plain
def test_reading_in_runs_goes_on_after_other_frames(endpoint: str) -> None:
    made, other = PLAIN[endpoint], ODD[endpoint][0]
    first, rest = OPENING[endpoint] + made("ab"), b"".join(map(made, "xyz"))
    told = told_of(endpoint, first, rest + other + made("b"), rest)
    assert [each.texts for each in told if isinstance(each, BlockDeltas)] == [[*"xyz"]] * 2


def test_streams_without_two_frames_alike_are_not_looked_at_for_ever() -> None:
    reader, decoder = READERS[CHAT].reader(MODEL), FrameDecoder()
    looked = 0
    for number in range(40):
        for one in decoder.feed(chat("x", number=number)):
            list(reader.feed(one))
        looked += reader.run is not None
    assert 10 < looked < 20


# ------------------------------------------------------------------------------------ writing


def opened(dialect: Dialect, *, refusal: bool = False) -> Any:
    writer = dialect.writer(ASKED)
    writer.feed(Begin("id"))
    writer.feed(BlockStart(0, Text("", refusal)))
    return writer


def without_times(written: bytes) -> list[Any]:
    """Ollama's lines bear the time at which they were written."""
    if b"created_at" not in written.partition(b"\n")[0]:
        return [written]
    return [{**json.loads(line), "created_at": ""} for line in written.splitlines()]


@each_client
@given(texts=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5), first=st.text())
def test_texts_are_written_at_once_as_they_are_one_by_one(
    dialect: Dialect, texts: Sequence[str], first: str
) -> None:
    writer = opened(dialect)
    if first:
        writer.feed(BlockDelta(0, first))
    other = copy.deepcopy(writer)
    alone = b"".join(writer.feed(BlockDelta(0, text)) for text in texts)
    assert without_times(other.feed(BlockDeltas(0, list(texts)))) == without_times(alone)
    if "ollama" not in dialect.name:
        closing = Text("")
        assert other.feed(BlockStart(1, closing)) == writer.feed(BlockStart(1, closing))
