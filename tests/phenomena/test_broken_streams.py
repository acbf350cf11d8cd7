"""A stream that breaks off is told as an error in the client's dialect, never as an ending."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from phenomena.routes import MODELS, WAYS, Way, each_way, read_events
from rig import SCENARIO, Rig, running_rig

from copilot_desktop.demo import Cut, ErrorInStream, Garbage, HtmlIn200, Stall

FALSE_ENDINGS = (
    '"finish_reason":"', "[DONE]", '"response.completed"', '"message_stop"', '"stop_reason":"',
)  # fmt: skip

# What opencode and pi look for: on other words they give the task up instead of asking again.
AGAIN = re.compile(
    r"server error|connection lost|upstream connect|(request|response|connection|stream) timed out",
    re.IGNORECASE,
)
BREAKS = {
    "connection-cut": lambda path: Cut(path, after_frames=4, times=-1),
    "cut-inside-an-event": lambda path: Cut(path, after_frames=4, inside=True, times=-1),
    "ends-too-early": lambda path: Cut(path, after_frames=4, clean=True, times=-1),
    "error-event": lambda path: ErrorInStream(path, after_frames=4, times=-1),
    "falls-silent": lambda path: Stall(path, after_frames=4, times=-1),
    "garbage": lambda path: Garbage(path, after_frames=4, times=-1),
}
# An answer that is passed on whole has no events to break.
IN_EVENTS = {"error-event", "garbage"}
each_break = pytest.mark.parametrize("name", BREAKS)


@asynccontextmanager
async def broken(name: str) -> AsyncIterator[tuple[Rig, aiohttp.ClientSession]]:
    faults = [BREAKS[name](endpoint) for endpoint in MODELS]
    async with (
        running_rig(SCENARIO, *faults, idle_timeout=1.5) as rig,
        aiohttp.ClientSession() as http,
    ):
        yield rig, http


@each_break
async def test_the_client_of_a_stream_is_told(name):
    async with broken(name) as (rig, http):

        async def attempt(way: Way) -> None:
            async with http.post(rig.url + way.path, json=way.body()) as response:
                events = await read_events(response)
                if response.status != 200:  # nothing had been sent yet, so the status tells
                    assert response.status in {502, 504}
                    events = [await response.text() if not events else events[-1]]
            assert AGAIN.search(way.error_in(events[-1])["message"]), events[-1]
            for event in events:
                assert not any(ending in event for ending in FALSE_ENDINGS), (way, event)

        await asyncio.gather(*(attempt(way) for way in WAYS))
        assert {each.outcome for each in rig.traffic.recent} == {"failed"}
        assert len(rig.traffic.recent) == len(WAYS)
        assert all(each.error for each in rig.traffic.recent), "the list says why"


@each_way
async def test_a_limit_that_a_stream_tells_counts_on_every_way(way):
    code = "rate_limit_error" if way.endpoint == "/v1/messages" else "user_model_rate_limited"
    fault = ErrorInStream(way.endpoint, after_frames=4, code=code, message="Slow down.", times=-1)
    async with running_rig(SCENARIO, fault) as rig, aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.post(rig.url + way.path, json=way.body()) as response:
                assert response.status == 200
                await response.read()
        async with http.post(rig.url + way.path, json=way.body()) as response:
            assert response.status == 429, "as after three refusals with that status"
        assert len(rig.fake.ledger.to(way.endpoint)) == 3


@each_break
async def test_the_client_of_a_whole_answer_gets_an_error_status(name):
    async with broken(name) as (rig, http):

        async def attempt(way: Way) -> None:
            async with http.post(rig.url + way.path, json=way.body(stream=False)) as response:
                text = await response.text()
                assert response.status in {502, 504}, (way, text)
            assert way.error_in(text)["message"]

        ways = [way for way in WAYS if not (way.same and name in IN_EVENTS)]
        await asyncio.gather(*(attempt(way) for way in ways))


@pytest.mark.parametrize("stream", [True, False])
async def test_a_web_page_with_status_200_is_a_bad_gateway(stream):
    pages = [HtmlIn200(endpoint, times=-1) for endpoint in MODELS]
    async with running_rig(SCENARIO, *pages) as rig, aiohttp.ClientSession() as http:
        for way in WAYS:
            async with http.post(rig.url + way.path, json=way.body(stream=stream)) as response:
                text = await response.text()
                assert response.status == 502, text
                assert response.content_type == "application/json"
            assert "<" not in way.error_in(text)["message"]


async def test_text_that_came_before_the_break_is_delivered():
    cuts = [Cut(endpoint, after_frames=12, times=-1) for endpoint in MODELS]
    async with running_rig(SCENARIO, *cuts) as rig, aiohttp.ClientSession() as http:
        for way in WAYS:
            asked = way.body("tell me more")
            async with http.post(rig.url + way.path, json=asked) as response:
                events = await read_events(response)
            assert any("You" in event or "said" in event for event in events[:-1]), events
