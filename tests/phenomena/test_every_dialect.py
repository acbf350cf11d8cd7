"""What others show for some dialects holds in all five, over each endpoint, streamed and not."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from phenomena.outcomes import ASKS, PATHS, TEXT, Ask, asked, read
from phenomena.routes import MODELS
from phenomena.test_account_states import APPROVED_AT_ONCE, sign_in
from phenomena.wire import Out, wired_rig
from proxy.raw import request, send, until
from proxy.test_relay import NOT_AN_OBJECT
from rig import Rig, running_rig

from copilot_desktop.demo import Slow, Stall, Status
from copilot_desktop.proxy.config import ProxyConfig

JSON = ("Content-Type", "application/json")
STREAMED = [ask for ask in ASKS if ask.stream]
FOREVER = 3600.0  # seconds
ANY = Ask("chat", "/chat/completions", stream=False)


def refused(dialect: str, status: int, raw: bytes) -> str:
    """The sentence, if this is an error of `dialect`."""
    outcome = read(Ask(dialect, ANY.endpoint, stream=False), status, raw)
    assert outcome.says
    return outcome.says


def conversations(rig: Rig) -> list:
    return [call for path in MODELS for call in rig.fake.ledger.to(path)]


async def test_who_is_signed_out_is_told_so_and_nobody_is_asked() -> None:
    async with (
        running_rig(APPROVED_AT_ONCE, signed_in=False) as rig, aiohttp.ClientSession() as http,
    ):  # fmt: skip
        found = await asyncio.gather(*(asked(http, rig.url, ask) for ask in ASKS))
        assert {each.status for each in found} == {401}
        assert all("Sign in" in str(each.says) for each in found)
        assert not rig.fake.ledger
        await sign_in(rig)
        found = await asyncio.gather(*(asked(http, rig.url, ask) for ask in ASKS))
        assert all(each.whole and each.text.strip() == TEXT for each in found)


async def test_who_leaves_before_the_first_byte_takes_the_call_along() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            rig.fake.add_fault(Slow(path, seconds=FOREVER, times=-1))
        asking = [
            asyncio.create_task(http.post(rig.url + ask.path, json=ask.body())) for ask in ASKS
        ]
        await until(lambda: len(conversations(rig)) == len(ASKS))
        for task in asking:
            task.cancel()
        await gone(rig)


async def test_who_leaves_in_the_middle_of_a_stream_takes_the_call_along() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            rig.fake.add_fault(Stall(path, after_frames=8, times=-1))

        async def leave(ask: Ask) -> None:
            response = await http.post(rig.url + ask.path, json=ask.body("tell me more"))
            assert await response.content.readany()
            response.close()

        await asyncio.gather(*(leave(ask) for ask in STREAMED))
        await gone(rig)
        assert len(conversations(rig)) == len(STREAMED)


async def gone(rig: Rig) -> None:
    await until(lambda: all(call.aborted for call in conversations(rig)), "upstream is told")
    await until(lambda: rig.traffic.in_flight == 0, "the exchanges are closed")
    assert {each.outcome for each in rig.traffic.recent} == {"cancelled"}


async def test_an_upstream_that_never_hangs_up_is_let_go_after_the_last_event() -> None:
    async def stays(out: Out) -> None:
        await out.put_chunked(out.body, end=b"")
        await out.hang()

    limits = {"idle_timeout": FOREVER, "headers_timeout": FOREVER}
    async with wired_rig(stays, **limits) as (rig, _), aiohttp.ClientSession() as http:
        found = await asyncio.gather(*(asked(http, rig.url, ask, 20.0) for ask in STREAMED))
        assert all(each.whole and each.text.strip() == TEXT for each in found)


async def test_a_limit_keeps_its_wait() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            headers = {"Retry-After": "7"}
            rig.fake.add_fault(Status(path, 429, "slow down\n", headers=headers, times=-1))
        for ask in ASKS:
            async with http.post(rig.url + ask.path, json=ask.body()) as answer:
                assert answer.status == 429, ask
                assert 1 <= int(answer.headers["Retry-After"]) <= 7
                refused(ask.dialect, 429, await answer.read())


async def test_what_is_no_object_or_too_large_or_does_not_come_is_refused() -> None:
    config = ProxyConfig(max_body=300_000, client_timeout=1.5)
    async with running_rig(config=config) as rig:

        async def attempt(dialect: str, path: str) -> None:
            for name, body in NOT_AN_OBJECT.items():
                answer = await send(rig.port, request("POST", path, JSON, body=body))
                expected = {400, 404} if "model" in name else {400, 413}
                assert answer.status in expected, (name, path)
                refused(dialect, answer.status, answer.body)
            size = ("Content-Length", "300001")
            answer = await send(rig.port, request("POST", path, JSON, size))
            assert answer.status == 413
            refused(dialect, 413, answer.body)
            late = request("POST", path, JSON, ("Content-Length", "9")) + b'{"a'
            answer = await send(rig.port, late)
            assert answer.status == 400
            assert "in time" in refused(dialect, 400, answer.body)

        await asyncio.gather(*(attempt(*each) for each in PATHS.items()))
        assert not conversations(rig)


async def test_no_field_of_a_wrong_type_is_our_fault() -> None:
    junk = [None, True, 7, "x", {}, [None], [{"role": 7, "content": {}}]]
    fields = ["messages", "prompt", "tools", "format", "think", "options", "suffix", "stop",
              "max_tokens", "stream", "logprobs", "keep_alive", "system", "images", "echo",
              "n"]  # fmt: skip
    odd = [ask for ask in ASKS if ask.dialect in {"ollama", "completions"} and not ask.stream]
    async with running_rig() as rig, aiohttp.ClientSession() as http:

        async def attempt(ask: Ask) -> None:
            for name in fields:
                for value in junk:
                    raw = json.dumps({**ask.body("hi"), name: value})
                    headers = dict([JSON])
                    async with http.post(rig.url + ask.path, data=raw, headers=headers) as answer:
                        text = await answer.text()
                        assert answer.status < 500, (name, value, text)

        await asyncio.gather(*(attempt(ask) for ask in odd))
