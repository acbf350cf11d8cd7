"""A tape holds both sides of its own exchange, and there is none unless somebody asked."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from copilot_desktop.proxy.exchange import Exchange, Traffic
from copilot_desktop.proxy.tape import Tape
from tests.rig import Rig, running_rig

SECRET = "ghu_abcdefgh12345678"
QUESTION = {"role": "user", "content": "hello"}
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": f"remember {SECRET}"}]}


async def ask(rig: Rig, path: str, body: dict[str, Any], agent: str = "curl/8") -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(rig.url + path, json=body, headers={"User-Agent": agent}) as answer,
    ):
        return await answer.text()


def taping(traffic: Traffic, agent: str) -> list[Tape]:
    """Tapes of the finished exchanges of this client, in order."""
    tapes: list[Tape] = []
    traffic.tape_for = lambda found: Tape() if found.startswith(agent) else None
    traffic.on_taped = lambda _, tape: tapes.append(tape)
    return tapes


async def test_both_sides_of_a_translated_stream_are_taken_down() -> None:
    async with running_rig() as rig:
        tapes = taping(rig.traffic, "curl")
        told = await ask(rig, "/v1/responses", {"model": "claude-sonnet-4.5", "input": "hi",
                                                "stream": True})  # fmt: skip
        [tape] = tapes
        sides = tape.to_json()
        assert json.loads(sides["asked"]["text"])["input"] == "hi"
        assert sides["sent"]["text"].startswith("POST /v1/messages\n")
        assert "event: message_start" in sides["heard"]["text"]
        assert sides["told"]["text"] == told
        assert "response.completed" in told
        assert tape.exchange == rig.traffic.recent[0].id


async def test_what_is_passed_through_is_taken_down_on_both_sides() -> None:
    async with running_rig() as rig:
        tapes = taping(rig.traffic, "curl")
        told = await ask(rig, "/v1/chat/completions", {**CHAT, "messages": [QUESTION]})
        sides = tapes[0].to_json()
        assert sides["told"]["text"] == told
        assert json.loads(sides["heard"]["text"])["choices"]
        assert sides["sent"]["text"].startswith("POST /chat/completions\n")


async def test_a_refusal_is_on_the_tape() -> None:
    async with running_rig() as rig:
        tapes = taping(rig.traffic, "curl")
        await ask(rig, "/v1/chat/completions", {**CHAT, "model": "no-such-model"})
        assert "no-such-model" in tapes[0].to_json()["told"]["text"]
        assert tapes[0].to_json()["sent"]["size"] == 0


async def test_no_secret_leaves_a_tape() -> None:
    async with running_rig() as rig:
        tapes = taping(rig.traffic, "curl")
        await ask(rig, "/v1/chat/completions", CHAT)
        told = json.dumps(tapes[0].to_json())
        assert "remember [secret]" in told
        assert SECRET not in told
        assert rig.fake.github_token not in told


async def test_others_have_no_tape_and_nothing_stays_on_the_exchange() -> None:
    async with running_rig() as rig:
        tapes = taping(rig.traffic, "wanted")
        await ask(rig, "/v1/chat/completions", CHAT, agent="curl/8")
        await ask(rig, "/v1/chat/completions", CHAT, agent="wanted/1")
        assert [tape.exchange for tape in tapes] == [2]
        assert all(each.tape is None and each.settled for each in rig.traffic.recent)
        assert "remember" not in repr(rig.traffic.recent)


def test_a_tape_is_bounded_and_says_what_is_missing() -> None:
    tape = Tape(limit=10)
    for _ in range(5):
        tape.told.add(b"1234")
    assert tape.told.to_json() == {"text": "1234123412", "size": 20, "cut": True}
    assert tape.asked.to_json() == {"text": "", "size": 0, "cut": False}


def test_the_list_can_be_emptied_and_read_from_a_place_on() -> None:
    traffic = Traffic()
    exchanges: list[Exchange] = [traffic.open("curl/8", "openai_chat") for _ in range(4)]
    for exchange in exchanges[:3]:
        traffic.close(exchange, "ok")
    assert [each.id for each in traffic.since(3)] == [3, 4]
    traffic.clear()
    assert [each.id for each in traffic.recent] == [4]
    assert traffic.cleared == 1
    assert traffic.in_flight == 1
