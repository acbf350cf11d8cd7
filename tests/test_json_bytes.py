"""Bytes mean what `json` says they mean."""

from __future__ import annotations

import json
import re
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copilot_desktop import json_bytes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"]),
       st.sampled_from(["", " ", "\n"]), st.booleans())  # fmt: skip
def test_whatever_json_can_read_is_read(
    value: object, encoding: str, space: str, plain: bool
) -> None:
    text = space + json.dumps(value, ensure_ascii=plain) + space
    try:
        raw = text.encode(encoding)
    except UnicodeEncodeError:
        return  # half a character
    assert json_bytes.read(raw) == json.loads(raw) == value


@given(st.binary(max_size=12) | st.text('{}[]",:1 a\\\0', max_size=8).map(str.encode))
def test_whatever_json_refuses_is_refused(raw: bytes) -> None:
    try:
        expected = json.loads(raw)
    except ValueError as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            json_bytes.read(raw)
    else:
        assert repr(json_bytes.read(raw)) == repr(expected)


def test_what_follows_an_object_is_not_ignored() -> None:
    for raw in (b"{} {}", b'{"a":1}x', b"{}\0"):
        with pytest.raises(ValueError, match="Extra data"):
            json_bytes.read(raw)


@given(VALUES)
def test_what_is_written_is_compact_and_can_be_read(value: object) -> None:
    raw = json_bytes.written({"value": value})
    assert raw == json.dumps({"value": value}, separators=(",", ":")).encode()
    assert json_bytes.read(raw) == {"value": value}


OBJECTS = st.dictionaries(st.text(), VALUES | st.lists(VALUES), max_size=6)


@given(OBJECTS, st.sampled_from([None, 1, " \n"]), st.booleans(), st.integers(1, 4))
def test_in_pieces_the_same_is_read_and_written(
    value: dict[str, object], indent: int | str | None, plain: bool, pieces: int
) -> None:
    with patch.multiple(json_bytes, PIECES=pieces, LEAST=1):
        assert json_bytes.written_in_pieces(value) == json_bytes.written(value)
        text = json.dumps(value, indent=indent, ensure_ascii=plain)
        with patch.object(json.JSONDecoder, "decode", side_effect=AssertionError("in one piece")):
            assert value == {} or json_bytes.decoded_in_pieces(json.JSONDecoder(), text) == value
        assert json_bytes.decoded_in_pieces(json.JSONDecoder(), f" {text}\r\n") == value


@given(st.text('{}[]",:1 a\\\0', max_size=12) | st.text(max_size=6))
@example('{"a": [1,]}').via("a comma too many")
@example('{"a": [1 2]}').via("a comma too few")
@example('{"a": 1} x').via("something after it")
@example('{"a": 1, "a": [2]}').via("a name twice")
def test_in_pieces_the_same_is_refused(text: str) -> None:
    decoder = json.JSONDecoder()
    with patch.object(json_bytes, "LEAST", 1):
        try:
            expected = decoder.decode(text)
        except ValueError as error:
            with pytest.raises(type(error), match=re.escape(str(error))):
                json_bytes.decoded_in_pieces(decoder, text)
        else:
            assert json_bytes.decoded_in_pieces(decoder, text) == expected


def test_a_list_of_numbers_is_not_read_one_by_one() -> None:
    text = json.dumps({"input": list(range(10_000))})
    decoder = json.JSONDecoder()
    with patch.object(decoder, "raw_decode", side_effect=decoder.raw_decode) as read:
        assert json_bytes.decoded_in_pieces(decoder, text) == json.loads(text)
    assert read.call_count < 1_000
