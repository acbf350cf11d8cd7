"""What a request asks for, in words that are the same for Copilot's three formats.

Only what the demo's voice needs: the current turn of the conversation, the offered tools, the form
of the answer. Everything else in the request was looked at by the rules before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_WRAPPED = re.compile(r"\s*<([a-zA-Z_-]+)>.*</\1>\s*", re.DOTALL)
_SCRIPT = re.compile(r"^[ \t>*`-]*demo:[ \t]*(.*?)[ \t`]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tool:
    """An offered tool. `free`: it takes plain text instead of JSON."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    free: bool = False
    kind: str = "function"

    @property
    def properties(self) -> Mapping[str, Any]:
        found = self.schema.get("properties")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `calls` counts tool calls, `results` are the texts that tools gave back."""

    role: Literal["user", "assistant", "system"]
    text: str = ""
    calls: int = 0
    results: tuple[str, ...] = ()
    images: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """`limit` is in tokens. `form`: None for prose, {} for any JSON object, else a JSON schema."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: Literal["auto", "none", "any"] = "auto"
    forced: str = ""
    parallel: bool = True
    form: Mapping[str, Any] | None = None
    limit: int | None = None
    stops: tuple[str, ...] = ()
    think: bool = False
    show_thought: bool = True

    @property
    def current(self) -> tuple[Turn, ...]:
        """The turns since the assistant last finished an answer."""
        start = 0
        for place, turn in enumerate(self.turns):
            if turn.role == "assistant" and not turn.calls:
                start = place + 1
        return self.turns[start:] or self.turns[-1:]

    @property
    def human(self) -> str:
        """What the person said in this turn: a message with a script, else the last one."""
        said = [text for turn in self.current if (text := _spoken(turn))]
        scripted = [text for text in said if _SCRIPT.search(text)]
        return (scripted or said or [""])[-1]

    @property
    def script(self) -> tuple[str, ...]:
        """The `demo:` lines of the person's message."""
        return tuple(_SCRIPT.findall(self.human))

    @property
    def rounds(self) -> int:
        """How often tools were called in this turn."""
        return sum(1 for turn in self.current if turn.role == "assistant" and turn.calls)

    @property
    def results(self) -> tuple[str, ...]:
        """What the last called tools gave back."""
        if not self.rounds:
            return ()
        found: tuple[str, ...] = ()
        for turn in self.current:
            if turn.role == "assistant":
                found = ()
            found += turn.results
        return found

    @property
    def images(self) -> int:
        return sum(turn.images for turn in self.current)

    @property
    def system(self) -> str:
        return "\n".join(turn.text for turn in self.turns if turn.role == "system")

    @property
    def everything(self) -> str:
        """All text of the conversation."""
        return "\n".join(turn.text for turn in self.turns)


def _spoken(turn: Turn) -> str:
    """Text that a person typed, not a client: reminders and wrapped context are the client's."""
    if turn.role != "user":
        return ""
    text = _REMINDER.sub("", turn.text).strip()
    return "" if _WRAPPED.fullmatch(text) else text


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value except images and other data."""
    if isinstance(value, str):
        if not value.startswith("data:"):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        media = value.get("type") == "base64"
        for name, item in value.items():
            if not (media and name == "data") and name not in {"encrypted_content", "signature"}:
                yield name
                yield from strings(item)


def weigh(*values: Any) -> int:
    """Tokens of JSON values, at four characters each."""
    return sum(len(text) for value in values for text in strings(value)) // 4 + 1


def parts(content: Any) -> list[Mapping[str, Any]]:
    """The parts of a content that may be a string, a list or nothing."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [part for part in content if isinstance(part, dict)]
    return []


def join(found: Iterable[Mapping[str, Any]]) -> str:
    """The texts of parts, one below the other."""
    return "\n".join(str(part["text"]) for part in found if isinstance(part.get("text"), str))
