"""A request body as an object, strictly read (`translation.md` §2, P1).

Python and JavaScript can write half a character into JSON (a lone surrogate, where a text was cut
in the middle of an emoji). UTF-8 has no bytes for it, so Copilot would refuse the whole request;
what is left of the character is replaced by the mark for that.
"""

from __future__ import annotations

import json
import math
import re
from codecs import BOM_UTF8
from typing import Any

from copilot_desktop import json_bytes
from copilot_desktop.errors import BodyTooLarge, InvalidRequest
from copilot_desktop.spelling import whole

Json = dict[str, Any]

# Half a character, or a whole one that is written as its two halves.
_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
_MISSING = object()
# All members of the formats are spelled so; in those of `_SAYING` stands how much a model thinks.
_PLAIN = re.compile(r"[a-z0-9_]+").fullmatch
_SAYING = ("reasoning", "thinking", "output_config")


def too_large(limit: int) -> BodyTooLarge:
    """`limit` in bytes."""
    return BodyTooLarge(fields={"limit": f"{limit / 2**20:.4g} MB"})


def parse_object(raw: bytes) -> Json:
    """A JSON object: no NaN, no infinite number, no bottomless nesting, whole characters. Raises
    InvalidRequest."""
    return read_object(raw)[1]


def read_object(raw: bytes) -> tuple[bytes, Json]:
    """The same, and `raw` before it if it may go on as it came, else nothing."""
    try:
        raw = raw.removeprefix(BOM_UTF8)  # programs for Windows write one, Copilot reads none
        text = raw.decode()
        if len(text) >= json_bytes.LARGE:
            body = json_bytes.decoded_in_pieces(_decoder, text)
        elif text[:1] == "{":
            body, end = _decoder.raw_decode(text)
            if text[end:].strip(" \t\r\n"):
                _decoder.decode(text)  # which says what is wrong
        else:
            body = _decoder.decode(text)
        if torn := b"\\u" in raw and _ESCAPED.search(raw) is not None:
            body = _whole(body)
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return b"" if torn else raw, body


def written(raw: bytes, read: Json, mended: Json, *, large: bool = False) -> bytes:
    """`mended` as JSON, where `read` was read from `raw` (empty: it must be written anew).

    The client's own bytes as far as possible: of a long conversation often nothing is changed but
    that a field is added, and writing 20 MB anew takes longer than sending them. What is the same
    is the same object, since whoever mends copies what is changed.
    """
    if mended is read and raw:
        return raw
    anew = json_bytes.written_in_pieces if large else json_bytes.written
    news: Json = {}
    for key, value in mended.items():
        kept = read.get(key, _MISSING)
        if kept is _MISSING:
            news[key] = value
        elif kept is not value:
            return anew(mended)
    if raw and len(mended) == len(read) + len(news):
        if not news:
            return raw
        if read:
            end = len(raw.rstrip()) - 1
            return b"".join((memoryview(raw)[:end], b",", json_bytes.written(news)[1:]))
    return anew(mended)


def plainly_named(body: Json) -> tuple[Json, list[str]]:
    """`body` without members in other letters, and their names: readers in Go take `Model` for
    `model`, so what was looked at here could be something else there."""
    dropped = [name for name in body if not _PLAIN(name)]
    kept = {name: value for name, value in body.items() if _PLAIN(name)}
    for place in _SAYING:
        if isinstance(inner := kept.get(place), dict):
            dropped += [f"{place}.{name}" for name in inner if not _PLAIN(name)]
            kept[place] = {name: value for name, value in inner.items() if _PLAIN(name)}
    return kept, dropped


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return value


def _finite(digits: str) -> float:
    """`1e999` is JSON, but becomes a number that JSON has no word for."""
    if not math.isfinite(value := float(digits)):
        raise ValueError("a number is too large")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
