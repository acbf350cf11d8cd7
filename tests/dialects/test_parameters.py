"""Shared parameters name their place when they are refused."""

from __future__ import annotations

import pytest

from copilot_desktop.dialects.parameters import number, stop_sequences
from copilot_desktop.errors import InvalidRequest


def test_numbers_are_numbers() -> None:
    assert (number({"top_p": 1}, "top_p"), number({}, "top_p")) == (1, None)
    for wrong in (True, "1", [1]):
        with pytest.raises(InvalidRequest, match=r"^options\.top_p must be a number\.$"):
            number({"top_p": wrong}, "top_p", "options.")


def test_stop_sequences_are_texts_and_empty_ones_stop_nothing() -> None:
    assert stop_sequences({"stop": "a"}) == ("a",)
    assert stop_sequences({"stop": ["a", "", "b"]}) == ("a", "b")
    assert stop_sequences({}) == ()
    for wrong in (1, ["a", 1]):
        with pytest.raises(InvalidRequest, match=r"^stop must be a string"):
            stop_sequences({"stop": wrong})
