"""JSON on the wire, as bytes: read where its encoding is plain to see, written compactly.

`json.loads` looks for the encoding of bytes first and `json.dumps` makes an encoder for each call
that names separators. For a small object that takes longer than the reading and writing itself.

Python's JSON reads and writes in one step, and no other thread runs before it is done: 20 MB would
take 25 ms of every stream. What is large goes through it in pieces, the entries of each list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LARGE = 2 * 2**20  # bytes, or characters
PIECES = 256  # of a list that is written
LEAST = 256  # characters of an entry that is read by itself, on average

_mark_and_spaces = re.compile(r"[ \t\r\n]*(.?)[ \t\r\n]*", re.DOTALL)
_parse = json.JSONDecoder().raw_decode
_text = json.JSONEncoder(separators=(",", ":")).encode


def read(raw: bytes) -> Any:
    """What `json.loads` makes of it. Raises ValueError, and RecursionError for what is too deep."""
    if raw[:1] == b"{" and raw[1:2] != b"\0":  # so it is UTF-8
        text = raw.decode("utf-8", "surrogatepass")
        value, end = _parse(text)
        if end == len(text):
            return value
    return json.loads(raw)


def written(value: Any) -> bytes:
    """Compact ASCII (lone surrogates stay escaped)."""
    return _text(value).encode()


def written_in_pieces(value: Mapping[str, Any]) -> bytes:
    """The same of a large object."""
    pieces: list[bytes | memoryview] = []
    for key, member in value.items():
        pieces += (b",", written(key), b":")
        if isinstance(member, list | tuple):
            pieces += _entries(member)
        else:
            pieces.append(written(member))
    return b"".join((b"{", *pieces[1:], b"}"))


def _entries(entries: Sequence[Any]) -> Iterator[bytes | memoryview]:
    some = len(entries) // PIECES + 1
    before = b"["
    for at in range(0, len(entries), some):
        yield before
        yield memoryview(written(entries[at : at + some]))[1:-1]
        before = b","
    yield b"]" if entries else b"[]"


def decoded_in_pieces(decoder: json.JSONDecoder, text: str) -> Any:
    """What `decoder.decode` makes of a large text. Raises what it raises."""
    try:
        return _object(decoder, text)
    except ValueError:
        return decoder.decode(text)  # no object, or not JSON; it says what is wrong


def _object(decoder: json.JSONDecoder, text: str) -> dict[str, Any]:
    """Raises ValueError for whatever else `text` is."""
    found: dict[str, Any] = {}
    mark, at = _mark(text, 0)
    if mark != "{":
        raise ValueError
    while mark != "}":
        if text[at : at + 1] != '"':
            raise ValueError
        key, at = decoder.raw_decode(text, at)
        mark, at = _mark(text, at)
        if mark != ":":
            raise ValueError
        found[key], at = _member(decoder, text, at)
        mark, at = _mark(text, at)
        if mark not in (",", "}"):
            raise ValueError
    if at != len(text):
        raise ValueError
    return found


def _member(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    if text[at : at + 1] != "[":
        return decoder.raw_decode(text, at)
    entries: list[Any] = []
    most = len(text) // LEAST
    mark, at = _mark(text, at)
    if text[at : at + 1] == "]":
        return entries, at + 1
    while mark != "]":
        entry, at = decoder.raw_decode(text, at)
        entries.append(entry)
        mark, at = _mark(text, at)
        if mark not in (",", "]") or len(entries) > most:
            raise ValueError
    return entries, at


def _mark(text: str, at: int) -> tuple[str, int]:
    """The next character that is no space, and where the one after it stands."""
    found = _mark_and_spaces.match(text, at)
    assert found is not None  # it may be empty
    return found[1], found.end()
