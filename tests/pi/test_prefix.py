"""Arguments of a call that is still being written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.pi.prefix import object_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.booleans(), st.data())
def test_any_beginning_of_an_object_is_read(value: Any, ascii_only: bool, data: Any) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    cut = data.draw(st.integers(0, len(text)))

    begun = object_of(text[:cut])

    assert object_of(text) == value
    assert set(list(begun)[:-1]) <= set(value)
    for key in list(begun)[:-1]:  # all but what is being written stands already
        assert begun[key] == value[key]
    json.dumps(begun, ensure_ascii=False).encode()  # no half characters


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("", {}),
        ("{", {}),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a": "x', {"a": "x"}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00', {"a": "x"}),
        ('{"a": "x\\ud83d', {"a": "x"}),
        ('{"a": "x\\ud83d\\ude0', {"a": "x"}),
        ('{"a": [1, {"b": tr', {"a": [1, {"b": True}]}),
        ('{"a": n', {"a": None}),
        ('{"a": "n', {"a": "n"}),
        ('{"a": 1, "b": -', {"a": 1}),
        (
            '{"a": NaN, "b": [-Infinity, 1e999, 1e3], "c": "NaN"}',
            {"a": None, "b": [None, None, 1000.0], "c": "NaN"},
        ),
        ("[1, 2", {}),
        ("nonsense", {}),
        ("{]", {}),
    ],
)
def test_beginnings(text: str, begun: dict[str, Any]) -> None:
    assert object_of(text) == begun
