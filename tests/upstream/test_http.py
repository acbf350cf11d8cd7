"""The transport's rules, and what people are told about a network that does not work."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.errors import Impostor, Unreachable, UpstreamFault, UpstreamTimeout
from copilot_desktop.upstream.http import (
    ANSWER_LIMIT,
    fetch_json,
    network_problem,
    open_http,
    place,
)
from tests.upstream.rig import Connection, Step, answer, reset, serving, silence

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_http(github_timeout=5)
    yield session
    await session.close()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def get(http: aiohttp.ClientSession, url: str, timeout: float = 5) -> object:
    return await fetch_json(http, "GET", url, headers={"X-A": "b"}, timeout=timeout)


async def test_any_status_is_an_answer(http: aiohttp.ClientSession) -> None:
    steps = [answer(200, {"a": 1}), answer(404, b"no such page", x_more="yes"), answer(302, b"")]
    async with serving(*steps) as rig:
        found = await fetch_json(
            http, "POST", rig.url + "/x", headers={"X-A": "b"}, json={"q": "ü"}, timeout=5
        )
        assert (found.status, found.body) == (200, {"a": 1})
        missing = await fetch_json(http, "GET", rig.url, headers={}, timeout=5)
        assert (missing.status, missing.body, missing.text) == (404, None, "no such page")
        assert missing.headers["X-More"] == "yes"
        assert (await fetch_json(http, "GET", rig.url, headers={}, timeout=5)).status == 302
        sent = rig.seen[0]
        assert (sent.method, sent.path, sent.body) == ("POST", "/x", b'{"q": "\\u00fc"}')
        assert sent.headers["x-a"] == "b"
        assert sent.headers["accept"] == "application/json"
        assert sent.headers["content-type"] == "application/json"
        assert "cookie" not in sent.headers


async def test_no_cookie_is_kept(http: aiohttp.ClientSession) -> None:
    async with serving(answer(200, {}, set_cookie="session=1; Path=/")) as rig:
        await get(http, rig.url)
        await get(http, rig.url)
        assert "cookie" not in rig.seen[1].headers


async def test_a_netrc_file_is_not_used(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(answer(200, {})) as rig:
        await get(http, rig.url)
        assert "authorization" not in rig.seen[0].headers


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession) -> None:
    async with serving(answer(200, {})) as other:
        async with serving(answer(307, b"", location=other.url)) as rig:
            await get(http, rig.url)
        assert not other.seen


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"\n<!doctype html>Sign in to the hotel"), (302, b""), (511, b"")]
)
async def test_what_answers_in_the_place_of_github_is_told_apart(
    http: aiohttp.ClientSession, status: int, body: bytes
) -> None:
    async with serving(nameless(status, body)) as rig:
        with pytest.raises(Impostor, match=r"^127\.0\.0\.1:\d+ did not answer like GitHub\.$"):
            await get(http, rig.url)


def nameless(status: int, body: bytes) -> Step:
    """An answer without the id that GitHub gives to each."""

    async def step(connection: Connection) -> None:
        sent = {"content-type": "text/html", "content-length": str(len(body))}
        await connection.head(status, sent)
        connection.writer.write(body)
        await connection.writer.drain()

    return step


async def test_refused(http: aiohttp.ClientSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        await get(http, f"http://127.0.0.1:{port}/")
    assert caught.value.fields == {
        "host": f"127.0.0.1:{port}",
        "reason": "the connection was refused",
    }


async def test_a_name_that_does_not_exist(http: aiohttp.ClientSession) -> None:
    with pytest.raises(Unreachable) as caught:
        await get(http, "http://no-such-host.invalid/")
    assert "no-such-host.invalid" in str(caught.value)
    assert "resolved" in str(caught.value)


async def test_a_certificate_nobody_vouches_for(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    error = aiohttp.ClientConnectorCertificateError(None, ssl.SSLCertVerificationError())  # type: ignore[arg-type]
    found = network_problem(error, "https://api.github.com/user", seconds=1)
    assert str(found).startswith("api.github.com could not be reached: its certificate")


async def test_a_reset_and_a_cut(http: aiohttp.ClientSession) -> None:
    async def cut(connection: Connection) -> None:
        await connection.head(200, {"content-length": "100"})
        connection.cut()

    async def nonsense(connection: Connection) -> None:
        connection.writer.write(b"nonsense\r\n\r\n")

    for step in (reset, cut, nonsense):
        async with serving(step) as rig:
            with pytest.raises(Unreachable):
                await get(http, rig.url)


async def test_a_deadline_for_head_and_body(http: aiohttp.ClientSession) -> None:
    async def drips(connection: Connection) -> None:
        await connection.head(200, {"content-length": "100"})
        await connection.closed_by_client()

    for step in (silence, drips):
        async with serving(step) as rig:
            with pytest.raises(UpstreamTimeout) as caught:
                await get(http, rig.url, timeout=1.5)
            assert "1.5 seconds" in str(caught.value)
            await asyncio.wait_for(rig.ended.wait(), 5)


async def test_an_answer_without_end_is_refused(http: aiohttp.ClientSession) -> None:
    async with serving(answer(200, b" " * (ANSWER_LIMIT + 1))) as rig:
        with pytest.raises(UpstreamFault):
            await get(http, rig.url)


async def test_the_environments_proxy_is_used(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(answer(200, {"via": "proxy"})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        found = await fetch_json(http, "GET", "http://example.invalid/x", headers={}, timeout=5)
        assert found.body == {"via": "proxy"}
        assert proxy.seen[0].path == "http://example.invalid/x"


def test_places_for_people() -> None:
    assert place("https://api.github.com/user?x=1") == "api.github.com"
    assert place("http://me:pw@127.0.0.1:8080/x") == "127.0.0.1:8080"
    assert place("") == "the server"
