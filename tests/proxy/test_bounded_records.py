"""What a client makes up stays small and harmless, in records and in headers."""

from __future__ import annotations

from dataclasses import asdict

import aiohttp

from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import LONGEST_TEXT, MOST_NOTES, Traffic
from copilot_desktop.proxy.guard import is_local_key
from tests.rig import running_rig


def test_a_finished_exchange_is_small() -> None:
    traffic = Traffic()
    exchange = traffic.open("curl/8", "openai-chat")
    exchange.notes += ["dropped=ghu_abcdefgh12345678" + "n" * 100_000] * 1000
    exchange.error = "e" * 100_000
    traffic.close(exchange, "ok")
    assert len(exchange.notes) <= MOST_NOTES
    assert all(len(note) <= LONGEST_TEXT for note in exchange.notes)
    assert not any("ghu_" in note for note in exchange.notes)
    assert len(exchange.error) <= LONGEST_TEXT
    exchange = traffic.open("curl/8", "openai-chat")
    exchange.request_id = "i" * 100_000  # a head takes 32 KB, a frame of a WebSocket 16 MB
    traffic.close(exchange, "ok")
    assert len(exchange.request_id) <= LONGEST_TEXT


async def test_names_as_long_as_a_request_are_kept_short() -> None:
    body = {"model": f"ghu_abcdefgh12345678 {'m' * 300_000}", "messages": []}
    headers = {"User-Agent": "u" * 8000, "X-Initiator": "i" * 8000}
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        url = f"{rig.url}/v1/chat/completions"
        async with http.post(url, json=body, headers=headers) as answer:
            assert answer.status == 404
        [exchange] = rig.traffic.recent
    told = [value for value in asdict(exchange).values() if isinstance(value, str)]
    assert max(map(len, told)) <= LONGEST_TEXT
    assert "ghu_" not in " ".join(told)


async def test_a_field_with_control_characters_in_its_name_does_no_harm() -> None:
    body = {
        "model": "gpt-4.1",
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "hi"}],
        "odd\x00\r\nname": 1,
    }
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for stream in (False, True):
            url = f"{rig.url}/v1/messages"
            async with http.post(url, json={**body, "stream": stream}) as answer:
                assert answer.status == 200, await answer.text()
                assert "odd" in answer.headers["x-copilot-desktop-notes"]


def test_without_a_key_nothing_is_the_key() -> None:
    assert not is_local_key("", ProxyConfig(key=""))
    assert not is_local_key("\udcff", ProxyConfig(key="cd-key"))
    assert is_local_key("cd-key", ProxyConfig(key="cd-key"))
