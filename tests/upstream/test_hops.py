"""Which hop fails first, in words that lead somewhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from copilot_desktop.upstream.hops import travel
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.outgoing import Way, use_way
from tests.upstream.rig import answer, serving

pytest.importorskip("cryptography")

from tests.company import company
from tests.ports import free_port

GITHUB = "https://api.github.com/"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http(github_timeout=5) as session:
        yield session


async def test_all_hops_work(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with company(tmp_path, password="pa55", ahead=3600.0) as there:
        use_way(http, Way(there.url_with_password, there.ca))
        trip = await travel(http, GITHUB, limit=8)
        assert (trip.hop, trip.why, trip.status) == ("http", "", 200)
        assert trip.ms > 0
        assert trip.via == f"127.0.0.1:{there.port}"
        assert trip.date is not None
        assert there.seen == ["api.github.com:443"] * 2


async def test_without_a_proxy(http: aiohttp.ClientSession) -> None:
    async with serving(answer(404, {"message": "Not Found"})) as rig:
        trip = await travel(http, rig.url, limit=8)
        assert (trip.hop, trip.why, trip.status, trip.via) == ("http", "", 404, "")


async def test_an_address_that_leads_nowhere_is_passed_over_as_with_requests(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where IPv6 is offered and does not work: requests go through, so no hop may be blamed."""
    loop = asyncio.get_running_loop()
    look_up, connect = loop.getaddrinfo, loop.sock_connect

    async def both(host: str, port: int, **how: Any) -> Any:
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        return [six, *await look_up("127.0.0.1", port, **how)]

    async def nowhere(sock: socket.socket, address: Any) -> None:
        if address[0] == "::1":
            await asyncio.Event().wait()
        await connect(sock, address)

    monkeypatch.setattr(loop, "getaddrinfo", both)
    monkeypatch.setattr(loop, "sock_connect", nowhere)
    async with serving(answer(404, {"message": "Not Found"})) as rig:
        url = rig.url.replace("127.0.0.1", "github.localhost")
        trip = await travel(http, url, limit=8)
        assert (trip.hop, trip.why, trip.status) == ("http", "", 404)


async def test_a_date_that_is_none(http: aiohttp.ClientSession) -> None:
    date = "Sun, 22 Nov 2026 07:00:00 +99999999999999"
    async with serving(answer(200, date=date)) as rig:
        trip = await travel(http, rig.url, limit=8)
        assert (trip.status, trip.date) == (200, None)


async def test_nobody_listens(http: aiohttp.ClientSession) -> None:
    trip = await travel(http, f"http://127.0.0.1:{free_port()}/", limit=8)
    assert (trip.hop, trip.why) == ("tcp", "refused")


async def test_a_name_that_does_not_exist(http: aiohttp.ClientSession) -> None:
    use_way(http, Way("http://proxy.invalid:3128"))
    trip = await travel(http, GITHUB, limit=8)
    assert (trip.hop, trip.at) == ("dns", "proxy.invalid:3128")
    assert trip.why in {"other", "timeout"}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"refuses": 403}, ("connect", "status", 403)),
        ({"password": "right"}, ("connect", "status", 407)),
        ({}, ("tls", "untrusted", 0)),
    ],
)
async def test_a_company_in_between(
    http: aiohttp.ClientSession,
    tmp_path: Path,
    options: dict[str, object],
    found: tuple[str, str, int],
) -> None:
    async with company(tmp_path, **options) as there:
        use_way(http, Way(there.url, None if found[0] == "tls" else there.ca))
        trip = await travel(http, GITHUB, limit=8)
        assert (trip.hop, trip.why, trip.status) == found


async def test_a_proxy_of_another_kind(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:secret@proxy.example:1080")
    trip = await travel(http, GITHUB, limit=8)
    assert trip.hop == "proxy"
    assert "socks5" in trip.reason
    assert "secret" not in repr(trip)


async def test_silence_blames_the_hop_that_is_silent(http: aiohttp.ClientSession) -> None:
    ended = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        use_way(http, Way(f"http://127.0.0.1:{port}"))
        trip = await travel(http, GITHUB, limit=1.5)
        assert (trip.hop, trip.why) == ("connect", "timeout")
    finally:
        ended.set()
        server.close()
