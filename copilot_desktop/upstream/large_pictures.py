"""Pictures that Claude refuses for their size, left out of a request of any of Copilot's formats.

A session that holds one is refused with everything that follows, and nobody can take it out: agents
make screenshots as large as the screen is, and with many pictures the limit gets lower. What a
person has just shown stays, so that they hear why it is not seen.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop.model import CHAT, RESPONSES

Json = dict[str, Any]
TOO_LARGE = "[image omitted: too large]"
_PIXELS = re.compile(r"max allowed size[^:]*: (\d{1,6}) pixels")
_BYTES = re.compile(r"exceeds [^:]* maximum: \d+ bytes > (\d{1,9}) bytes")
_HEAD = 4 * 64 * 1024  # characters of base64: where a JPEG says its size, behind a preview
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # of JPEG's C0 to CF


def without_large_pictures(endpoint: str, body: Mapping[str, Any], refusal: str) -> Json | None:
    """With words in place of what `refusal` means; None if nothing is, or not beyond doubt."""
    is_large: Callable[[str], bool]
    if found := _PIXELS.search(refusal):
        pixels = int(found[1])
        is_large = lambda data: longest_side(data) > pixels  # noqa: E731
    elif found := _BYTES.search(refusal):
        size = int(found[1])
        is_large = lambda data: len(data) > size  # noqa: E731
    else:
        return None
    key = "input" if endpoint == RESPONSES else "messages"
    turns = body.get(key)
    if not isinstance(turns, list):
        return None
    last = len(turns) - 1
    if endpoint == CHAT and last > 0 and _role(turns[last - 1]) == "tool":
        last = -1  # what the tool has shown stands in a message of its own
    mended = [_turn(turn, is_large, shown=n == last) for n, turn in enumerate(turns)]
    changed = any(new is not old for new, old in zip(mended, turns, strict=True))
    return {**body, key: mended} if changed else None


def _turn(turn: Any, is_large: Callable[[str], bool], *, shown: bool) -> Any:
    """A message, an item or the result of a tool; itself if there is nothing to leave out."""
    for key in ("content", "output"):
        parts = turn.get(key) if isinstance(turn, dict) else None
        if not isinstance(parts, list):
            continue
        shown = shown and key == "content" and _role(turn) == "user"
        seen = [_part(part, is_large, shown=shown) for part in parts]
        if any(new is not old for new, old in zip(seen, parts, strict=True)):
            return {**turn, key: seen}
    return turn


def _part(part: Any, is_large: Callable[[str], bool], *, shown: bool, within: bool = False) -> Any:
    """`within` the result of a tool, which stands in no other one."""
    if not isinstance(part, dict):
        return part
    if part.get("type") == "tool_result" and not within:
        found = part.get("content")
        parts = found if isinstance(found, list) else []
        seen = [_part(each, is_large, shown=False, within=True) for each in parts]
        return {**part, "content": seen} if seen != parts else part
    data = _encoded(part)
    if shown or not data or not is_large(data):
        return part
    kind = "input_text" if part["type"] == "input_image" else "text"
    marks = {key: part[key] for key in ("cache_control",) if key in part}
    return {"type": kind, "text": TOO_LARGE, **marks}


def _encoded(part: Mapping[str, Any]) -> str:
    """The base64 text of a picture, or nothing."""
    match part:
        case {"type": "image", "source": {"data": str(data)}}:
            return data
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return url.partition(",")[2]
        case {"type": "input_image", "image_url": str(url)}:
            return url.partition(",")[2]
    return ""


def _role(turn: Any) -> Any:
    return turn.get("role") if isinstance(turn, dict) else None


def longest_side(data: str) -> int:
    """Of a picture in base64, in pixels; 0 if its first bytes do not show it."""
    try:
        head = binascii.a2b_base64(data[:_HEAD])
    except (ValueError, UnicodeError):
        return 0
    if head.startswith(b"\x89PNG"):
        return max(int.from_bytes(head[16:20]), int.from_bytes(head[20:24]))
    if head.startswith(b"GIF8"):
        return max(_little(head, 6, 2), _little(head, 8, 2))
    if head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(head) if head.startswith(b"\xff\xd8") else 0


def _little(head: bytes, start: int, length: int) -> int:
    return int.from_bytes(head[start : start + length], "little")


def _webp(head: bytes) -> int:
    match head[12:16]:
        case b"VP8X":
            return 1 + max(_little(head, 24, 3), _little(head, 27, 3))
        case b"VP8L":
            bits = _little(head, 21, 4)
            return 1 + max(bits & 0x3FFF, bits >> 14 & 0x3FFF)
    return max(_little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF)


def _jpeg(head: bytes) -> int:
    """Segments name their length; the one of a frame tells the size."""
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            sides = head[place + 5 : place + 9]
            return max(int.from_bytes(sides[:2]), int.from_bytes(sides[2:]))
        place += 2 + int.from_bytes(head[place + 2 : place + 4])
    return 0
