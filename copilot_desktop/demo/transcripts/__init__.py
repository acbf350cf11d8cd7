"""Bodies that were composed by hand after `upstream.md`, kept as files and served unchanged.

`NN-name.json` is a body, `NN-name.sse` the bytes of an event stream, `errors/name.exchange.json` an
answer with its status and headers. Most pretend to be of 2026-08-22.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is a JSON value or text."""

    status: int
    headers: Mapping[str, str]
    body: Any


def _read(name: str) -> bytes:
    return resources.files(__name__).joinpath(name).read_bytes()


@cache
def _names() -> dict[str, str]:
    root = resources.files(__name__)
    names = [entry.name for entry in root.iterdir() if entry.name.endswith((".json", ".sse"))]
    return {name.partition("-")[0]: name for name in names}


def body(number: str) -> Any:
    """The JSON body "NN". A fresh copy each time. Raises KeyError."""
    return json.loads(_read(_names()[number]))


def exchange(name: str) -> Answer:
    """The answer in `errors/`, without the content headers that the server sets itself."""
    found = json.loads(_read(f"errors/{name}.exchange.json"))["response"]
    return Answer(found["status"], found["headers"], found.get("body", found.get("body_text")))


def verbatim(name: str) -> Answer:
    """What to serve for "31" or "429-weekly": bytes as they are. Raises KeyError."""
    if file := _names().get(name):
        kind = "text/event-stream" if file.endswith(".sse") else "application/json"
        return Answer(200, {"content-type": kind}, _read(file))
    try:
        return exchange(name)
    except FileNotFoundError:
        raise KeyError(name) from None
