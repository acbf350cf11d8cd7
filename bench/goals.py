"""What is aimed at, as a table, and what the figures say about it.

A goal is either a limit of its own or a multiple of what another target needs in the same run:
machines differ, and so do their neighbours, but nginx and a byte pass in Python meet them as well.
An *added* figure is what a target adds to direct access. Ratios are made round by round, so that
both sides come from the same minute, and the middle one counts.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Samples = Mapping[str, Mapping[str, Sequence[float | None]]]
"""target → figure → one value for each round"""

FIGURES = {
    "ttft1": "first token, 1 stream, ms",
    "ttft16": "first token, 16 streams, ms",
    "ttft128_p99": "first token, 128 streams, 99 %, ms",
    "chunk16": "a chunk's way, 16 streams, ms",
    "chunk128_p99": "a chunk's way, 128 streams, 99 %, ms",
    "cpu_paced": "CPU per chunk, 64 paced streams, µs",
    "cpu_paced_messages": "– the same, Anthropic from chat, µs",
    "cpu_full": "CPU per chunk, full speed, µs",
    "cpu_full_messages": "– the same, Anthropic from chat, µs",
    "speed_full": "full speed, 1000 chunks/s",
    "speed_full_messages": "– the same, Anthropic from chat, 1000 chunks/s",
    "cpu_small": "CPU per small request, µs",
    "speed_small": "small requests per second",
    "body_2mb": "2 MB sent, first token, ms",
    "body_20mb": "20 MB sent, first token, ms",
    "peak_20mb": "most memory with 20 MB, MiB",
    "models": "model list, ms",
    "health": "sign-in check (`GET /health`), ms",
    "start": "start to the first answer, s",
    "idle_memory": "memory after the start, MiB",
    "idle_cpu": "CPU at rest, %",
    "open_running": "of 500 streams at once, running",
    "open_memory": "memory with 500 open streams, MiB",
    "handshakes": "connections made per 100 small requests",
    "leaving": "client gone, upstream let go, ms",
    "pause_1": "first token after 6 s of rest, ms",
    "pause_2": "first token after 25 s of rest, ms",
}


@dataclass(frozen=True)
class Goal:
    """`figure` is to be at most `must`, and better `aim`; times what `of` needs, if it is given.
    `beside` is the other one's figure, where it differs. `least`: it is to be at least that."""

    figure: str
    must: float
    aim: float
    of: str | None = None
    added: bool = False
    beside: str | None = None
    least: bool = False


GOALS = (
    Goal("ttft1", 4.0, 3.0, "nginx", added=True),
    Goal("ttft16", 4.0, 3.0, "nginx", added=True),
    Goal("ttft128_p99", 6.0, 3.5, "raw bytes"),
    Goal("chunk16", 1.8, 1.4, "nginx", added=True),
    Goal("chunk128_p99", 4.0, 2.5, "raw bytes"),
    Goal("cpu_paced", 2.0, 1.6, "nginx"),
    Goal("cpu_paced_messages", 2.2, 1.8, "nginx", beside="cpu_paced"),
    Goal("cpu_full", 3.0, 1.5, "nginx"),
    Goal("cpu_full_messages", 6.0, 4.0, "nginx", beside="cpu_full"),
    Goal("cpu_small", 12.0, 6.0, "nginx"),
    Goal("body_2mb", 4.0, 2.0, "nginx", added=True),
    Goal("body_20mb", 4.0, 2.5, "nginx", added=True),
    Goal("peak_20mb", 250, 175),
    Goal("start", 2.5, 1.7, "aiohttp"),
    Goal("idle_memory", 55, 40),
    Goal("idle_cpu", 0.5, 0.1),
    Goal("open_running", 500, 500, least=True),
    Goal("open_memory", 200, 110),
    Goal("handshakes", 1.0, 0.3),
    Goal("leaving", 250, 50),
    Goal("pause_1", 20, 5),
    Goal("pause_2", 20, 5),
)


@dataclass(frozen=True)
class Limit:
    """A limit of the window and its page, which are measured apart."""

    figure: str
    must: float
    aim: float


# The window's are for a cold start; the page's are the budgets of its design.
LIMITS = (
    Limit("window visible, s", 1.5, 1.5),
    Limit("hidden window, CPU, %", 0.5, 0.1),
    Limit("first paint, ms", 300, 300),
    Limit("a press to its feedback, ms", 100, 100),
    Limit("bytes read before the first screen", 204_800, 204_800),
    *(
        Limit(f"opening {screen}, ms", 50, 50)
        for screen in ("models", "activity", "usage", "settings", "overview")
    ),
)


@dataclass(frozen=True)
class Verdict:
    """`low` and `high` are the best and the worst round."""

    middle: float
    low: float
    high: float
    reached: str


def judged(goal: Goal, samples: Samples, target: str) -> Verdict | None:
    """None where it was not measured, or could not be told from nothing."""
    values = [each for each in _rounds(goal, samples, target) if each is not None]
    if not values:
        return None
    middle = statistics.median(values)
    return Verdict(middle, min(values), max(values), reached(goal, middle))


def reached(goal: Goal | Limit, value: float) -> str:
    sign = -1 if isinstance(goal, Goal) and goal.least else 1
    if sign * value <= sign * goal.aim:
        return "aim"
    return "must" if sign * value <= sign * goal.must else "no"


def _rounds(goal: Goal, samples: Samples, target: str) -> list[float | None]:
    mine = samples.get(target, {}).get(goal.figure, ())
    if goal.of is None:
        return list(mine)
    theirs = samples.get(goal.of, {}).get(goal.beside or goal.figure, ())
    direct: Sequence[float | None] = [0.0] * len(mine)
    if goal.added:
        direct = samples.get("direct", {}).get(goal.figure, ())
    return [
        _ratio(*each) for each in zip(mine, theirs, direct, strict=False)
    ]  # rounds that all of them have


def _ratio(mine: float | None, theirs: float | None, direct: float | None) -> float | None:
    if mine is None or theirs is None or direct is None or theirs <= direct:
        return None
    return math.inf if mine == math.inf else max(0.0, (mine - direct) / (theirs - direct))
