"""When sending stops by itself: after a warning, at a closed door, and while a limit lasts.

    warned     GitHub noticed the use (`alarms`)        until the user resumes by hand
    refused    three 403 without a reason in 10 s       30 s, then twice as long each time, 5 min
    limited    three 429 in a row of one kind           until the wait that was named is over

The first two stop everything, a limit only what it is about (`translation.md` §13.2,
`upstream.md` §11.2). The point of all three is to ask GitHub less when it says no: repeated
requests lengthen a block. What is in force outlives the app (`memory`, `recall`), so that a restart
is no way around it. Knows problems and times, not who asks; nothing here waits or sends.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from weakref import ref

from copilot_desktop.errors import Busy, Paused, Problem, RateLimited, spoken_wait
from copilot_desktop.proxy.alarms import is_closed_door, is_warning, limited_model

COOL_DOWN = 1800.0  # seconds to wait after a warning that names no time
DOORS, DOOR_WINDOW = 3, 10.0  # so many 403 without a reason within so many seconds
SHORTEST_STOP, LONGEST_STOP = 30.0, 300.0
HITS = 3  # 429 in a row until the next one is answered here
UNNAMED_WAIT = 30.0  # seconds, for a limit that names none
FORGOTTEN = 3600.0  # seconds after which hits are not "in a row" any more
MOST_LIMITS = 64
MOST_TOLD = 16  # problems that are known again
LONGEST_WORDS = 500
LONGEST_WAIT = 10 * 365 * 86_400.0
SET_BACK = 60.0  # seconds; a clock that is further behind was wrong when it began

Json = dict[str, Any]
Reason = Literal["warned", "refused"]


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing is sent. Times in seconds since the epoch; `words` are GitHub's, without secrets.

    `until` is the end of the countdown: there a `refused` halt ends, a `warned` one waits for a
    hand.
    """

    reason: Reason
    since: float
    until: float
    words: str = ""
    code: str = ""

    @property
    def by_hand(self) -> bool:
        return self.reason == "warned"


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests for `model` (empty: for all) are answered here until `until`."""

    model: str
    until: float
    words: str = ""
    code: str = ""


@dataclass(slots=True)
class _Streak:
    hits: int
    last: float
    limit: Limit


class Circuit:
    """`clock` gives seconds since the epoch: what is kept must mean the same after a restart."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._halt: Halt | None = None
        self._doors: deque[float] = deque(maxlen=DOORS)
        self._stops = 0  # how often in a row the door was found closed
        self._streaks: dict[tuple[str, str], _Streak] = {}
        # Weak: a problem holds its traceback, and with it the request.
        self._told: deque[ref[Problem]] = deque(maxlen=MOST_TOLD)

    @property
    def halt(self) -> Halt | None:
        """What stops everything right now."""
        halt = self._halt
        if halt is None or halt.by_hand or halt.since - SET_BACK < self.clock() < halt.until:
            return halt
        return None

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What is answered here right now."""
        return tuple(each.limit for each in self._in_force())

    @property
    def next_change(self) -> float | None:
        """When a countdown ends, if one runs."""
        now = self.clock()
        moments = [limit.until for limit in self.limits]
        if self.halt is not None:
            moments.append(self.halt.until)
        return min((moment for moment in moments if moment > now), default=None)

    def check(self, model: str) -> None:
        """May a request for `model` go out? Raises Paused, or RateLimited with what is left."""
        if self._halt is None and not self._streaks:
            return
        now = self.clock()
        if (halt := self.halt) is not None:
            raise paused(halt, now)
        about = [limit for limit in self.limits if limit.model in {"", model}]
        if about:
            longest = max(about, key=lambda limit: limit.until)
            raise RateLimited(
                longest.words, code=longest.code or None, retry_after=longest.until - now
            )

    def heard(self, problem: Problem, model: str = "") -> bool:
        """What a request for `model` met; whether anything has changed by it."""
        if isinstance(problem, Busy):  # our own line is full; GitHub said nothing
            return False
        if any(told() is problem for told in self._told):  # views tell the same again and again
            return False
        self._told.append(ref(problem))
        if is_warning(problem):
            return self._stop_for_warning(problem)
        if is_closed_door(problem):
            return self._stop_at_door(problem)
        if isinstance(problem, RateLimited):
            about = limited_model(problem, model)
            return about is not None and self._count(problem, about)
        return False

    def well(self, model: str, began: float) -> bool:
        """A request for `model` that began at `began` was answered; whether anything has changed.

        An answer that was under way before a refusal says nothing about what came after it.
        """
        if not (self._doors or self._stops or self._streaks):
            return False
        before, now = (self._stops, len(self._streaks)), self.clock()
        if not self._doors or self._doors[-1] < began:
            self._doors.clear()
            self._stops = 0 if self.halt is None else self._stops
        for key, streak in list(self._streaks.items()):
            if key[1] in {"", model} and not began <= streak.last <= now + SET_BACK:
                del self._streaks[key]
        return before != (self._stops, len(self._streaks))

    def resume(self) -> None:
        """The user wants sending to go on. Limits stay: they are GitHub's."""
        self._halt = None
        self._doors.clear()
        self._stops = 0

    def forget_limits(self) -> None:
        """They were those of a plan that the account has no more. A halt stays."""
        self._streaks.clear()

    # ------------------------------------------------------------------------ over restarts

    def memory(self) -> Json:
        """What must outlive the app; empty if nothing is in force."""
        memory = {
            "halt": asdict(self.halt) if self.halt else None,
            "stops": self._stops,
            "limits": [{**asdict(each.limit), "since": each.last} for each in self._in_force()],
        }
        return {name: value for name, value in memory.items() if value}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take up what `memory` holds; nonsense in it is passed over."""
        now = self.clock()
        self._halt = _halt_from(memory.get("halt"), now)
        stops = memory.get("stops")
        self._stops = min(max(stops, 0), 10) if isinstance(stops, int) else 0
        kept = memory.get("limits")
        for raw in kept[:MOST_LIMITS] if isinstance(kept, list) else ():
            if (limit := _limit_from(raw, now)) is not None:
                since = _moment(raw.get("since"))
                last = now if since is None else since
                self._streaks[limit.code, limit.model] = _Streak(HITS, last, limit)

    # ------------------------------------------------------------------------ inner workings

    def _in_force(self) -> list[_Streak]:
        now = self.clock()
        return [
            each
            for each in self._streaks.values()
            if each.hits >= HITS and each.last - SET_BACK < now < each.limit.until
        ]

    def _stop_for_warning(self, problem: Problem) -> bool:
        now = self.clock()
        wait = max(COOL_DOWN, min(problem.retry_after or 0.0, LONGEST_WAIT))
        self._halt = Halt("warned", now, now + wait, problem.detail, problem.code or "")
        return True

    def _stop_at_door(self, problem: Problem) -> bool:
        now = self.clock()
        self._doors.append(now)
        crowded = len(self._doors) == DOORS and now - self._doors[0] <= DOOR_WINDOW
        if self.halt is not None or not (crowded or self._stops):
            return False
        wait = min(SHORTEST_STOP * 2**self._stops, LONGEST_STOP)
        self._stops += 1
        self._halt = Halt("refused", now, now + wait, problem.detail)
        return True

    def _count(self, problem: RateLimited, model: str) -> bool:
        now, key = self.clock(), (problem.code or "", model)
        wait = UNNAMED_WAIT if problem.retry_after is None else problem.retry_after
        limit = Limit(model, now + min(wait, LONGEST_WAIT), problem.detail, problem.code or "")
        known = self._streaks.pop(key, None)
        if known is not None and now - max(known.last, known.limit.until) > FORGOTTEN:
            known = None
        self._streaks[key] = _Streak((known.hits if known else 0) + 1, now, limit)
        while len(self._streaks) > MOST_LIMITS:
            del self._streaks[next(iter(self._streaks))]
        return self._streaks[key].hits >= HITS


def paused(halt: Halt, now: float) -> Paused:
    """The problem that clients are told while `halt` is in force."""
    if halt.by_hand:
        reason = "GitHub has warned about this use"
        way_on = "Open Copilot Desktop, or run copilot-desktop resume, to go on."
        return Paused(halt.words, fields={"reason": reason, "way_on": way_on})
    left = halt.until - now
    reason = "GitHub refused several requests without a reason"
    way_on = f"It goes on by itself in {spoken_wait(left)}."
    return Paused(halt.words, fields={"reason": reason, "way_on": way_on}, retry_after=left)


def _halt_from(raw: object, now: float) -> Halt | None:
    match raw:
        case {"reason": "warned" | "refused" as reason, "since": given, "until": end}:
            since, until = _moment(given), _moment(end)
            if since is None or until is None:
                return None
            longest = LONGEST_WAIT if reason == "warned" else LONGEST_STOP
            until = min(until, now + longest)
            halt = Halt(reason, since, until, _text(raw, "words"), _text(raw, "code"))
            return halt if halt.by_hand or until > now else None
    return None


def _limit_from(raw: object, now: float) -> Limit | None:
    match raw:
        case {"model": str(model), "until": end}:
            until = _moment(end)
            if until is None or until <= now:
                return None
            until = min(until, now + LONGEST_WAIT)
            return Limit(model[:200], until, _text(raw, "words"), _text(raw, "code"))
    return None


def _moment(value: object) -> float | None:
    """A number that can be one: JSON's may have any length."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        return None
    return float(value)


def _text(raw: object, name: str) -> str:
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return value[:LONGEST_WORDS] if isinstance(value, str) else ""
