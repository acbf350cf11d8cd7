"""JSON on the wire, as bytes: read where its encoding is plain to see, written compactly.

`json.loads` looks for the encoding of bytes first and `json.dumps` makes an encoder for each call
that names separators. For a small object that takes longer than the reading and writing itself.
"""

from __future__ import annotations

import json
from typing import Any

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
