"""What a slow client cannot take yet is held in its order, and upstream waits for it."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from aiohttp import web
from phenomena.routes import Way
from proxy.raw import read_late, request
from proxy.scripted import MESSAGES_HEAD, scripted_rig, words
from proxy.test_straight import LAST

from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.proxy.outlet import Outlet
from copilot_desktop.upstream.direct import Wish

TRANSLATED = Way("/v1/chat/completions", "/v1/messages")


class Client:
    """Takes something at once while it `has_room`."""

    def __init__(self) -> None:
        self.has_room = False
        self.got: list[bytes] = []

    def write_now(self, out: bytes, _reply: object = None) -> bool:
        self.got += [out] if self.has_room else []
        return self.has_room

    async def write(self, out: bytes, _reply: object = None) -> None:
        self.got.append(out)
        self.has_room = True


async def test_what_is_held_goes_first() -> None:
    client = Client()
    outlet = Outlet(cast("Downstream", client))
    assert outlet.send(b"") is Wish.MORE
    assert outlet.send(b"ab") is Wish.PAUSE
    client.has_room = True
    assert outlet.send(b"c") is Wish.PAUSE, "not before what is held"
    await outlet.room()
    assert outlet.send(b"de") is Wish.MORE
    await outlet.room()
    assert client.got == [b"abc", b"de"]


async def test_a_client_of_a_translated_answer_that_does_not_read_stops_upstream() -> None:
    sent = 0
    texts = [f"{number:08}" + "x" * 65536 for number in range(320)]

    async def answer(served: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(served)
        await response.write(MESSAGES_HEAD)
        for each in texts:
            await response.write(words(each))
            sent += len(each)
        await response.write(LAST)
        return response

    body = json.dumps(TRANSLATED.body()).encode()
    asking = request("POST", TRANSLATED.path, ("Content-Type", "application/json"), body=body)
    async with scripted_rig(answer) as (rig, _):
        whole = await read_late(rig.port, asking, lambda: sent)
        assert rig.traffic.recent[0].outcome == "ok"
    numbers: list[Any] = re.findall(rb'"content":"(\d{8})x', whole)
    assert [int(number) for number in numbers] == list(range(320))
