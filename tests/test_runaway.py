"""White space without end is noticed, wherever the pieces were cut, and strings are left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.runaway import Runaway


def runs_away(text: str, size: int) -> bool:
    watch = Runaway()
    return any(watch.stuck(text[start : start + size]) for start in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    ("text", "stuck"),
    [
        ('{"a":' + "\n" * 20, False),
        ('{"a":' + "\n" * 21, True),
        ('{"a":' + "\n\t\r" * 7, True),
        ('{"a":' + " " * 200 + "1}", False),
        ('{"a":' + " " * 201, True),
        ('{"a":"' + " " * 500 + '"}', False),
        ('{"a":"\\"' + " " * 500 + '"}', False),
        ('{"a":"\\\\"' + " " * 500, True),
        ('{"a":1,' + "\n" * 10 + '"b":2,' + "\n" * 11, False),
        ('{"a":1}' + "\n" * 30, True),
        ("", False),
    ],
)
def test_where_it_is_noticed(text: str, stuck: bool, size: int) -> None:
    assert runs_away(text, size) is stuck


@given(
    value=st.dictionaries(st.text(), st.text() | st.lists(st.integers())), size=st.integers(1, 9)
)
def test_what_json_writes_never_runs_away(value: object, size: int) -> None:
    assert not runs_away(json.dumps(value, indent=4), size)
    assert runs_away(json.dumps(value) + "\n" * 25, size)
