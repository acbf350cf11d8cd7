"""What can be made to go wrong, and what the ledger knows afterwards."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from copilot_desktop.demo import (
    SCENARIOS,
    Cut,
    DropConnection,
    ErrorInStream,
    Garbage,
    HtmlIn200,
    Scenario,
    Slow,
    Stall,
    Status,
)

CHAT = "/chat/completions"


async def chunks(caller, text="Grüße ✓", model="gpt-4.1", limit=None):
    """The body as it comes, until it ends or breaks; how it ended."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
    }
    found = []
    async with caller.http.post(
        caller.fake.url + CHAT, json=body, headers=caller.headers
    ) as answer:
        assert answer.status == 200
        try:
            async for chunk in answer.content.iter_any():
                found.append(chunk)
                if limit is not None and len(found) >= limit:
                    break
        except aiohttp.ClientPayloadError:
            return b"".join(found), "broken"
    return b"".join(found), "ended"


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the fake has nothing to wait on
            await asyncio.sleep(0.01)


async def test_another_status_once_and_at_the_right_time(caller):
    caller.fake.add_fault(Status(CHAT, 429, {"error": {"code": "x"}}, {"retry-after": "3"}, nth=2))
    seen = [await caller.chat() for _ in range(3)]
    assert [answer.status for answer in seen] == [200, 429, 200]
    assert seen[1].headers["retry-after"] == "3"
    assert seen[1].error == {"code": "x"}


async def test_the_example_refusals(caller):
    caller.fake.add_fault(Status.example("401-token-expired", CHAT))
    caller.fake.add_fault(Status.example("429-weekly", "/v1/*", times=-1))
    expired = await caller.chat()
    assert (expired.status, expired.text) == (
        401,
        "IDE token expired: unauthorized: token expired\n",
    )
    assert (await caller.chat()).status == 200
    for _ in range(2):
        assert (await caller.messages()).headers["retry-after"] == "207360"
    caller.fake.clear_faults()
    assert (await caller.messages()).status == 200


async def test_a_refused_request_does_not_meet_the_fault(caller):
    caller.fake.add_fault(Status(CHAT, 500, "late", nth=1))
    assert (await caller.chat(model="nothing")).error["code"] == "model_not_supported"


@pytest.mark.parametrize("inside", [False, True])
async def test_a_stream_is_cut(caller, inside):
    caller.fake.add_fault(Cut(CHAT, after_frames=5, inside=inside))
    raw, end = await chunks(caller)
    assert end == "broken"
    assert raw.count(b"\n\n") == 5
    assert raw.endswith(b"\n\n") is not inside
    assert b"[DONE]" not in raw


async def test_a_stream_ends_early_but_cleanly(caller):
    caller.fake.add_fault(Cut(CHAT, after_frames=5, clean=True))
    raw, end = await chunks(caller)
    assert (end, raw.count(b"\n\n")) == ("ended", 5)
    assert b"finish_reason" not in raw


async def test_an_answer_without_a_stream_is_cut(caller):
    caller.fake.add_fault(Cut(CHAT))
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.chat()


async def test_a_stall_holds_the_stream_and_a_client_may_leave(caller):
    caller.fake.add_fault(Stall(CHAT, after_frames=4, seconds=60))
    raw, _ = await chunks(caller, limit=1)
    assert raw
    received = caller.fake.ledger.to(CHAT)[-1]
    await until(lambda: received.aborted)
    assert not received.done


async def test_a_short_stall_goes_on(caller):
    caller.fake.add_fault(Stall(CHAT, after_frames=4, seconds=0.01))
    raw, _ = await chunks(caller)
    assert raw.endswith(b"[DONE]\n\n")
    assert caller.fake.ledger[-1].done


