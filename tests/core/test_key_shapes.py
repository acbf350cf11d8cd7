"""A file of keys is taken as a whole or refused as a whole, whatever stands in it."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.core.key_shapes import kept

KEY = {"name": "codex", "key": "cd-" + "k" * 43, "created": 1.0}


def test_a_key_without_limits_may_do_everything() -> None:
    (key,) = kept(json.dumps({"v": 1, "keys": [KEY]}).encode())
    assert (key.name, key.created, key.limits.models) == ("codex", 1.0, ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"v": 1}',
        b'{"v": 2, "keys": []}',
        json.dumps({"v": 1, "keys": [KEY, {**KEY, "name": "default"}]}).encode(),
        json.dumps({"v": 1, "keys": [{**KEY, "key": "short"}]}).encode(),
        json.dumps({"v": 1, "keys": [{**KEY, "max_effort": "hard"}]}).encode(),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        kept(content)
