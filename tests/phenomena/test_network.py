"""The network itself: names that do not resolve, portals, companies, an hour's sleep, no network.

In every dialect, streamed and not (`outcomes.py`): told while it lasts, whole again afterwards, and
nobody has to start anything anew.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from phenomena.outcomes import ASKS, Outcome, asked
from phenomena.routes import MODELS
from proxy.raw import until
from rig import Rig, running_rig

from copilot_desktop.demo import FakeUpstream, HtmlIn200, Stall, Status
from copilot_desktop.provider import open_provider
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.controller import ProxyController
from copilot_desktop.proxy.exchange import Traffic
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.upstream import http as upstream_http
from copilot_desktop.upstream.credentials import MemoryStore, StoredAccount
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.outgoing import Way, use_way
from copilot_desktop.upstream.passthrough import PassThrough
from copilot_desktop.upstream.session import Session

PATIENCE = 30.0  # seconds; a deadline, never a measurement
TOKEN = "/copilot_internal/v2/token"
HOUR = 3600.0


async def all_ways(rig: Rig, http: aiohttp.ClientSession) -> list[Outcome]:
    return await asyncio.gather(*(asked(http, rig.url, ask) for ask in ASKS))


def told(outcomes: list[Outcome], *words: str) -> bool:
    """Whether each was an error with a status, in a sentence without a page or an address."""
    for each in outcomes:
        assert not each.whole, each
        assert each.status in {502, 503, 504}, each
        assert "<" not in str(each.says)
        assert any(word in str(each.says) for word in words), each
    return True


async def healed(rig: Rig, http: aiohttp.ClientSession) -> None:
    """Every way is whole again, soon, and by itself."""
    deadline = time.monotonic() + PATIENCE
    while not (await asked(http, rig.url, ASKS[0])).whole:
        assert time.monotonic() < deadline, "it does not heal"
        await asyncio.sleep(0.1)
    assert all(each.whole for each in await all_ways(rig, http))


@asynccontextmanager
async def rig_of_the_world(way: Way, fake: FakeUpstream) -> AsyncIterator[Rig]:
    """A proxy that asks for GitHub's real hosts, on `way`; the sign-in is the fake's."""
    origins = Origins.of(copilot="https://api.githubcopilot.com")
    store = MemoryStore()
    await store.save(StoredAccount("github.com", "octo-demo", 1, fake.github_token))
    async with (
        open_provider(store, origins=origins, idle_timeout=20, headers_timeout=20) as provider,
        open_http(github_timeout=5) as http,
    ):
        use_way(provider.client._http, way)
        traffic = Traffic()
        through = PassThrough(http, origins, Identity())
        relay = Relay(provider, through, traffic, replace(ProxyConfig(), port=0))
        controller = ProxyController(relay)
        assert (await controller.start()).phase == "running"
        try:
            yield Rig(fake, provider, relay, controller, traffic)
        finally:
            await controller.stop(drain=0)


# ------------------------------------------------------------------------------------- no way


async def test_the_network_goes_and_comes_back() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        assert all(each.whole for each in await all_ways(rig, http))
        for path in MODELS:
            rig.fake.add_fault(Stall(path, after_frames=3, times=-1))
        before = {path: len(rig.fake.ledger.to(path)) for path in MODELS}
        under_way = asyncio.create_task(all_ways(rig, http))
        await until(lambda: rig.traffic.in_flight == len(ASKS))
        await until(lambda: all(len(rig.fake.ledger.to(path)) > before[path] for path in MODELS))
        port = int(rig.fake.url.rpartition(":")[2])
        await rig.fake.stop()
        assert not any(each.whole for each in await under_way), "a stream without its end is whole"
        assert told(await all_ways(rig, http), "reach", "connection", "refused")
        assert rig.controller.state.phase == "running"
        rig.fake.clear_faults()
        rig.fake._port = port
        await rig.fake.start()
        await healed(rig, http)


async def test_a_start_without_a_network_heals_by_itself() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        port = int(rig.fake.url.rpartition(":")[2])
        await rig.fake.stop()
        assert told(await all_ways(rig, http), "reach", "connection", "refused")
        rig.fake._port = port
        await rig.fake.start()
        await healed(rig, http)


# -------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("how", ["dead", "slow"])
async def test_names_that_are_not_resolved(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answered, real = threading.Event(), socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        if not str(host).endswith(("github.com", "githubcopilot.com")):
            return real(host, *arguments, **named)
        if how == "slow":
            answered.wait(PATIENCE)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(upstream_http, "CONNECT_SECONDS", 2.0)
    async with (
        FakeUpstream() as fake,
        rig_of_the_world(Way("none"), fake) as rig,
        aiohttp.ClientSession() as http,
    ):
        asking = asyncio.create_task(all_ways(rig, http))
        async with http.get(f"{rig.url}/health") as answer:
            assert answer.status == 200, "a resolver that hangs holds nothing else up"
        assert told(await asking, "resolved" if how == "dead" else "in time")
        answered.set()


# ------------------------------------------------------------------------------------ portals


@pytest.mark.parametrize("where", ["*", TOKEN, "/models"])
async def test_a_portal_that_answers_in_the_place_of_everybody(where: str) -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(HtmlIn200(where, times=-1))
        assert told(await all_ways(rig, http), "127.0.0.1", "GitHub")
        rig.fake.clear_faults()
        await healed(rig, http)


@pytest.mark.parametrize("status", [302, 307, 511])
async def test_a_portal_that_sends_everybody_elsewhere(status: int) -> None:
    async with FakeUpstream() as portal, running_rig() as rig, aiohttp.ClientSession() as http:
        where = {"location": f"{portal.url}/login"}
        rig.fake.add_fault(Status("*", status=status, body="<html>", headers=where, times=-1))
        assert told(await all_ways(rig, http), "127.0.0.1", "GitHub")
        assert not list(portal.ledger), "a redirect was followed, with what secrets?"
        rig.fake.clear_faults()
        await healed(rig, http)


# ---------------------------------------------------------------------------------- companies


async def test_through_a_company_with_certificates_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography")
    from tests.company import company

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    async with (
        FakeUpstream() as fake,
        company(tmp_path, password="pa55", behind=fake.url) as there,
        rig_of_the_world(Way(there.url_with_password, there.ca), fake) as rig,
        aiohttp.ClientSession() as http,
    ):
        assert all(each.whole for each in await all_ways(rig, http))
        assert set(there.seen) == {"api.github.com:443", "api.githubcopilot.com:443"}
        # And the same company without its certificates, or with another password.
        for way, words in (
            (Way(there.url_with_password), "certificate"),
            (Way(there.url_with_password.replace("pa55", "wr0ng"), there.ca), "407"),
        ):
            use_way(rig.provider.client._http, way)
            outcomes = await all_ways(rig, http)
            assert told(outcomes, words)
            assert not any("wr0ng" in str(each.says) for each in outcomes)


# ------------------------------------------------------------------------------------- clocks


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds that `monotonic` and `wall` are ahead, for the loop and everything else."""
    ahead = {"monotonic": 0.0, "wall": 0.0}
    monotonic, wall = time.monotonic, time.time
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead["monotonic"])
    monkeypatch.setattr(time, "time", lambda: wall() + ahead["wall"])
    known = Session.__init__.__kwdefaults__
    assert known is not None
    assert {"clock", "wall"} <= known.keys()
    now = {"clock": time.monotonic, "wall": time.time}
    monkeypatch.setattr(Session.__init__, "__kwdefaults__", known | now)
    return ahead


