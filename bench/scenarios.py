"""What is done to each target. A scenario gets the fake's controls and one target, and returns
figures by their name in `goals.FIGURES`.

Two kinds must not be mixed. In a *paced* scenario client, fake and target all have time to spare,
so what is measured is delay, and the target's CPU for a known number of chunks. In an *unpaced* one
whoever is slowest is measured, so the fake and the client have to be faster (see `run.Strength`).
Connections of the client are kept and warm, as an editor's are.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench import load, machine
from bench.targets import OURS, Fake, Target

Figures = dict[str, float]
SMALL: dict[str, object] = {"model": "gpt-bench", "messages": [{"role": "user", "content": "hi"}]}
CHAT: dict[str, object] = {"stream": True, **SMALL}
MESSAGES: dict[str, object] = {**CHAT, "max_tokens": 64}
CHAT_PATH, MESSAGES_PATH = "/v1/chat/completions", "/v1/messages"
ENDLESS = 1_000_000  # chunks; such streams are left
NEVER = math.inf
SLOW = 1.0  # seconds for two megabytes, from which twenty are not tried
HANDSHAKE = 0.06  # seconds that a new connection costs in `pauses`
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Size:
    """How much is done. Times in seconds, bodies in bytes."""

    rounds: int = 3
    requests: int = 100  # one after the other
    answer: int = 25  # chunks of a paced answer
    paced: float = 1.2
    unpaced: float = 0.8
    chunks: int = 100_000
    bodies: tuple[int, int] = (2_000_000, 20_000_000)
    big: tuple[int, int] = (5, 2)  # how often each of them
    many: int = 128
    open: int = 500
    leaves: int = 5
    pauses: tuple[float, ...] = (6.0, 25.0)
    budget: float = 265.0  # seconds for one way upstream; a round that will not fit is left out


QUICK = Size(
    rounds=1, requests=30, answer=8, paced=0.4, unpaced=0.3, chunks=40_000, big=(3, 1),
    leaves=2, pauses=(6.0,), budget=36.0,
)  # fmt: skip
TINY = Size(
    rounds=1, requests=2, answer=2, paced=0.05, unpaced=0.02, chunks=200, bodies=(20_000, 200_000),
    big=(1, 1), many=8, open=8, leaves=1, pauses=(0.1,), budget=20.0,
)  # fmt: skip


class Controls:
    """The fake's benchmark routes."""

    def __init__(self, fake: Fake) -> None:
        self._url = f"http://127.0.0.1:{fake.control}"

    def plan(self, chunks: int, gap: float = 0.0, hold: float = 0.0) -> dict[str, Any]:
        body = json.dumps({"chunks": chunks, "gap": gap, "hold": hold}).encode()
        return self._ask("/__plan", body)

    def stats(self) -> dict[str, Any]:
        return self._ask("/__stats", None)

    def _ask(self, path: str, body: bytes | None) -> dict[str, Any]:
        asked = urllib.request.Request(self._url + path, data=body)
        with _straight.open(asked, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


Scenario = Callable[[Controls, Target, Size], Awaitable[Figures]]


def raw(target: Target, path: str, body: dict[str, object]) -> bytes:
    return load.request(target.port, path, body)


def lines(count: int, target: Target) -> contextlib.AbstractAsyncContextManager[list[load.Line]]:
    return load.lines(count, target.port)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Meter:
    """CPU of a target between two moments, in seconds; nothing for direct access."""

    def __init__(self, target: Target) -> None:
        self._pid = target.pid
        self._before = self._now()

    def _now(self) -> float | None:
        return machine.cpu_seconds(self._pid) if self._pid else None

    def per(self, count: int) -> float | None:
        """Microseconds for each of `count`."""
        now = self._now()
        return None if now is None or self._before is None else (now - self._before) / count * 1e6


def known(**figures: float | None) -> Figures:
    return {name: value for name, value in figures.items() if value is not None}


# ------------------------------------------------------------------------------------- delays


async def one_stream(controls: Controls, target: Target, size: Size) -> Figures:
    controls.plan(3)
    asked = raw(target, CHAT_PATH, CHAT)
    async with lines(1, target) as (line,):
        for _ in range(3):
            await line.ask(asked)
        times = [(await line.ask(asked)).first for _ in range(size.requests)]
    return {"ttft1": statistics.median(times) * 1000}


async def delays(
    controls: Controls, target: Target, size: Size, count: int, gap: float
) -> tuple[list[float], list[float]]:
    """(first tokens, chunks), each in milliseconds, of `count` paced streams side by side."""
    controls.plan(size.answer, gap)
    asked = raw(target, CHAT_PATH, CHAT)
    length = size.answer * gap
    async with lines(count, target) as made:
        await load.keep_asking(made, asked, 0, length, watched=False)  # connections, caches
        heard = await load.keep_asking(made, asked, size.paced, length, watched=True)
    return (
        [each.first * 1000 for each in heard],
        [lag / 1e6 for each in heard for lag in each.lags],
    )


async def streams16(controls: Controls, target: Target, size: Size) -> Figures:
    first, chunks = await delays(controls, target, size, 16, 0.02)
    return {"ttft16": statistics.median(first), "chunk16": statistics.median(chunks)}


async def streams128(controls: Controls, target: Target, size: Size) -> Figures:
    first, chunks = await delays(controls, target, size, size.many, 0.04)
    return {"ttft128_p99": percentile(first, 0.99), "chunk128_p99": percentile(chunks, 0.99)}


# --------------------------------------------------------------------------------------- CPU


async def paced_cpu(
    controls: Controls, target: Target, size: Size, path: str, body: dict[str, object]
) -> float | None:
    """Of 64 streams that are under way, one chunk each 20 ms."""
    if target.pid is None:
        return None
    controls.plan(ENDLESS, 0.02)
    asked = raw(target, path, body)
    async with lines(size.many // 2, target) as made:
        heard = await asyncio.gather(*(line.begin(asked) for line in made))
        await asyncio.sleep(0.1)
        meter, before = Meter(target), sum(each.received for each in heard)
        start = controls.stats()["chunks"]
        await asyncio.sleep(size.paced)
        count = controls.stats()["chunks"] - start
        cost = meter.per(max(count, 1))
        if sum(each.received for each in heard) <= before:
            raise load.Failed("no chunk came")
    controls.plan(1)
    return cost


async def paced(controls: Controls, target: Target, size: Size) -> Figures:
    return known(
        cpu_paced=await paced_cpu(controls, target, size, CHAT_PATH, CHAT),
        cpu_paced_messages=await paced_cpu(controls, target, size, MESSAGES_PATH, MESSAGES)
        if target.translates
        else None,
    )


async def full_speed(
    controls: Controls, target: Target, size: Size, path: str, body: dict[str, object]
) -> tuple[float | None, float]:
    """(microseconds of CPU per chunk, thousand chunks per second), four streams."""
    each = size.chunks // 4
    controls.plan(each)
    asked = raw(target, path, body)
    async with lines(4, target) as made:
        meter, start = Meter(target), time.perf_counter()
        await asyncio.gather(*(line.ask(asked) for line in made))
        took = time.perf_counter() - start
    return meter.per(each * 4), each * 4 / took / 1000


async def unpaced(controls: Controls, target: Target, size: Size) -> Figures:
    cost, speed = await full_speed(controls, target, size, CHAT_PATH, CHAT)
    figures = known(cpu_full=cost, speed_full=speed)
    if target.translates:
        cost, speed = await full_speed(controls, target, size, MESSAGES_PATH, MESSAGES)
        figures |= known(cpu_full_messages=cost, speed_full_messages=speed)
    return figures


async def small(controls: Controls, target: Target, size: Size) -> Figures:
    asked = raw(target, CHAT_PATH, SMALL)
    async with lines(16, target) as made:
        await load.small_requests(made, asked, size.unpaced / 4)
        opened, meter = controls.stats()["opened"], Meter(target)
        count = await load.small_requests(made, asked, size.unpaced)
        cost = meter.per(count)
        opened = controls.stats()["opened"] - opened
    return known(
        cpu_small=cost,
        speed_small=count / size.unpaced,
        handshakes=opened / count * 100 if target.pid else None,
    )


# ------------------------------------------------------------------------------ size and number


def long_talk(length: int) -> dict[str, object]:
    """A conversation of about `length` bytes, in turns of ten kilobytes of words."""
    words = " ".join(f"word{number % 977}" for number in range(1250))[:9900]
    turns = [
        {"role": "assistant" if number % 2 else "user", "content": f"{number} {words}"}
        for number in range(max(1, length // 10_000) | 1)
    ]
    return {**CHAT, "messages": turns}


async def bodies(controls: Controls, target: Target, size: Size) -> Figures:
    controls.plan(3)
    figures: Figures = {}
    for name, length, repeats in zip(("2mb", "20mb"), size.bodies, size.big, strict=True):
        asked = raw(target, CHAT_PATH, long_talk(length))
        if target.pid:
            machine.forget_peak(target.pid)
        times: list[float] = []
        async with lines(1, target) as (line,):
            for _ in range(repeats):
                if not times or min(times) < SLOW:
                    times.append((await line.ask(asked)).first)
        figures[f"body_{name}"] = statistics.median(times) * 1000
        if name == "20mb" and target.pid:
            figures |= known(peak_20mb=machine.peak_mib(target.pid))
        if min(times) > SLOW:
            break  # it would hold up everything that comes after
    return figures


async def open_streams(controls: Controls, target: Target, size: Size) -> Figures:
    if target.pid is None:
        return {}
    controls.plan(ENDLESS, 1.0)
    asked = raw(target, CHAT_PATH, CHAT)
    async with lines(size.open, target) as made:
        room = asyncio.Semaphore(load.OPENING)  # they add up, they do not come in one moment

        async def begin(line: load.Line) -> None:
            async with room:
                await line.begin(asked)

        begun = [asyncio.ensure_future(begin(line)) for line in made]
        done, late = await asyncio.wait(begun, timeout=load.LIMIT)
        running = sum(1 for each in done if each.exception() is None)
        memory = machine.memory_mib(target.pid)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return known(open_running=running, open_memory=memory)


async def leaving(controls: Controls, target: Target, size: Size) -> Figures:
    """From the client's close until the fake has lost its listener."""
    asked = raw(target, CHAT_PATH, CHAT)
    times: list[float] = []
    while len(times) < size.leaves and NEVER not in times:
        controls.plan(100, 0.02)
        async with lines(1, target) as (line,):
            await line.begin(asked)
            gone = time.monotonic_ns()
        while True:
            now = controls.stats()
            if now["ended"]:
                times.append(NEVER)
                break
            if now["left_at"]:
                times.append(max(0.0, (now["left_at"][-1] - gone) / 1e6))
                break
            await asyncio.sleep(0.02)
    return {"leaving": NEVER if NEVER in times else statistics.median(times)}


# --------------------------------------------------------------------------------------- rest


async def first_token(line: load.Line, target: Target) -> float | None:
    """In seconds; None if there is none."""
    try:
        return (await line.ask(raw(target, CHAT_PATH, CHAT))).first
    except (load.Failed, OSError, TimeoutError):
        return None


async def pauses(controls: Controls, found: list[Target], size: Size) -> dict[str, Figures]:
    """All targets rest side by side, then each is asked once; a new connection upstream costs
    `HANDSHAKE`. What they use while resting is the idle CPU."""
    controls.plan(3, 0.0, HANDSHAKE)
    figures: dict[str, Figures] = {target.name: {} for target in found}
    async with contextlib.AsyncExitStack() as stack:
        kept = {
            target.name: (await stack.enter_async_context(lines(1, target)))[0] for target in found
        }
        found = [target for target in found if await first_token(kept[target.name], target)]
        for number, pause in enumerate(size.pauses):
            await asyncio.sleep(min(1.0, pause / 6))  # what follows an answer is not rest
            meters = {target.name: Meter(target) for target in found}
            await asyncio.sleep(pause - min(1.0, pause / 6))
            rested = pause - min(1.0, pause / 6)
            for target in found:
                if (used := meters[target.name].per(1)) is not None and number == 0:
                    figures[target.name]["idle_cpu"] = used / 1e6 / rested * 100
            for target in found:
                if (first := await first_token(kept[target.name], target)) is not None:
                    figures[target.name][f"pause_{number + 1}"] = first * 1000
    controls.plan(3)
    return figures


async def own_answers(_controls: Controls, target: Target, size: Size) -> Figures:
    """What ours says without asking anybody; the others pass the list on."""
    figures: Figures = {}
    if target.pid is None:
        return figures
    paths = {"models": "/v1/models"}
    if target.name == OURS:
        paths["health"] = "/health"
    async with lines(1, target) as (line,):
        for name, path in paths.items():
            asked = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n".encode()
            times = [
                (await line.ask(asked, streamed=False)).took for _ in range(size.requests // 2 + 1)
            ]
            figures[name] = statistics.median(times) * 1000
    return figures


async def idle(_controls: Controls, target: Target, _size: Size) -> Figures:
    """As it was started."""
    if target.pid is None:
        return {}
    return known(start=target.started, idle_memory=machine.memory_mib(target.pid))


# In this order: memory before anything has been asked, what leaves most behind at the end.
SCENARIOS: dict[str, Scenario] = {
    "idle": idle,
    "one": one_stream,
    "own": own_answers,
    "streams16": streams16,
    "streams128": streams128,
    "paced": paced,
    "small": small,
    "bodies": bodies,
    "unpaced": unpaced,
    "leaving": leaving,
    "open": open_streams,
}
