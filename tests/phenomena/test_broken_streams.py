"""A stream that breaks off is told as an error in the client's dialect, never as an ending."""

from __future__ import annotations

import aiohttp
import pytest
from phenomena.routes import WAY_NAMES, WAYS, Way, each_way, read_events
from rig import running_rig

from copilot_desktop.demo import Cut, ErrorInStream, Fault, Garbage, HtmlIn200, Stall

FALSE_ENDINGS = (
    '"finish_reason":"', "[DONE]", '"response.completed"', '"message_stop"', '"stop_reason":"',
)  # fmt: skip

BREAKS = [
    pytest.param(lambda path: Cut(path, after_frames=4), id="connection-cut"),
    pytest.param(lambda path: Cut(path, after_frames=4, inside=True), id="cut-inside-an-event"),
    pytest.param(lambda path: Cut(path, after_frames=4, clean=True), id="ends-too-early"),
    pytest.param(lambda path: ErrorInStream(path, after_frames=4), id="error-event"),
    pytest.param(lambda path: Stall(path, after_frames=4), id="falls-silent"),
    pytest.param(lambda path: Garbage(path, after_frames=4), id="garbage"),
]
# An answer that is passed on whole has no events to break.
WHOLE = [
    pytest.param(way, fault.values[0], id=f"{fault.id}-{name}")
    for fault in BREAKS
    for way, name in zip(WAYS, WAY_NAMES, strict=True)
    if fault.id not in {"error-event", "garbage"} or not way.same
]


@each_way
@pytest.mark.parametrize("fault", BREAKS)
async def test_the_client_of_a_stream_is_told(way: Way, fault):
    async with (
        running_rig(idle_timeout=0.3) as rig,
        aiohttp.ClientSession() as http,
    ):
        rig.fake.add_fault(fault(way.endpoint))
        async with http.post(rig.url + way.path, json=way.body()) as response:
            events = await read_events(response)
            if response.status != 200:  # nothing had been sent yet, so the status tells
                assert response.status in {502, 504}
                events = [await response.text() if not events else events[-1]]
        recent = rig.traffic.recent[0]
    assert way.error_in(events[-1])["message"]
    for event in events:
        assert not any(ending in event for ending in FALSE_ENDINGS), event
    assert recent.outcome == "failed"


@pytest.mark.parametrize(("way", "fault"), WHOLE)
async def test_the_client_of_a_whole_answer_gets_an_error_status(way: Way, fault):
    async with (
        running_rig(idle_timeout=0.3) as rig,
        aiohttp.ClientSession() as http,
    ):
        rig.fake.add_fault(fault(way.endpoint))
        async with http.post(rig.url + way.path, json=way.body(stream=False)) as response:
            text = await response.text()
            assert response.status in {502, 504}, text
    assert way.error_in(text)["message"]


@each_way
@pytest.mark.parametrize("stream", [True, False])
async def test_a_web_page_with_status_200_is_a_bad_gateway(way: Way, stream):
    fault: Fault = HtmlIn200(way.endpoint)
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(fault)
        async with http.post(rig.url + way.path, json=way.body(stream=stream)) as response:
            text = await response.text()
            assert response.status == 502, text
            assert response.content_type == "application/json"
    assert "<" not in way.error_in(text)["message"]


@each_way
async def test_text_that_came_before_the_break_is_delivered(way: Way):
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(Cut(way.endpoint, after_frames=12))
        async with http.post(rig.url + way.path, json=way.body("tell me more")) as response:
            events = await read_events(response)
    assert any("You" in event or "said" in event for event in events[:-1]), events