@pytest.mark.parametrize("years", [-30, 30])
async def test_a_clock_that_is_years_wrong(years: int, clocks: dict[str, float]) -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        assert all(each.whole for each in await all_ways(rig, http))
        exchanges = rig.fake.tokens.exchanges
        clocks["wall"] = years * 365 * 86400.0
        for _ in range(2):
            assert all(each.whole for each in await all_ways(rig, http))
        # Forward it may have been a long sleep, and the token is asked for anew, once.
        assert rig.fake.tokens.exchanges == exchanges + (years > 0)


async def test_an_hour_of_sleep_in_the_middle_of_everything(clocks: dict[str, float]) -> None:
    """All clocks are an hour ahead at once, with answers under way and a token that is too old."""
    # Whoever stood still gives upstream as long again as it may be silent.
    async with running_rig(idle_timeout=3.0) as rig, aiohttp.ClientSession() as http:
        assert all(each.whole for each in await all_ways(rig, http))
        for path in MODELS:
            rig.fake.add_fault(Stall(path, after_frames=3, seconds=HOUR * 2, times=-1))
        under_way = asyncio.gather(*(asked(http, rig.url, ask, HOUR * 3) for ask in ASKS))
        await until(lambda: rig.traffic.in_flight == len(ASKS))
        exchanges = rig.fake.tokens.exchanges
        clocks["monotonic"] = clocks["wall"] = HOUR
        async with asyncio.timeout(PATIENCE):
            outcomes = await under_way
        assert not any(each.whole for each in outcomes), "a stream without its end is whole"
        rig.fake.clear_faults()
        await healed(rig, http)
        assert rig.fake.tokens.exchanges == exchanges + 1
