"""The proxy as the rest of the core sees it: which settings it runs under, and its ports.

Turns settings and local key into the proxy's own configuration and tells the listener about
changes. A move waits for open answers, and settings and keys may change once more meanwhile: so
there is one move at a time, and each asks for the newest configuration when it starts to listen.
Looking for a port's holder may block, so it happens on a worker thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from copilot_desktop.core.settings import Settings
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.controller import ProxyController, ProxyState, is_free, next_free_port
from copilot_desktop.proxy.keys import NamedKey
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.system import System

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0  # what open answers get when the listener only moves
# Changing one of these needs a new listener; the other settings are read at each request.
REBINDING = frozenset({"host", "port", "client_timeout", "max_body_mb"})


@dataclass(frozen=True, slots=True)
class PortTrial:
    """What a look at a port found. `next` is a free port to use instead."""

    free: bool
    holder: str | None
    next: int | None


def config_of(
    settings: Settings,
    *,
    key: str,
    keys: tuple[NamedKey, ...],
    key_required: bool,
    nonce: str,
) -> ProxyConfig:
    """The proxy's configuration under `settings`."""
    return ProxyConfig(
        host=settings.host,
        port=settings.port,
        key=key,
        keys=keys,
        key_required=key_required,
        auth_mode=settings.auth_mode,
        allowed_origins=frozenset(settings.allowed_origins),
        max_body=int(settings.max_body_mb * 1024 * 1024),
        client_timeout=settings.client_timeout,
        aliases=settings.aliases,
        default_model=settings.default_model,
        strict_translation=settings.strict_translation,
        show_hidden_models=settings.show_hidden_models,
        nonce=nonce,
    )


class Listening:
    """Start, stop, move. Trouble becomes the state's `problem`, as in `ProxyController`."""

    def __init__(self, controller: ProxyController, relay: Relay, system: System) -> None:
        self._controller = controller
        self._relay = relay
        self._system = system
        self._moving = asyncio.Lock()  # held while the listener starts or moves
        self._stops = 0  # how often somebody wanted it stopped

    @property
    def config(self) -> ProxyConfig:
        return self._relay.config

    async def start(self, newest: Callable[[], ProxyConfig], *, lost: bool = False) -> ProxyState:
        async with self._moving:
            return await self._controller.start(newest, lost=lost)

    async def stop(self, drain: float = DRAIN_SECONDS) -> ProxyState:
        self._stops += 1
        if self._controller.state.phase == "stopping":
            self._controller.stop_now()  # pressed a second time: do not wait any longer
        return await self._controller.stop(drain)

    async def apply(self, newest: Callable[[], ProxyConfig], changed: Collection[str]) -> None:
        """New settings: at once where that is possible, else by moving the listener."""
        moving = bool(REBINDING.intersection(changed))
        async with self._moving:
            phase = self._controller.state.phase
            if phase == "running" and not moving:
                # Port 0 was replaced by the port that the system chose.
                self._relay.config = replace(newest(), port=self._relay.config.port)
            elif phase == "running" or (phase == "error" and moving):
                stops = self._stops
                await self._controller.stop(DRAIN_SECONDS)
                self._relay.config = newest()
                if self._stops == stops:  # else it was stopped by somebody meanwhile
                    await self._controller.start(newest)
            else:
                self._relay.config = newest()

    def rekey(self, config: ProxyConfig) -> None:
        """The keys of `config` count from the next request on."""
        self._relay.config = replace(
            self._relay.config, key=config.key, keys=config.keys, key_required=config.key_required
        )

    async def look(self, port: int) -> PortTrial:
        """Could the proxy listen on `port`?"""
        state, host = self._controller.state, self._relay.config.host
        if state.phase == "running" and state.port == port:
            return PortTrial(True, None, None)
        if await asyncio.to_thread(is_free, host, port):
            return PortTrial(True, None, None)
        holder = await asyncio.to_thread(self._system.port_holder, port)
        following = await asyncio.to_thread(next_free_port, host, port)
        return PortTrial(False, str(holder) if holder else None, following)