async def test_garbage_stands_between_good_events(caller):
    caller.fake.add_fault(Garbage(CHAT, after_frames=4))
    raw, _ = await chunks(caller)
    frames = raw.split(b"\n\n")
    assert frames[4].startswith(b'data: {"choices"')
    with pytest.raises(ValueError):
        json.loads(frames[4][6:])
    assert raw.endswith(b"[DONE]\n\n")


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
async def test_errors_inside_streams(caller, kind):
    caller.fake.add_fault(ErrorInStream(after_frames=3, code="overloaded_error"))
    events = (await getattr(caller, kind)("Hi", stream=True)).events
    error = events[-1]["error"]
    assert "overloaded_error" in error.values()


async def test_a_connection_is_dropped_before_any_byte(caller):
    caller.fake.add_fault(DropConnection("/models", times=2))  # aiohttp tries a GET twice
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.get("/models")
    assert (await caller.get("/models")).status == 200


async def test_a_web_page_instead_of_json(caller):
    caller.fake.add_fault(HtmlIn200("/models"))
    answer = await caller.get("/models")
    assert (answer.status, answer.text[:15]) == (200, "<!DOCTYPE html>")


async def test_a_slow_answer_can_be_left(caller):
    caller.fake.add_fault(Slow("/models", seconds=60))
    asking = asyncio.create_task(caller.get("/models"))
    await until(lambda: caller.fake.ledger.to("/models"))
    assert not asking.done()
    asking.cancel()
    await until(lambda: caller.fake.ledger.to("/models")[-1].aborted)
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_chunks_end_inside_lines_and_characters(caller):
    url = caller.fake.url.removeprefix("http://")
    host, _, port = url.partition(":")
    body = json.dumps(
        {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "ü✓" * 400}]}
    ).encode()
    headers = {**caller.headers, "Content-Type": "application/json", "Host": url}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {CHAT} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    raw = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 10)
    writer.close()
    await writer.wait_closed()
    parts, rest = [], raw.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        parts.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    assert any(part and part[0] & 0xC0 == 0x80 for part in parts), "inside a character"
    assert any(part and not part.endswith(b"\n\n") for part in parts), "inside an event"
    assert b"".join(parts).endswith(b"[DONE]\n\n")


async def test_a_paced_stream_comes_bit_by_bit(calling):
    async with calling(Scenario(pace=0.001)) as caller:
        await caller.exchange()
        raw, _ = await chunks(caller)
        assert raw.endswith(b"[DONE]\n\n")


async def test_the_ledger_keeps_what_was_sent(caller):
    await caller.chat("Hello", headers={"X-Initiator": "agent", "Copilot-Vision-Request": "true"})
    received = caller.fake.ledger.to(CHAT)[-1]
    assert received.method == "POST"
    assert received.headers["x-initiator"] == "agent"
    assert received.body["messages"][0]["content"] == "Hello"
    assert (received.status, received.done, received.aborted) == (200, True, False)
    assert received.seq == len(caller.fake.ledger)
    assert caller.fake.ledger.bodies(CHAT) == [received.body]


@pytest.mark.parametrize(("name", "status"), [("limited", 429), ("warned", 429), ("outage", 502)])
async def test_scenarios_in_which_nothing_works(calling, name, status):
    async with calling(SCENARIOS[name]) as caller:
        await caller.exchange()
        assert (await caller.chat()).status == status
        assert (await caller.get("/models")).status == 200


@pytest.mark.parametrize("number", ["22", "26", "29", "31", "41", "44"])
async def test_examples_are_served_as_they_are(caller, number):
    from copilot_desktop.demo import transcripts

    answer = await caller.chat(f"Show me example-{number}")
    by_model = await caller.chat(model=f"example-{number}")
    assert answer.raw == by_model.raw == transcripts.verbatim(number).body


async def test_example_refusals_are_served_as_they_are(caller):
    answer = await caller.messages("example-422-rai")
    assert (answer.status, answer.text) == (422, "Filtered by Responsible AI Service")
    assert (await caller.messages("example-499-none")).status == 404
