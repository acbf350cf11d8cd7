"""Through a company's proxy, with a company's certificates, changed while the app runs."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from copilot_desktop.errors import Unreachable
from copilot_desktop.upstream.http import fetch_json, open_http, toward
from copilot_desktop.upstream.outgoing import (
    Way,
    masked,
    proxy_for,
    trusted,
    use_way,
    why_unusable,
)

pytest.importorskip("cryptography")

from tests.company import company

GITHUB = "https://api.github.com/user"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http(github_timeout=5) as session:
        yield session


async def ask(http: aiohttp.ClientSession, url: str = GITHUB) -> object:
    return (await fetch_json(http, "GET", url, headers={}, timeout=8)).body


@pytest.mark.parametrize("old", [False, True], ids=["usual", "sparse"])
async def test_a_company_proxy_and_its_certificates_are_used_from_the_next_request_on(
    http: aiohttp.ClientSession, tmp_path: Path, old: bool
) -> None:
    async with company(tmp_path, password="pa55word", old=old) as there:
        use_way(http, Way(there.url_with_password, there.ca))
        assert await ask(http) == {"via": "company"}
        assert there.seen == ["api.github.com:443"]
        # Without the file nobody vouches for that end, although a connection lies in the pool.
        use_way(http, Way(there.url_with_password))
        with pytest.raises(Unreachable) as caught:
            await ask(http)
        assert "certificate" in str(caught.value)
        assert "pa55word" not in str(caught.value)


async def test_a_wrong_password_is_said_without_showing_it(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with company(tmp_path, password="right") as there:
        way = Way(f"http://hana:wr0ng@127.0.0.1:{there.port}", there.ca)
        use_way(http, way)
        with pytest.raises(Unreachable) as caught:
            await ask(http)
        assert "the proxy wants a name and a password" in str(caught.value)
        assert "wr0ng" not in f"{caught.value}{caught.value.fields}{way!r}"


def test_proxies_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way()
    assert proxy_for(GITHUB, way) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    assert proxy_for(GITHUB, way) == "http://me:secret@proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", "github.com")
    assert proxy_for(GITHUB, way) is None
    assert proxy_for("https://api.githubcopilot.com", way) is not None
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    assert proxy_for("https://api.githubcopilot.com", way) == "http://proxy.example:3128"


@pytest.mark.parametrize("proxy", ["system", "none", "http://own.example:8080"])
def test_the_choice_wins_over_the_system(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found = proxy_for(GITHUB, Way(proxy))
    assert found == {"system": "http://proxy.example:3128", "none": None}.get(proxy, proxy)
    for loopback in ("http://127.0.0.1:4000/x", "https://localhost/x", "http://[::1]:8/x"):
        assert proxy_for(loopback, Way(proxy)) is None


async def test_a_proxy_that_cannot_be_used_is_said(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:secret@proxy.example:1080")
    with pytest.raises(Unreachable) as caught:
        await toward(http, GITHUB)
    assert "socks5" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://me:sec/ret@proxy.example:80",
        "me:sec#ret@proxy.example:80",
        "http://me:p@sec/ret@proxy.example:80",
        "proxy..example:80",
        "http://",
        "http:///",
        "//proxy.example:80",
    ],
)
async def test_a_proxy_whose_address_cannot_be_read_is_said(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(Unreachable, match="address that cannot be read") as caught:
        await toward(http, GITHUB)
    assert "sec" not in str(caught.value)


async def test_a_proxy_that_is_not_found_is_not_taken_for_github(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at home, with the variable that the company has set."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    with pytest.raises(Unreachable, match="the name of the proxy could not be resolved"):
        await fetch_json(http, "GET", GITHUB, headers={}, timeout=20)


class Slow:
    """Something of the system that takes its time until it is let go; it knows its thread."""

    def __init__(self, answer: object) -> None:
        self.answer, self.go_on = answer, threading.Event()
        self.threads: set[int] = set()

    def __call__(self, *_: object) -> object:
        self.threads.add(threading.get_ident())
        assert self.go_on.wait(30)
        return self.answer


async def test_a_system_that_thinks_long_about_proxies_holds_nothing_up(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    slow = Slow(answer=True)
    monkeypatch.setattr("urllib.request.proxy_bypass", slow)
    asking = [asyncio.ensure_future(toward(http, GITHUB)) for _ in range(3)]
    await asyncio.sleep(0)  # the loop goes on
    slow.go_on.set()
    found = [(await each)["proxy"] for each in asking]
    assert found == [None, None, None]
    assert threading.get_ident() not in slow.threads
    assert len(slow.threads) == 1  # one answer serves all that ask at once


async def test_a_system_that_does_not_say_is_not_waited_for(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilot_desktop.upstream.outgoing.LOOK_SECONDS", 0.2)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    slow = Slow(answer=True)
    monkeypatch.setattr("urllib.request.proxy_bypass", slow)
    async with open_http(github_timeout=5) as hasty:
        found = await asyncio.wait_for(toward(hasty, GITHUB), 20)
    slow.go_on.set()
    assert found["proxy"] == "http://proxy.example:3128"


async def test_a_file_on_a_disk_that_sleeps_is_left_out_for_now(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("copilot_desktop.upstream.outgoing.LOOK_SECONDS", 0.2)
    monkeypatch.setattr("copilot_desktop.upstream.outgoing.FRESH", 0.0)
    whole = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    slow = Slow(whole)
    monkeypatch.setattr("copilot_desktop.upstream.outgoing.trusted", slow)
    async with open_http(github_timeout=5, way=Way(extra_ca=tmp_path / "ca.pem")) as hasty:
        first = (await asyncio.wait_for(toward(hasty, GITHUB), 20))["ssl"]
        assert isinstance(first, ssl.SSLContext)
        assert first is not whole
        slow.go_on.set()
        async with asyncio.timeout(20):
            while (await toward(hasty, GITHUB))["ssl"] is not whole:
                continue
    assert threading.get_ident() not in slow.threads


def test_certificates_are_always_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    (tmp_path / "nonsense.pem").write_text("no certificate")
    assert trusted(tmp_path / "nonsense.pem").verify_mode is ssl.CERT_REQUIRED


@pytest.mark.skipif(
    hasattr(ssl, "enum_certificates") or find_spec("_scproxy") is not None,
    reason="Windows and macOS are asked with each connection",
)
def test_the_systems_files_are_not_read_again_with_each_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, read = trusted(), []
    monkeypatch.setattr(
        ssl.SSLContext, "set_default_verify_paths", lambda _: read.append("all"), raising=False
    )
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *_, **__: read.append("a file")
    )
    for _ in range(3):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="api.example")
    assert read == []


async def test_a_file_that_vouches_for_nobody_is_named(tmp_path: Path) -> None:
    assert why_unusable(tmp_path / "missing.pem") == "there is no such file"
    (tmp_path / "nonsense.pem").write_text("no certificate")
    assert "PEM" in str(why_unusable(tmp_path / "nonsense.pem"))
    async with company(tmp_path) as there:
        assert why_unusable(there.ca) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("system", "system"),
        ("none", "none"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://hana:pa55@proxy.example:3128", "http://•••@proxy.example:3128"),
        ("http://hana@proxy.example:3128", "http://•••@proxy.example:3128"),
    ],
)
def test_what_people_see_of_a_proxy_holds_no_password(address: str, shown: str) -> None:
    assert masked(address) == shown
