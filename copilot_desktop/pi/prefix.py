"""As much of a JSON object as a model has written so far.

Knows JSON and nothing else. A snapshot of a growing tool call shows arguments as an object, so its
text must be understood before it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from copilot_desktop.spelling import read_json

# An escape that is cut off, or half of a character that takes two of them.
_HALF = re.compile(r"(?:\\u[dD][89abAB][0-9a-fA-F]{2})?(?:\\(?:u[0-9a-fA-F]{0,3})?)?$")

# A word that can only become one.
_BEGUN = re.compile(r"(?<=[\s:,\[])(?:t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)$")
_WORDS = ("true", "false", "null")


def object_of(text: str) -> dict[str, Any]:
    """The object that begins `text`: open strings and brackets count as closed, halves are left
    out. What is no object is `{}`. Linear in the length of `text`.
    """
    for candidate in _candidates(text):
        try:
            value = read_json(candidate)
        except (ValueError, RecursionError):
            continue
        return value if isinstance(value, dict) else {}
    return {}


def _candidates(text: str) -> Iterator[str]:
    """The whole text, the text with its ends closed, the text up to its last complete value."""
    yield text
    stack: list[str] = []
    complete, closing = 0, ""
    in_string = escaped = False
    for place, character in enumerate(text):
        if in_string:
            if escaped or character == "\\":
                escaped = not escaped
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            stack.append("}" if character == "{" else "]")
            complete, closing = place + 1, "".join(reversed(stack))
        elif character in "}]":
            if stack:
                stack.pop()
            complete, closing = place + 1, "".join(reversed(stack))
        elif character == ",":
            complete, closing = place, "".join(reversed(stack))
    ends = "".join(reversed(stack))
    if in_string:
        yield _HALF.sub("", text, count=1) + '"' + ends
    elif begun := _BEGUN.search(text):
        word = next(word for word in _WORDS if word.startswith(begun[0]))
        yield text[: begun.start()] + word + ends
    else:
        yield text + ends
    yield text[:complete] + closing
