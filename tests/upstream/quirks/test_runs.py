"""A run of frames is mended as if each had been looked at, whatever stands in between."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks import Stream, quirks_for
from copilot_desktop.upstream.quirks.runs import Run, learned

CHAT, MESSAGES = "/chat/completions", "/v1/messages"


def chat(text: str, **more: object) -> bytes:
    body = {"choices": [{"index": 0, "delta": {"content": text, **more}}], "created": 1, "id": "a",
            "model": "gpt"}  # fmt: skip
    return (
        b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"
    )


def messages(text: str) -> bytes:
    body = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }
    told = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return b"event: content_block_delta\ndata: " + told + b"\n\n"


FORMATS: dict[str, Callable[[str], bytes]] = {CHAT: chat, MESSAGES: messages}
both = pytest.mark.parametrize("endpoint", list(FORMATS))


def stream(endpoint: str) -> Stream:
    return quirks_for(endpoint).stream({"messages": []}, "shown")


def each(endpoint: str, whole: bytes) -> bytes:
    """Frame by frame."""
    one = stream(endpoint)
    return b"".join(one.feed(frame) for frame in FrameDecoder().feed(whole))


def in_runs(endpoint: str, first: bytes, rest: bytes) -> tuple[bytes, int]:
    """`first` frame by frame; of the `rest` what the run mends, and how long that was."""
    one = stream(endpoint)
    for frame in FrameDecoder().feed(first):
        one.feed(frame)
    assert one.run is not None
    return one.run.mended(rest)


TEXTS = st.lists(
    st.text(st.sampled_from('ab"\\{}:,\n\r\u2028\U0001f44b'), max_size=12)
    | st.sampled_from(
        ['"}}],"created":1', "data: ", 'x\\"', "\\", '\\\\"', '"delta":{"content":"']
    ),
    min_size=1,
    max_size=8,
)


@both
@given(texts=TEXTS)
def test_a_run_is_mended_as_its_frames_are(endpoint: str, texts: list[str]) -> None:
    made = FORMATS[endpoint]
    first, rest = made("") + made("x"), b"".join(map(made, texts))
    mended, length = in_runs(endpoint, first, rest)
    assert length == len(rest), "all of it is one run"
    assert mended == each(endpoint, first + rest)[len(each(endpoint, first)) :]


@both
@given(texts=TEXTS)
def test_a_frame_alone_is_mended_as_it_is_in_a_run(endpoint: str, texts: list[str]) -> None:
    one, made = stream(endpoint), FORMATS[endpoint]
    for frame in FrameDecoder().feed(made("") + made("x")):
        one.feed(frame)
    assert one.run is not None
    for text in texts:
        assert (one.run.alone(made(text)), len(made(text))) == one.run.mended(made(text))


NONE = [
    b'"', b'"x', b'x","y":"', b"x\ny", b"x\ry", b"\\", b"\\\\\\", b'\\\\"', b"\\\n", b'x"}}\n\n',
]  # fmt: skip


@both
@pytest.mark.parametrize("inside", NONE)
def test_a_text_that_is_none_is_nothing_alone(endpoint: str, inside: bytes) -> None:
    one, made = stream(endpoint), FORMATS[endpoint]
    for frame in FrameDecoder().feed(made("") + made("x")):
        one.feed(frame)
    assert one.run is not None
    assert not one.run.alone(made("HERE").replace(b"HERE", inside))
    for other in (made("x") * 2, made("x")[:-1], b"\n" + made("x"), b""):
        assert not one.run.alone(other)


def test_before_and_after_do_not_stand_in_the_same_bytes() -> None:
    one = Run((b'{"a":"', b'{"a":"'), (b'"}\n\n', b'"}\n\n'))
    assert not one.alone(b'{"a":"}\n\n')
    assert one.alone(b'{"a":""}\n\n') == b'{"a":""}\n\n'


ODD = [
    b": ping\n\n",
    b'data: {"choices":[]}\n\n',
    chat("x", role="assistant"),
    chat("x").replace(b'"gpt"', b'"other"'),
    chat("x").replace(b"x", b'x","refusal":"no'),
    chat("x").replace(b"x", b"x\ny"),
    chat("x").replace(b"\n", b"\r\n"),
    chat("half")[:-1],
    chat("half")[:70],
    b"data: [DONE]\n\n",
]


@pytest.mark.parametrize("odd", ODD)
def test_a_run_ends_at_the_first_frame_that_is_not_alike(odd: bytes) -> None:
    same = chat("x") * 3
    mended, length = in_runs(CHAT, chat("") + chat("x"), same + odd + same)
    assert length == len(same)
    assert mended == each(CHAT, chat("") + same)[len(each(CHAT, chat(""))) :]


def test_nothing_is_a_run_after_an_error_or_the_last_word() -> None:
    for last in (b'data: {"error":{"message":"no"}}\n\n', b"data: [DONE]\n\n"):
        one = stream(CHAT)
        for frame in FrameDecoder().feed(chat("") + chat("x") + last):
            one.feed(frame)
        assert one.run is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"data: x\n\n", chat("x")[:-1], chat("x").replace(b"\n", b"\r"), chat("x") * 2,
     chat("x").replace(b'"a"', b'"\\""'), chat("x")[:60]],
)  # fmt: skip
def test_nothing_is_learned_from_what_is_no_such_frame(raw: bytes) -> None:
    assert learned(b'"delta":{"content":"', raw, raw) is None


def test_other_bytes_around_the_text_are_learned_anew() -> None:
    one = stream(CHAT)
    other = chat("x").replace(b'"index":0,', b'"index":0,"content_filter_results":{},')
    for frame in FrameDecoder().feed(chat("") + chat("x") + other):
        one.feed(frame)
    assert one.run is not None
    assert one.run.mended(other * 2)[1] == len(other * 2)
