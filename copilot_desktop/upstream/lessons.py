"""What refusals have taught about each model, kept for a week.

GitHub's list of models does not say everything: a model may want an effort where a budget is
listed, or refuse a field that its siblings take. When Copilot refuses a request and says why, the
request is healed once (`healing`) and the reason is remembered here; `corrected` then mends the
`Model` that the catalogue hands out, so that the next request is right from the start and nobody
else needs to know of lessons (`translation.md` §14). A lesson runs out after its time, because
Copilot changes; a wrong one costs one refused call more.

Beside them stands how many real tokens an estimated one is for each model (§12.5): a moving
average over finished requests, so that counts get better with use.

All of it is about models, not about people; no content is kept. It goes with the model list when
the account goes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from copilot_desktop.atomic import read_file, replace_file
from copilot_desktop.model import CHAT, LADDER, MESSAGES, RESPONSES, Model

log = logging.getLogger(__name__)

About = Literal[
    "thinking",
    "efforts",
    "max_tokens_key",
    "endpoint",
    "no_prefill",
    "no_forced_tool",
    "no_temperature",
    "bad_path",
]

WEEK = 7 * 86_400.0
TEN_MINUTES = 600.0
FILE_NAME = "lessons.json"

_FORMAT = 1
_FILE_LIMIT = 512 * 1024
_MOST_MODELS = 200
_MOST_LESSONS = 32  # of one model
_LONGEST = 200  # characters of a value
# What it may raise to read a kept file that holds something else.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
_PAUSE = 60.0  # seconds between two writes that are only about counting

ALPHA = 0.1  # how much one more request moves the average
LEAST_RATIO, MOST_RATIO = 0.8, 2.5
CLAUDE_RATIO = 1.25
CALIBRATED = 3  # requests after which an estimate is believed
LEAST_WEIGHT = 100  # tokens; in smaller requests the frame weighs more than the text


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing to know about a model. `value`: "required" for thinking, a comma separated list for
    efforts, a path, an endpoint, a key; empty for the flags. `lasts` in seconds."""

    about: About
    value: str = ""
    lasts: float = WEEK


@dataclass(frozen=True, slots=True)
class Learned:
    """A lesson in the book; times in seconds since the epoch."""

    lesson: Lesson
    at: float
    until: float

    def holds(self, now: float) -> bool:
        """Not over, and not from a clock that ran ahead by more than the lesson's whole life."""
        return now < self.until <= now + WEEK


@dataclass(frozen=True, slots=True)
class Ratio:
    """Real tokens for one estimated token, and how many requests say so."""

    value: float
    seen: int = 0

    @property
    def calibrated(self) -> bool:
        return self.seen >= CALIBRATED


_FIRST, _FIRST_FOR_CLAUDE = Ratio(1.0), Ratio(CLAUDE_RATIO)


