"""Bodies are read strictly, and half characters do not get through."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.bodies import parse_object, read_object, written


def test_half_a_character_becomes_the_mark_for_that():
    raw = rb'{"a": ["x\ud83d", {"\udc00": "\ud83d\ude00"}]}'
    assert read_object(raw) == (b"", {"a": ["x\ufffd", {"\ufffd": "\U0001f600"}]})


def test_ordinary_bodies_may_go_on_as_they_came():
    raw = rb'{"a": "\u00fc"}'
    assert read_object(raw) == (raw, {"a": "\u00fc"})


@pytest.mark.parametrize(
    "raw", [b"[1]", b"{", b'{"a": NaN}', b"[" * 100_000, b"\xff", b'{"a": 1} x', b'{"a": "\xff"}']
)
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(InvalidRequest):
        parse_object(raw)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_only_utf_8_is_json(coding):
    """Copilot reads nothing else: what was passed on in another coding came back as an error."""
    with pytest.raises(InvalidRequest):
        parse_object('{"a": "b"}'.encode(coding))
    with pytest.raises(InvalidRequest):  # half a character, written as bytes
        parse_object('{"a": "\ud83d"}'.encode("utf-8", "surrogatepass"))


def test_the_mark_that_windows_writes_before_a_text_goes_no_further():
    assert read_object(b"\xef\xbb\xbf" + RAW) == (RAW, parse_object(RAW))


def test_a_number_without_end_is_refused_before_it_is_sent_on():
    for digits in (b"1e999", b"-1e999", b"1" * 400 + b".0"):
        with pytest.raises(InvalidRequest):
            parse_object(b'{"temperature": ' + digits + b"}")
    assert parse_object(b'{"a": 1e-999, "b": 1.5}') == {"a": 0.0, "b": 1.5}


RAW = b' {"n": 1.50, "said": [ "Gr\\u00fc\xc3\x9fe" ],\n"none": null } \n'


def test_what_is_not_mended_keeps_its_bytes():
    read = parse_object(RAW)
    assert written(RAW, read, read) == RAW
    assert written(RAW, read, dict(read)) == RAW


def test_what_is_added_stands_behind_the_clients_own_bytes():
    read = parse_object(RAW)
    mended = {"new": {"a": [1]}, **read, "more": "\ud83d"}
    out = written(RAW, read, mended)
    assert out.startswith(RAW.rstrip().removesuffix(b"}"))
    assert json.loads(out) == mended


@pytest.mark.parametrize(
    "mended",
    [
        {"n": 2, "said": ["x"], "none": None},
        {"said": ["x"], "none": None},  # `none` is there, `n` is not
        {"n": 1.5, "said": ["x"], "more": None},  # as many, but others
        {},
    ],
)
def test_whatever_else_is_mended_is_written_anew(mended):
    assert json.loads(written(RAW, parse_object(RAW), mended)) == mended


def test_a_change_inside_is_seen_by_its_copy():
    read = parse_object(RAW)
    mended = {**read, "said": [*read["said"], "more"], "new": 1}
    assert json.loads(written(RAW, read, mended)) == mended


@pytest.mark.parametrize("raw", [b"", b"{}", b" { } "])
def test_what_nothing_can_be_added_to_is_written_anew(raw):
    read = parse_object(raw) if raw else {"n": 1}
    assert json.loads(written(raw, read, {**read, "new": 1}).decode()) == {**read, "new": 1}
