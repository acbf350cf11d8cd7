"""Bodies are read strictly, and half characters do not get through."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.bodies import is_torn, parse_object


def test_half_a_character_becomes_the_mark_for_that():
    raw = rb'{"a": ["x\ud83d", {"\udc00": "\ud83d\ude00"}]}'
    assert is_torn(raw)
    assert parse_object(raw) == {"a": ["x\ufffd", {"\ufffd": "\U0001f600"}]}


def test_ordinary_bodies_are_not_looked_through():
    assert not is_torn(rb'{"a": "\u00fc"}')


@pytest.mark.parametrize("raw", [b"[1]", b"{", b'{"a": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(InvalidRequest):
        parse_object(raw)


def test_a_number_without_end_is_refused_before_it_is_sent_on():
    for digits in (b"1e999", b"-1e999", b"1" * 400 + b".0"):
        with pytest.raises(InvalidRequest):
            parse_object(b'{"temperature": ' + digits + b"}")
    assert parse_object(b'{"a": 1e-999, "b": 1.5}') == {"a": 0.0, "b": 1.5}
