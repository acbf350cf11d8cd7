"""A client that asks and never takes an answer: let go, on the small routes too."""

from __future__ import annotations

import asyncio
import socket

import pytest

from copilot_desktop.proxy import connection
from tests.rig import running_rig

ASK = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED = b"GET /%s HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.b\r\n\r\n" % (b"x" * 2000)


@pytest.mark.parametrize("request_bytes", [ASK, REFUSED], ids=["a list", "a refusal"])
async def test_a_client_that_takes_no_byte_is_dropped(
    monkeypatch: pytest.MonkeyPatch, request_bytes: bytes
) -> None:
    monkeypatch.setattr(connection, "STUCK_CLIENT", 0.2)
    async with running_rig() as rig:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", rig.port))
            # Ask until it is the proxy that ends this: nobody else can.
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(ask_for_ever(client, request_bytes), 30)


async def ask_for_ever(client: socket.socket, request_bytes: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(client, request_bytes)
