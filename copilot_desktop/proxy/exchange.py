"""One request and its answer as seen from outside, and the list of the latest ones.

Holds counts, times and names, never content. An `Exchange` is written by the relay while it runs
and read by views afterwards; `Traffic` keeps the last 2,000. Where somebody asked to see what
passed through, a `tape` hangs on it as long as it runs.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Literal

from copilot_desktop.canonical import Usage
from copilot_desktop.days import day_of
from copilot_desktop.proxy.keys import Caller
from copilot_desktop.proxy.origins import RefusedOrigins
from copilot_desktop.proxy.tape import Tape
from copilot_desktop.redaction import redact

KEPT = 2000
LONGEST_TEXT = 1000  # characters
MOST_NOTES = 20

Outcome = Literal["open", "ok", "failed", "cancelled", "refused"]

# How clients name themselves in `User-Agent` (`clients.md`), for the list of requests.
_CLIENTS = (
    ("copilotdesktop-playground", "Playground"),
    ("copilotdesktop-test", "Connection test"),
    ("githubcopilotchat", "VS Code"),
    ("claude-cli", "Claude Code"),
    ("codex", "Codex"),
    ("opencode", "opencode"),
    ("aider", "aider"),
    ("continue", "Continue"),
    ("zed", "Zed"),
    ("qwencode", "Qwen Code"),
    ("cline", "Cline"),
    ("copilot", "Copilot CLI"),
    ("anthropic/", "Anthropic SDK"),
    ("openai/", "OpenAI SDK"),
    ("asyncopenai/", "OpenAI SDK"),
    ("ai-sdk", "AI SDK"),
    ("curl/", "curl"),
)


@dataclass(slots=True, eq=False)
class Exchange:
    """Times in milliseconds, `at` in seconds since the epoch."""

    id: int
    client: str
    dialect: str
    at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    model_asked: str = ""
    model_used: str = ""
    route: str = ""
    initiator: str = ""
    stream: bool = False
    status: int = 0
    outcome: Outcome = "open"
    usage: Usage | None = None
    nano_credits: int | None = None  # 1e9 = one AI credit; None where Copilot did not say
    multiplier: float | None = None  # what the model counts for, in plans of premium requests
    factor: float | None = None  # the same by the list alone; 0 also where tokens cost nothing
    first_ms: int | None = None
    took_ms: int | None = None
    notes: list[str] = field(default_factory=list)
    error: str = ""
    request_id: str = ""
    attempts: int = 0  # calls that it cost upstream
    upstream_status: int | None = None  # of the last answer of Copilot
    account: str = ""  # whose Copilot it used; empty where clients bring their own
    # Why it waits, or was not sent: queue, approval; busy, denied, paused, limited (`brakes`).
    held: str = ""
    settled: bool = False  # nothing of it changes any more
    key: str = ""  # the name of the local key that it came with, if that has one
    tape: Tape | None = field(default=None, repr=False)

    def first_byte(self) -> None:
        """The client got its first byte of the answer now."""
        if self.first_ms is None:
            self.first_ms = self._elapsed()

    def finish(self, outcome: Outcome) -> None:
        """Close the record; the first call wins."""
        if self.outcome == "open":
            self.outcome = outcome
            self.took_ms = self._elapsed()

    def shorten(self) -> None:
        """Before it is kept: what a client or upstream made up may be as long as all it sent."""
        self.notes = [redact(note[:LONGEST_TEXT]) for note in self.notes[:MOST_NOTES]]
        self.error = self.error[:LONGEST_TEXT]
        self.request_id = self.request_id[:LONGEST_TEXT]

    def note_line(self) -> str:
        """The notes for the response header: ASCII, at most 1 KiB."""
        line = f"route={self.route}"
        if self.initiator:
            line += f"; initiator={self.initiator}"
        # Tokens and cost, as far as they are known before the head of the answer is sent.
        if (usage := self.usage) is not None:
            line += f"; input={usage.input}; output={usage.output}"
            if usage.cache_read or usage.cache_write:
                line += f"; cache={usage.cache_read}+{usage.cache_write}"
        if self.nano_credits is not None:
            line += f"; credits={round(self.nano_credits / 1e9, 6):g}"
        elif self.multiplier is not None:
            line += f"; multiplier={self.multiplier:g}"
        if self.notes:
            line = "; ".join((line, *_grouped(self.notes)))
        line = line[:1024]
        if line.isascii() and line.isprintable():
            return line
        return "".join(c if " " <= c <= "~" else "?" for c in line)

    @property
    def credits(self) -> float | None:
        """What Copilot says that this answer has cost."""
        return None if self.nano_credits is None else self.nano_credits / 1e9

    def _elapsed(self) -> int:
        return round((time.monotonic() - self.started) * 1000)


def _grouped(notes: list[str]) -> list[str]:
    """`dropped=a` and `dropped=b` as `dropped=a,b` (`translation.md` §1.4)."""
    groups: dict[str, list[str]] = {}
    for note in notes:
        key, _, what = note.partition("=")
        groups.setdefault(key, []).append(what)
    return [f"{key}={','.join(dict.fromkeys(found))}" for key, found in groups.items()]


@lru_cache(maxsize=64)  # each client says the same with each request
def client_name(user_agent: str) -> str:
    """Words for a client: `claude-cli/2.1 (external, cli)` is "Claude Code".

    They are written into files and shown in sentences, so there is nothing in them that cannot be:
    a header in Latin-1 comes as half characters, and others would turn the words around them.
    """
    lowered = user_agent.lower()
    for token, name in _CLIENTS:
        if token in lowered:
            return name
    name = user_agent.split("/", 1)[0].strip()[:32] or "Unknown"
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)


class Traffic:
    """The open exchanges, the latest finished ones, and whose requests were not let in."""

    def __init__(self) -> None:
        self._recent: deque[Exchange] = deque(maxlen=KEPT)
        self._next = 1
        self.day = ""  # on which `today` were counted
        self.in_flight = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.today = 0
        self.refused_origins = RefusedOrigins()
        self.whose: Callable[[], str] = lambda: ""  # the account that new exchanges use
        self.on_change: Callable[[], None] = lambda: None
        self.on_finished: Callable[[Exchange], None] = lambda _: None
        self.cleared = 0  # how often the list was emptied
        # For whom a tape is put in, by `User-Agent`, and what becomes of it.
        self.tape_for: Callable[[str], Tape | None] = lambda _: None
        self.on_taped: Callable[[Exchange, Tape], None] = lambda *_: None

    @property
    def recent(self) -> tuple[Exchange, ...]:
        """Newest first."""
        return tuple(reversed(self._recent))

    def open(self, user_agent: str, dialect: str, caller: Caller | None = None) -> Exchange:
        """`caller` None: known by its `User-Agent` alone."""
        caller = caller or Caller(client_name(user_agent))
        exchange = Exchange(
            self._next,
            caller.name,
            dialect,
            time.time(),
            account=self.whose(),
            key=caller.key.name if caller.key else "",
        )
        self._next += 1
        if (tape := self.tape_for(user_agent)) is not None:
            exchange.tape, tape.exchange = tape, exchange.id
        self._recent.append(exchange)
        if not self.in_flight:
            self.idle.clear()
        self.in_flight += 1
        self._count_day(exchange.at)
        self.on_change()
        return exchange

    def close(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.finish(outcome)
        if exchange.notes or exchange.error or len(exchange.request_id) > LONGEST_TEXT:
            exchange.shorten()
        exchange.settled = True
        self.in_flight -= 1
        if not self.in_flight:
            self.idle.set()
        if (tape := exchange.tape) is not None:
            exchange.tape = None
            self.on_taped(exchange, tape)
        self.on_finished(exchange)
        self.on_change()

    def clear(self) -> None:
        """Forget the exchanges that have ended."""
        going_on = [each for each in self._recent if not each.settled]
        self._recent.clear()
        self._recent.extend(going_on)
        self.cleared += 1
        self.on_change()

    def resume(self, earlier: int) -> None:
        """So many requests of today came before the start."""
        self._count_day(time.time(), earlier)
        self.on_change()

    def since(self, first: int) -> tuple[Exchange, ...]:
        """The exchanges from the id `first` on, oldest first."""
        newer = takewhile(lambda each: each.id >= first, reversed(self._recent))
        return tuple(newer)[::-1]

    def _count_day(self, now: float, more: int = 1) -> None:
        day = day_of(now)
        self.today = self.today + more if day == self.day else more
        self.day = day