class Lessons:
    """`path` None keeps nothing on disk. `wall` gives seconds since the epoch."""

    def __init__(self, path: Path | None = None, *, wall: Callable[[], float] = time.time) -> None:
        self.on_change: Callable[[], None] | None = None
        self._path = path
        self._wall = wall
        self._learned: dict[str, list[Learned]] = {}
        self._ratios: dict[str, Ratio] = {}
        self._dirty = False
        self._written_at: float | None = None
        self._writing = asyncio.Lock()

    # ------------------------------------------------------------------------ lessons

    def learn(self, model: str, lesson: Lesson) -> None:
        """Remember it, or that it still holds."""
        now = self._wall()
        lesson = replace(lesson, value=lesson.value[:_LONGEST])
        once = lesson.about not in ("endpoint", "bad_path")  # of the others the newest counts
        kept = [
            known
            for known in self._learned.pop(model, [])
            if known.holds(now)
            and not (
                known.lesson.about == lesson.about and (once or known.lesson.value == lesson.value)
            )
        ]
        kept.append(Learned(lesson, now, now + lesson.lasts))
        self._learned[model] = kept[-_MOST_LESSONS:]
        while len(self._learned) > _MOST_MODELS:
            del self._learned[next(iter(self._learned))]
        log.info("Learned about %s: %s %s", model, lesson.about, lesson.value)
        self._changed()

    def known(self) -> Mapping[str, tuple[Learned, ...]]:
        """What holds now, by model id, oldest first."""
        now = self._wall()
        found = {
            model: tuple(each for each in learned if each.holds(now))
            for model, learned in self._learned.items()
        }
        return {model: learned for model, learned in found.items() if learned}

    def corrected(self, model: Model) -> Model:
        """`model` with everything that was learned about it."""
        learned = self._learned.get(model.id)
        if not learned:
            return model
        now = self._wall()
        for each in learned:
            if each.holds(now):
                model = taught(model, each.lesson)
        return model

    def forget(self, model: str | None = None) -> int:
        """Forget what is known of one model, or of all; how many lessons that were."""
        gone = self.known()
        if model is None:
            count = sum(len(learned) for learned in gone.values())
            self._learned.clear()
            self._ratios.clear()
        else:
            count = len(gone.get(model, ()))
            self._learned.pop(model, None)
            self._ratios.pop(model, None)
        self._changed()
        return count

    # ------------------------------------------------------------------------ counting

    def ratio(self, model: Model) -> Ratio:
        """What an estimate for `model` is to be multiplied by."""
        known = self._ratios.get(model.id)
        return known or (_FIRST_FOR_CLAUDE if model.is_claude else _FIRST)

    def weighed(self, model: Model, estimate: int, real: int) -> None:
        """A request of `estimate` tokens turned out to have `real` ones; the first counts fully."""
        if estimate < LEAST_WEIGHT or real < 1:
            return
        found = min(max(real / estimate, LEAST_RATIO), MOST_RATIO)
        known = self._ratios.pop(model.id, None)
        if known is None:
            self._ratios[model.id] = Ratio(found, 1)
        else:
            value = known.value + ALPHA * (found - known.value)
            self._ratios[model.id] = Ratio(value, min(known.seen + 1, 1_000_000))
        while len(self._ratios) > _MOST_MODELS:
            del self._ratios[next(iter(self._ratios))]
        self._dirty = True

    # ------------------------------------------------------------------------ on disk

    def load(self) -> None:
        """Take what is on disk, if it can be read. Never raises."""
        if self._path is None:
            return
        try:
            kept = json.loads(read_file(self._path, _FILE_LIMIT))
            if kept["v"] == _FORMAT:
                self._learned = _lessons_in(kept, self._wall())
                self._ratios = _ratios_in(kept)
        except FileNotFoundError:
            return
        except (OSError, *NONSENSE) as error:
            log.info("The kept lessons are not usable: %s", type(error).__name__)
        self._tell()

    async def keep(self, *, now: bool = True) -> None:
        """Write what is new. With `now=False` at most once a minute. Never raises."""
        if self._path is None or not self._dirty:
            return
        recent = self._written_at is not None and abs(self._wall() - self._written_at) < _PAUSE
        if recent and not now:
            return
        async with self._writing:
            self._dirty, self._written_at = False, self._wall()
            content = json.dumps(self._to_json(), separators=(",", ":")).encode()
            try:
                await asyncio.to_thread(replace_file, self._path, content)
            except OSError as error:
                log.warning("The lessons could not be kept in %s: %s", self._path, error)

    def clear(self) -> None:
        """Forget everything, also on disk: the account is gone."""
        self._learned.clear()
        self._ratios.clear()
        self._dirty = False
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        self._tell()

    def _to_json(self) -> dict[str, Any]:
        return {
            "v": _FORMAT,
            "learned": {
                model: [
                    {
                        "about": each.lesson.about,
                        "value": each.lesson.value,
                        "at": each.at,
                        "until": each.until,
                    }
                    for each in learned
                ]
                for model, learned in self.known().items()
            },
            "ratios": {
                model: {"value": ratio.value, "seen": ratio.seen}
                for model, ratio in self._ratios.items()
            },
        }

    def _changed(self) -> None:
        self._dirty = True
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()


def taught(model: Model, lesson: Lesson) -> Model:
    """`model` as `lesson` says it is. A lesson that makes no sense changes nothing."""
    match lesson.about:
        case "thinking" if lesson.value == "required":
            return replace(model, thinking="required")
        case "efforts":
            named = lesson.value.split(",")
            return replace(model, efforts=tuple(each for each in LADDER if each.value in named))
        case "max_tokens_key" if lesson.value == "max_tokens":
            return replace(model, max_tokens_key="max_tokens")
        case "max_tokens_key" if lesson.value == "max_completion_tokens":
            return replace(model, max_tokens_key="max_completion_tokens")
        case "endpoint":
            return _without_endpoint(model, lesson.value)
        case "no_prefill":
            return replace(model, no_prefill=True)
        case "no_forced_tool":
            return replace(model, no_forced_tool=True)
        case "no_temperature":
            return replace(model, no_temperature=True)
        case "bad_path" if lesson.value:
            return replace(model, bad_paths=model.bad_paths | {lesson.value})
    return model


def _without_endpoint(model: Model, endpoint: str) -> Model:
    """Refused endpoints are gone around only as long as there is another way to talk."""
    left = tuple(each for each in model.endpoints if each != endpoint)
    return replace(model, endpoints=left) if {CHAT, RESPONSES, MESSAGES} & set(left) else model


def _lessons_in(kept: Mapping[str, Any], now: float) -> dict[str, list[Learned]]:
    """Each entry that can be understood and still holds."""
    found: dict[str, list[Learned]] = {}
    for model, entries in list(kept["learned"].items())[:_MOST_MODELS]:
        for entry in entries[:_MOST_LESSONS]:
            at, until = float(entry["at"]), float(entry["until"])
            about, value = entry["about"], str(entry.get("value", ""))[:_LONGEST]
            if about not in get_args(About):
                continue
            learned = Learned(Lesson(about, value, until - at), at, until)
            if learned.holds(now):
                found.setdefault(model, []).append(learned)
    return found


def _ratios_in(kept: Mapping[str, Any]) -> dict[str, Ratio]:
    return {
        model: Ratio(min(max(LEAST_RATIO, float(entry["value"])), MOST_RATIO), int(entry["seen"]))
        for model, entry in list(kept["ratios"].items())[:_MOST_MODELS]
    }
