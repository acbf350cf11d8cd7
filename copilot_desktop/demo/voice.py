"""What the assistant says, as beats that know no format.

It follows scripts. In a message, lines that begin with `demo:` are done one after the other:

    demo: write hello.txt Hello      call whichever offered tool can do that
    demo: read hello.txt             "
    demo: run ls -la                 "
    demo: call NAME {"json": 1}      call this tool with these arguments
    demo: and ...                    the same, together with the line before
    demo: say TEXT                   these words
    demo: think TEXT                 a visible thought (`redact TEXT`: a hidden one)
    demo: count 500                  a long answer
    demo: pause 2                    seconds of silence inside the answer
    demo: fail                       the stream breaks with an error
    demo: filter                     the answer is stopped by the content filter

Each round of tool calls ends the reply; when the results come back the next line is done. Without a
script it says what it heard, and calls a tool only if it must or if the message names one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from copilot_desktop.demo.ask import Ask, Tool
from copilot_desktop.demo.hands import arguments, named, pick
from copilot_desktop.demo.samples import instance


@dataclass(frozen=True, slots=True)
class Think:
    """A thought. `hidden`: it is handed over encrypted."""

    text: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `text` is JSON, or plain text if `free`."""

    name: str
    text: str
    free: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    code: str = "upstream_error"
    message: str = "upstream connection was reset"


@dataclass(frozen=True, slots=True)
class Stop:
    """The end. `sequence` is the stop sequence that was met."""

    reason: Literal["end", "tool", "length", "stop", "filter"] = "end"
    sequence: str | None = None


Beat = Think | Say | Call | Wait | Fail | Stop

_QUOTE = 400
_COUNT_LIMIT = 20_000
_WHO = (
    "This is the demo of Copilot Desktop: the answer was made on this computer, "
    "and nothing was sent to GitHub. ✓"
)


def perform(ask: Ask) -> tuple[Beat, ...]:
    """The beats of one reply; the last one is a Stop or a Fail."""
    return tuple(_within_limit(ask, _until_stop(ask, _beats(ask))))


def _beats(ask: Ask) -> Iterator[Beat]:
    beats = list(_scripted(ask) if ask.script else _improvised(ask))
    if ask.think and not any(isinstance(beat, Think) for beat in beats):
        yield Think("The demo reads the message and decides what to say.")
    for beat in beats:
        yield beat
        if isinstance(beat, Stop | Fail):
            return
    yield Stop("tool" if any(isinstance(beat, Call) for beat in beats) else "end")


def _improvised(ask: Ask) -> Iterator[Beat]:
    if ask.tools and ask.choice != "none":
        wanted = _wanted(ask)
        if wanted is not None:
            yield _call(wanted, arguments(wanted, ask.human))
            return
    yield from _close(ask)


def _wanted(ask: Ask) -> Tool | None:
    """The tool to call without a script: at most one round in a turn."""
    if ask.forced:
        return next((tool for tool in ask.tools if tool.name == ask.forced), None)
    if ask.choice == "any":
        return named(ask.tools, ask.human) or ask.tools[0]
    return None if ask.rounds else named(ask.tools, ask.human)


def _close(ask: Ask) -> Iterator[Beat]:
    """The last words of a turn."""
    if ask.form is not None:
        form = ask.form or {"type": "object", "properties": {"answer": {"type": "string"}}}
        yield Say(json.dumps(instance(form, ask.human), ensure_ascii=False))
    elif ask.results:
        count = "The tool" if len(ask.results) == 1 else "The tools"
        answers = "\n".join(text.strip()[:_QUOTE] for text in ask.results)
        yield Say(f"Done. {count} answered:\n{answers}")
    else:
        yield Say(_echo(ask))


def _echo(ask: Ask) -> str:
    seen = ""
    if ask.images:
        seen = f"I see {ask.images} image{'s' if ask.images > 1 else ''}. "
    said = ask.human.strip()
    if len(said) > _QUOTE:
        said = said[:_QUOTE] + "…"
    return f"{seen}You said: “{said}”\n\n{_WHO}" if said else f"{seen}{_WHO}"


# Scripts.


def _scripted(ask: Ask) -> Iterator[Beat]:
    """What the script wants now: the lines after the rounds of calls that are already done."""
    skip = ask.rounds
    spoke = False
    for group in _groups(ask.script):
        beats = [beat for line in group for beat in _line(ask, line)]
        if not any(isinstance(beat, Call) for beat in beats):
            if not skip:
                spoke = spoke or any(isinstance(beat, Say) for beat in beats)
                yield from beats
            continue
        if skip:
            skip -= 1
            continue
        yield from beats if ask.parallel else _first_call(beats)
        return
    if not spoke:
        yield from _close(ask)


def _groups(lines: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for line in lines:
        if line.startswith("and ") and group:
            group.append(line[4:])
            continue
        if group:
            yield group
        group = [line]
    if group:
        yield group


def _first_call(beats: Iterable[Beat]) -> Iterator[Beat]:
    for beat in beats:
        yield beat
        if isinstance(beat, Call):
            return


def _line(ask: Ask, line: str) -> Iterator[Beat]:
    verb, _, rest = line.strip().partition(" ")
    match verb.lower():
        case "say":
            yield Say(rest.replace("\\n", "\n"))
        case "think":
            yield Think(rest)
        case "redact":
            yield Think(rest, hidden=True)
        case "count":
            number = min(int(rest), _COUNT_LIMIT) if rest.isdigit() else 10
            yield Say(" ".join(str(place) for place in range(1, number + 1)))
        case "pause":
            yield Wait(float(rest) if re.fullmatch(r"\d+(\.\d+)?", rest) else 1.0)
        case "fail":
            yield Fail(message=rest or "upstream connection was reset")
        case "filter":
            yield Say("Here is")
            yield Stop("filter")
        case "write" | "read" | "run" | "call":
            yield _deed(ask, verb.lower(), rest)
        case _:
            yield Say(f"The demo does not know “{verb}”. ")


def _deed(ask: Ask, verb: str, rest: str) -> Beat:
    if not ask.tools or ask.choice == "none":
        return Say(f"I would {verb} {rest}, but no tool was offered. ")
    found = pick(ask, verb, rest)
    if found is None:
        return Say(f"None of the offered tools can {verb}. ")
    return _call(*found)


def _call(tool: Tool, wanted: Any) -> Call:
    if tool.free:
        return Call(tool.name, wanted if isinstance(wanted, str) else json.dumps(wanted), free=True)
    if isinstance(wanted, str):
        return Call(tool.name, wanted)
    return Call(tool.name, json.dumps(wanted, ensure_ascii=False, separators=(",", ":")))


# Limits.


def _until_stop(ask: Ask, beats: Iterable[Beat]) -> Iterator[Beat]:
    """Cut the first words that hold a stop sequence."""
    for beat in beats:
        if isinstance(beat, Say):
            found = [(place, stop) for stop in ask.stops if (place := beat.text.find(stop)) >= 0]
            if found:
                place, stop = min(found)
                yield Say(beat.text[:place])
                yield Stop("stop", stop)
                return
        yield beat


def _within_limit(ask: Ask, beats: Iterable[Beat]) -> Iterator[Beat]:
    """Cut where the output limit is reached: also in the middle of a call."""
    left = None if ask.limit is None else ask.limit * 4
    for beat in beats:
        if left is None or not isinstance(beat, Think | Say | Call):
            yield beat
            continue
        if len(beat.text) >= left:
            yield replace(beat, text=beat.text[:left])
            yield Stop("length")
            return
        left -= len(beat.text)
        yield beat
