"""What an account's answers must be remembered for, because their clients cannot carry it.

Two endpoints want back what many clients drop: `/responses` the id that travelled with encrypted
reasoning, `/chat/completions` (Gemini above all) the opaque reasoning of a message that holds tool
calls (`translation.md` §2.6 f and g). One `Memory` belongs to one account and lives no longer than
whoever calls in its name: reasoning of one account must never reach another one's conversation.
Nothing of it is written anywhere; numbers, sizes and times are bounded. Large requests are mended
on a thread while answers are heard on the loop, so each of the two has a lock.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from copilot_desktop.spelling import legal_id, legal_name

IDS_KEPT = 4096  # pieces of reasoning
CALLS_KEPT = 2000
KEPT_FOR = 6 * 3600.0  # seconds without use
MOST_CHARACTERS = 8 * 1024 * 1024  # of all remembered reasoning together
LONGEST_THOUGHT = 512 * 1024  # characters; what is longer is not worth everything else
ID_LIMIT = 40  # characters of a call's id on the chat endpoint


class IssuedIds:
    """Which id travelled with which encrypted reasoning. Only hashes of the reasoning are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ids: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, item: Any) -> None:
        """Note the pair of a finished item with encrypted content; others are ignored."""
        if not isinstance(item, dict):
            return
        blob, identifier = item.get("encrypted_content"), item.get("id")
        if isinstance(blob, str) and blob and isinstance(identifier, str) and identifier:
            key = _digest(blob)
            with self._lock:
                self._ids[key] = (identifier, self._clock())
                self._ids.move_to_end(key)
                while len(self._ids) > IDS_KEPT:
                    self._ids.popitem(last=False)

    def true_id(self, blob: str) -> str | None:
        """The id that Copilot gave to this reasoning, if that was seen in the last six hours."""
        key = _digest(blob)
        with self._lock:
            identifier, since = self._ids.get(key, ("", 0.0))
            if not identifier or self._clock() - since > KEPT_FOR:
                self._ids.pop(key, None)
                return None
            return identifier


class Spoken(NamedTuple):
    """A tool call in any spelling; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Thought:
    """The reasoning of one message as `/chat/completions` gave it; `text` may be empty."""

    text: str
    opaque: str = field(repr=False)


@dataclass(slots=True)
class _Kept:
    thought: Thought
    used: float

    @property
    def size(self) -> int:
        return len(self.thought.text) + len(self.thought.opaque)


class Thoughts:
    """Which reasoning each tool call came from, by the model that gave it.

    A call is known by its id. Some clients have no ids (Ollama's) or make up their own: for them it
    is known by tool and arguments, and the newest such call counts.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def keep(self, model: str, calls: Iterable[Spoken], thought: Thought) -> None:
        """Remember what `model` thought before it made `calls`. No opaque part, nothing to keep."""
        kept_size = len(thought.text) + len(thought.opaque)
        if not thought.opaque or kept_size > LONGEST_THOUGHT:
            return
        now = self._clock()
        keys = [key for call in calls for key in _keys(model, call)]
        with self._lock:
            for key in keys:
                self._forget(key)
                self._kept[key] = _Kept(thought, now)
                self._characters += kept_size
            self._prune(now)

    def of(self, model: str, calls: Iterable[Spoken]) -> Thought | None:
        """The reasoning of the message that holds `calls`, if `model` gave it."""
        known = [_keys(model, call) for call in calls]
        # All ids first: what a call says may have been said in another conversation as well.
        keys = [*(key for keys in known for key in keys[:-1]), *(keys[-1] for keys in known)]
        with self._lock:
            now = self._clock()
            self._prune(now)
            for key in keys:
                if (found := self._kept.get(key)) is not None:
                    found.used = now
                    self._kept.move_to_end(key)
                    return found.thought
        return None

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._characters = 0

    def __len__(self) -> int:
        """Entries; a call with an id has two."""
        return len(self._kept)

    def _forget(self, key: bytes) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._characters -= old.size

    def _prune(self, now: float) -> None:
        """What is used moves to the end, so the first one is always the one unused longest."""
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            full = len(self._kept) > 2 * CALLS_KEPT or self._characters > MOST_CHARACTERS
            if not full and now - oldest.used <= KEPT_FOR:
                return
            self._forget(key)


@dataclass(slots=True)
class Memory:
    """All that is remembered for one account."""

    ids: IssuedIds = field(default_factory=IssuedIds)
    thoughts: Thoughts = field(default_factory=Thoughts)


def _keys(model: str, call: Spoken) -> tuple[bytes, ...]:
    """By id, if there is one, and by content; in the spelling that Copilot gets to see."""
    try:
        meant = json.dumps(json.loads(call.arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        meant = call.arguments
    content = _digest("\0".join(("call", model, legal_name(call.name), meant)))
    if not call.id:
        return (content,)
    return (_digest("\0".join(("id", model, legal_id(call.id, ID_LIMIT)))), content)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
