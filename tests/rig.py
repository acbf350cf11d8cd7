"""The proxy over the fake upstream, wired by hand: what most end-to-end tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from copilot_desktop.demo import FakeUpstream, Fault, Scenario
from copilot_desktop.provider import Provider, open_provider
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.controller import ProxyController
from copilot_desktop.proxy.exchange import Traffic
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.upstream.credentials import MemoryStore, StoredAccount
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.passthrough import PassThrough

SCENARIO = Scenario()


@dataclass
class Rig:
    """`url` is the proxy's base, `fake.ledger` what reached upstream."""

    fake: FakeUpstream
    provider: Provider
    relay: Relay
    controller: ProxyController
    traffic: Traffic

    @property
    def port(self) -> int:
        return self.relay.config.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running_rig(
    scenario: Scenario = SCENARIO,
    *faults: Fault,
    config: ProxyConfig | None = None,
    idle_timeout: float = 30.0,
    headers_timeout: float = 30.0,
    signed_in: bool = True,
    copilot: str | None = None,
) -> AsyncIterator[Rig]:
    """A proxy on a free port. `copilot` is another server to send the calls to."""
    async with FakeUpstream(scenario) as fake:
        for fault in faults:
            fake.add_fault(fault)
        origins = Origins.of(github=fake.url, api=fake.url, copilot=copilot)
        store = MemoryStore()
        if signed_in:
            await store.save(StoredAccount(origins.host, "octo-demo", 1, fake.github_token))
        async with (
            open_provider(
                store, origins=origins, idle_timeout=idle_timeout, headers_timeout=headers_timeout
            ) as provider,
            open_http(github_timeout=5) as http,
        ):
            traffic = Traffic()
            chosen = config or ProxyConfig()
            relay = Relay(
                provider,
                PassThrough(http, origins, Identity()),
                traffic,
                replace(chosen, port=0),
            )
            controller = ProxyController(relay)
            state = await controller.start()
            assert state.phase == "running", state.problem
            try:
                yield Rig(fake, provider, relay, controller, traffic)
            finally:
                await controller.stop(drain=0)
