"""Pictures too large for Claude: a session that holds one goes on."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.upstream.healing import Case, cure
from copilot_desktop.upstream.large_pictures import TOO_LARGE, longest_side

MANY = (
    "messages.38.content.1.image.source.base64.data: At least one of the image dimensions exceed "
    "max allowed size for many-image requests: 2000 pixels"
)
HEAVY = "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 9 bytes > 99 bytes"


def picture(width: int, height: int = 9, kind: str = "PNG", **options: Any) -> str:
    file = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), (width, height)).save(file, kind, **options)
    return base64.b64encode(file.getvalue()).decode()


LARGE, SMALL = picture(2001), picture(2000)


def block(data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def result(*parts: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "a", "content": list(parts)}


def url(data: str) -> str:
    return f"data:image/png;base64,{data}"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}), ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif" + b"x" * 60_000}), ("WEBP", {}), ("WEBP", {"lossless": True}),
        ("WEBP", {"lossless": True, "exif": b"Exif"}),
    ],
)  # fmt: skip
def test_a_picture_tells_its_size(kind: str, options: dict[str, Any]) -> None:
    assert longest_side(picture(300, 7, kind, **options)) == 300
    assert longest_side(picture(7, 300, kind, **options)) == 300


@pytest.mark.parametrize("data", ["", "é", "x", "/9j/", "/9j/AAAA", "iVBORw0K", "UklGRgAAAABXRUJQ"])
def test_what_is_no_picture_has_no_size(data: str) -> None:
    assert longest_side(data) in (0, 1)


def told(endpoint: str, turns: list[Any], said: str = MANY) -> list[Any] | None:
    key = "input" if endpoint == RESPONSES else "messages"
    found = cure(Case(endpoint, {key: turns}, Model("m"), said))
    return None if found is None else found.body[key]


def test_large_ones_become_words_and_the_others_stay() -> None:
    words = {"type": "text", "text": TOO_LARGE}
    mark = {"cache_control": {"type": "ephemeral"}}
    turns = [
        {"role": "user", "content": [block(SMALL), block(LARGE) | mark]},
        {"role": "assistant", "content": "Hm."},
        {"role": "user", "content": [result(block(LARGE), block(SMALL)), result("x")]},
    ]
    assert told(MESSAGES, turns) == [
        {"role": "user", "content": [block(SMALL), words | mark]},
        turns[1],
        {"role": "user", "content": [result(words, block(SMALL)), result("x")]},
    ]
    shown = {"type": "image_url", "image_url": {"url": url(LARGE)}}
    asked = {"role": "user", "content": [shown]}
    tool = {"role": "tool", "tool_call_id": "a", "content": "(see attached image)"}
    for chat in ([tool, asked], [asked, {"role": "user", "content": "go"}]):
        mended = told(CHAT, chat)
        assert mended is not None
        assert {"role": "user", "content": [words]} in mended
    output = {"type": "function_call_output", "call_id": "a"}
    parts = [{"type": "input_image", "image_url": url(LARGE)}]
    items = [output | {"output": parts}]
    assert told(RESPONSES, items) == [
        output | {"output": [{"type": "input_text", "text": TOO_LARGE}]}
    ]


def test_what_a_person_has_just_shown_stays_and_is_refused() -> None:
    assert told(MESSAGES, [{"role": "user", "content": [block(LARGE)]}]) is None
    shown = {"type": "image_url", "image_url": {"url": url(LARGE)}}
    assert told(CHAT, [{"role": "user", "content": [shown]}]) is None
    shown = {"type": "input_image", "image_url": url(LARGE)}
    assert told(RESPONSES, [{"role": "user", "content": [shown]}]) is None


def test_heavy_ones_as_well_and_nothing_without_a_limit() -> None:
    heavy = result(block("x" * 999), block("x" * 9))
    mended = told(MESSAGES, [{"role": "user", "content": [heavy]}], HEAVY)
    assert mended is not None
    assert [part["type"] for part in mended[0]["content"][0]["content"]] == ["text", "image"]
    assert told(MESSAGES, [{"role": "user", "content": [heavy]}], "input exceeds maximum") is None


def test_a_conversation_without_turns_has_none() -> None:
    for endpoint in (CHAT, RESPONSES, MESSAGES):
        assert told(endpoint, []) is None
