"""Bytes to frames: every line end, every split, no byte lost (`security-rules.md` 26)."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copilot_desktop import sse
from copilot_desktop.sse import EventTooLarge, Frame, FrameDecoder, encode, encode_json


def decode(*chunks: bytes) -> list[Frame]:
    decoder = FrameDecoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return [*frames, *decoder.close()]


def data(*chunks: bytes) -> list[bytes]:
    return [frame.data for frame in decode(*chunks)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_three_line_ends(end: bytes) -> None:
    raw = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])
    assert decode(raw) == [Frame(b"1", "a"), Frame(b"2")]


def test_line_ends_may_be_mixed() -> None:
    assert data(b"data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\ndata: 4\n\n")[:3] == [b"1", b"2", b"3"]


def test_several_data_lines_are_joined() -> None:
    assert data(b"data: a\ndata:b\ndata\ndata: c\n\n") == [b"a\nb\n\nc"]


def test_one_space_after_the_colon_belongs_to_the_format() -> None:
    assert data(b"data:x\n\n", b"data: x\n\n", b"data:  x\n\n") == [b"x", b"x", b" x"]


def test_comments_and_foreign_fields_carry_no_data_but_their_bytes() -> None:
    (comment, other) = decode(b": hello\n\n", b"id: 1\nretry: 5\n\n")
    assert (comment.data, comment.raw) == (b"", b": hello\n\n")
    assert other.data == b""


def test_a_bom_counts_only_at_the_start() -> None:
    bom = b"\xef\xbb\xbf"
    assert data(bom + b"data: 1\n\ndata: " + bom + b"\n\n") == [b"1", bom]
    assert data(bom[:1], bom[1:] + b"data: 1\n\n") == [b"1"]


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert data(b"data: 1\n\ndata: 2") == [b"1", b"2"]
    assert data(b"data: 1\r") == [b"1"]


def test_a_character_split_between_reads_is_whole() -> None:
    raw = 'data: "✓\u2028\u0085"\n\n'.encode()
    cut = raw.index("✓".encode()) + 1
    (frame,) = decode(raw[:cut], raw[cut:])
    assert frame.json() == "✓\u2028\u0085"


def test_a_frame_is_given_as_soon_as_it_is_complete() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(b"data: 1\n")) == []
    assert [frame.data for frame in decoder.feed(b"\nda")] == [b"1"]
    assert [frame.data for frame in decoder.feed(b"ta: 2\n\n")] == [b"2"]


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 100)
    decoder = FrameDecoder()
    assert len(list(decoder.feed(b"data: 1\n\n" * 50))) == 50
    with pytest.raises(EventTooLarge):
        list(decoder.feed(b"data: " + b"x" * 100))


def test_a_large_event_in_small_pieces() -> None:
    payload = b"x" * (1024 * 1024)
    raw = b"data: " + payload + b"\n\n"
    chunks = [raw[start : start + 4096] for start in range(0, len(raw), 4096)]
    assert data(*chunks) == [payload]


def test_encoding() -> None:
    assert encode(b"x") == b"data: x\n\n"
    assert encode(b"x", "e") == b"event: e\ndata: x\n\n"
    assert encode_json({"a": "é\ud800\u2028"}) == b'data: {"a":"\\u00e9\\ud800\\u2028"}\n\n'
    assert Frame(b"x", "e").encode() == b"event: e\ndata: x\n\n"
    assert Frame(b"x", "e", b"raw").encode() == b"raw"


pieces = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data: ",
        b"data:",
        b"event: e",
        b"x",
        b": c",
        b"\xef\xbb\xbf",
    ]
)
streams = st.lists(pieces, max_size=14).map(b"".join)


@given(streams, st.lists(st.integers(0, 60), max_size=8))
@example(b"a\r\n\r\nb", [1, 2, 3, 4])
@example(b"a\r\r\n\n\r", [1, 2, 3, 4, 5])
@example(b"\n\r\n\r\n", [1, 2, 3, 4])
def test_any_split_gives_the_same_frames_and_keeps_every_byte(raw: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    chunks = [raw[a:b] for a, b in pairwise(places)]
    whole, split, single = decode(raw), decode(*chunks), decode(*(bytes([b]) for b in raw))
    assert whole == split == single
    for frames in (whole, split, single):
        assert b"".join(frame.raw for frame in frames) == raw


@given(st.lists(st.binary(max_size=12).filter(lambda d: not set(d) & set(b"\r\n")), max_size=4))
def test_what_is_encoded_is_decoded(lines: list[bytes]) -> None:
    assert data(b"".join(encode(line) for line in lines)) == lines


def test_frames_that_somebody_else_reads_are_left_out_wherever_the_bytes_are_cut() -> None:
    mine, other = b"data: mine\n\n", b"data: x\n\n"
    whole = other + mine * 2 + other * 2 + mine + b": " + b"c" * 20 + b"\n\n" + mine + other
    read: list[bytes] = []

    def others(held: bytes) -> int:
        count = 0
        while held.startswith(mine, count * len(mine)):
            count += 1
        read.extend([mine] * count)
        return count * len(mine)

    for first, second in combinations(range(len(whole)), 2):
        read.clear()
        decoder = FrameDecoder()
        for start, end in ((0, first), (first, second), (second, len(whole))):
            for frame in decoder.feed_beside(whole[start:end], others):
                read += [frame.raw]
            assert len(read) == whole.count(b"\n\n", 0, end), "nothing waits for what is next"
        assert b"".join(read) == whole
