"""One request: what is sent, by which connection, and when it is repeated."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import aiohttp.abc
import pytest
from yarl import URL

from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.client import Call, CopilotClient
from copilot_desktop.upstream.direct import Incoming
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.outgoing import Toward, Way, toward, use_way
from copilot_desktop.upstream.wire import AT_ONCE, PIECE
from tests.upstream.rig import Rig, Tokens, answer, reset, serving, silence

PATIENCE = 20.0
LARGE = 1024 * 1024
STRAIGHT = Toward(proxy=None, ssl=True)
HEADERS = {
    "Authorization": "Bearer t", "Accept": "application/json", "Accept-Encoding": "identity",
    "Content-Type": "application/json", "User-Agent": "test", "X-Request-Id": "ä-1",
}  # fmt: skip


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with asyncio.timeout(PATIENCE), open_http(github_timeout=10) as session:
        yield session


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that keeps each network read and answers at the end of a body."""
    reads: list[bytes] = []

    class Listening(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            reads.append(data)
            if data.endswith(b"}"):
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = await asyncio.get_running_loop().create_server(Listening, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b=c%20d", reads
    finally:
        server.close()  # its block would wait for all connections, from Python 3.12 on


async def read(answer: Incoming | aiohttp.ClientResponse) -> bytes:
    async with answer:
        if isinstance(answer, aiohttp.ClientResponse):
            return await answer.read()
        whole = b""
        while piece := await answer.piece():
            whole += piece
        return whole


async def test_a_small_request_leaves_in_one_piece_and_is_what_the_session_would_send(
    http: aiohttp.ClientSession,
) -> None:
    async with listening() as (url, reads):
        for _ in range(2):
            asked = await ask(http, "POST", url, headers=HEADERS, body=b'{"a":1}', way=STRAIGHT)
            assert await read(asked) == b"ok"
        assert len(reads) == 2
        assert reads[0] == reads[1]
        async with aiohttp.ClientSession() as plain:
            assert await read(await plain.post(url, headers=HEADERS, data=b'{"a":1}')) == b"ok"
    ours, theirs = (each.partition(b"\r\n\r\n") for each in (reads[0], b"".join(reads[2:])))
    assert ours[2] == theirs[2] == b'{"a":1}'
    assert ours[0].split(b"\r\n")[0] == b"POST /a?b=c%20d HTTP/1.1"
    assert sorted(ours[0].lower().split(b"\r\n")) == sorted(theirs[0].lower().split(b"\r\n"))


@pytest.mark.parametrize("size", [0, 1, AT_ONCE, AT_ONCE + 1, PIECE, PIECE + 1, LARGE])
async def test_a_body_of_any_size_arrives(http: aiohttp.ClientSession, size: int) -> None:
    async with serving(answer(200, b"ok")) as rig:
        body = b"x" * size
        for _ in range(2):
            asked = await ask(http, "POST", rig.url, headers=HEADERS, body=body, way=STRAIGHT)
            assert await read(asked) == b"ok"
    assert [seen.body for seen in rig.seen] == [body, body]
    assert [seen.headers["content-length"] for seen in rig.seen] == [str(size)] * 2
    assert {seen.connection for seen in rig.seen} == {0}  # and it is used again
    assert all("transfer-encoding" not in seen.headers for seen in rig.seen)


async def test_only_a_get_whose_connection_dies_is_asked_again(http: aiohttp.ClientSession) -> None:
    async with serving(reset, answer(200, b"ok")) as rig:
        assert await read(await ask(http, "GET", rig.url, headers={}, way=STRAIGHT)) == b"ok"
        assert [seen.method for seen in rig.seen] == ["GET", "GET"]
    async with serving(reset) as rig:
        for method, calls in (("POST", 1), ("GET", 3)):
            with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
                await ask(http, method, rig.url, headers=HEADERS, body=b"{}", way=STRAIGHT)
            assert len(rig.seen) == calls


async def test_a_redirect_is_an_answer(http: aiohttp.ClientSession) -> None:
    async with serving(answer(307, location="/elsewhere")) as rig:
        asked = await ask(http, "POST", rig.url, headers=HEADERS, body=b"{}", way=STRAIGHT)
        assert asked.status == 307
        assert await read(asked) == b""
        assert len(rig.seen) == 1


async def test_who_stops_waiting_for_the_head_closes_the_connection(
    http: aiohttp.ClientSession,
) -> None:
    for body in (b"{}", b"x" * LARGE):
        async with serving(silence) as rig:
            asking = asyncio.ensure_future(
                ask(http, "POST", rig.url, headers=HEADERS, body=body, way=STRAIGHT)
            )
            await rig.until(1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await rig.ended.wait()


async def test_what_goes_wrong_on_the_way_is_told_as_aiohttp_tells_it(
    http: aiohttp.ClientSession,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await ask(http, "GET", url, headers={}, way=STRAIGHT)
        assert isinstance(caught.value.os_error, ConnectionRefusedError)

        taken.listen(0)
        async with open_http(github_timeout=0.2) as session:
            secure = url.replace("http:", "https:")
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await ask(session, "GET", secure, headers={}, way=STRAIGHT)


async def test_a_closed_session_asks_nobody(http: aiohttp.ClientSession) -> None:
    await http.close()
    async with serving(answer(200)) as rig:
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(http, "GET", rig.url, headers={}, way=STRAIGHT)
        assert rig.seen == []


@pytest.mark.parametrize("size", [2, LARGE])
async def test_a_proxy_without_tls_behind_it_is_told_the_whole_address(
    http: aiohttp.ClientSession, size: int
) -> None:
    async with serving(answer(200, b"ok")) as proxy:
        way = Toward(proxy=proxy.url.replace("//", "//hana:pa55@"), ssl=True)
        address = "http://nowhere.example/a"
        asked = await ask(http, "POST", address, headers=HEADERS, body=b"x" * size, way=way)
        assert await read(asked) == b"ok"
    seen = proxy.seen[0]
    assert (seen.path, len(seen.body)) == (address, size)
    assert seen.headers["proxy-authorization"].startswith("Basic ")
    assert seen.headers["host"] == "nowhere.example"


@pytest.mark.parametrize("size", [2, LARGE])
async def test_through_a_company_the_password_stays_with_the_proxy(
    http: aiohttp.ClientSession, tmp_path: Path, size: int
) -> None:
    pytest.importorskip("cryptography")
    from tests.company import company

    async with serving(answer(200, b"ok")) as rig, company(tmp_path, password="pa55") as there:
        there.behind = rig.url
        use_way(http, Way(there.url_with_password, there.ca))
        url = "https://api.github.com/a"
        for _ in range(2):
            way = await toward(http, url)
            asked = await ask(http, "POST", url, headers=HEADERS, body=b"x" * size, way=way)
            assert await read(asked) == b"ok"
        assert there.seen == ["api.github.com:443"]
        untrusting = Toward(proxy=there.url_with_password, ssl=ssl.create_default_context())
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(http, "POST", url, headers=HEADERS, body=b"{}", way=untrusting)
    assert_only_theirs(rig, size)


def assert_only_theirs(rig: Rig, size: int) -> None:
    assert [len(seen.body) for seen in rig.seen] == [size, size]
    assert all("proxy-authorization" not in seen.headers for seen in rig.seen)
    assert all(seen.headers["authorization"] == "Bearer t" for seen in rig.seen)


PASSWORD = "pä€5:ö"


@pytest.mark.parametrize("user", ["hana", "日本"])
async def test_a_proxy_takes_any_password(http: aiohttp.ClientSession, user: str) -> None:
    async with serving(answer(407), answer(407)) as proxy:
        way = Toward(proxy=proxy.url.replace("//", f"//{user}:{quote(PASSWORD)}@"), ssl=True)
        async with await ask(http, "GET", "http://a.example/", headers={}, way=way) as asked:
            assert asked.status == 407
        with pytest.raises(aiohttp.ClientHttpProxyError):
            await ask(http, "GET", "https://a.example/", headers={}, way=way)
    words = {seen.headers["proxy-authorization"] for seen in proxy.seen}
    told = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    assert words == {f"Basic {told}"}


async def test_a_proxy_takes_any_password_for_a_websocket(http: aiohttp.ClientSession) -> None:
    async with serving(answer(407)) as proxy:
        use_way(http, Way(proxy.url.replace("//", f"//hana:{quote(PASSWORD)}@")))
        call = Call("/responses", b"", model="m", stream=True, initiator="user")
        with pytest.raises(aiohttp.ClientHttpProxyError):
            await CopilotClient(http, Identity()).dial(
                call, Tokens("https://nowhere.example").grants[0], 1000
            )
    told = base64.b64encode(f"hana:{PASSWORD}".encode()).decode()
    assert proxy.seen[0].headers["proxy-authorization"] == f"Basic {told}"


async def test_a_name_may_lead_elsewhere_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that wants a sign-in first answers for everybody."""

    class Names(aiohttp.abc.AbstractResolver):
        port = 0

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            return [{"hostname": host, "host": "127.0.0.1", "port": self.port, "family": family,
                     "proto": 0, "flags": 0}]  # fmt: skip

        async def close(self) -> None:
            pass

    names, later = Names(), time.monotonic() + 30
    async with serving(answer(200, b"ok")) as rig, open_http(github_timeout=10) as http:
        assert isinstance(http.connector, aiohttp.TCPConnector)
        monkeypatch.setattr(http.connector, "_resolver", names)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            names.port = taken.getsockname()[1]
            with pytest.raises(aiohttp.ClientConnectorError):
                await ask(http, "GET", "http://a.example/", headers={}, way=STRAIGHT)
        names.port = URL(rig.url).port or 0
        monkeypatch.setattr("aiohttp.connector.monotonic", lambda: later)
        asked = await ask(http, "GET", "http://a.example/", headers={}, way=STRAIGHT)
        assert await read(asked) == b"ok"


async def test_a_header_that_is_no_text_arrives_as_it_came(http: aiohttp.ClientSession) -> None:
    async with listening() as (url, reads):
        asked = await ask(http, "POST", url, headers={"X": "a\udcff"}, body=b"{}", way=STRAIGHT)
        assert await read(asked) == b"ok"
    assert b"X: a\xff\r\n" in reads[0]


async def test_a_header_of_two_lines_is_not_sent(http: aiohttp.ClientSession) -> None:
    async with serving(answer(200)) as rig:
        for value in ("a\r\nX-Other: b", "a\nb", "a\rb", "a\0b"):
            with pytest.raises(ValueError, match="one line"):
                await ask(http, "GET", rig.url, headers={"X-One": value}, way=STRAIGHT)
        assert rig.seen == []


async def test_a_head_that_does_not_come_in_time(http: aiohttp.ClientSession) -> None:
    async with serving(silence) as rig:
        with pytest.raises(TimeoutError):
            await ask(http, "GET", rig.url, headers={}, way=STRAIGHT, timeout=1.0)
        await rig.ended.wait()
