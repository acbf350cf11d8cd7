"""Bytes mean what `json` says they mean."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
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
