"""Starting and stopping the listener: a small machine whose state is always true.

    stopped ──start──> starting ──reached itself──> running ──stop──> stopping ──> stopped
                          └──────port taken, …─────> error ──start──> starting

`running` is claimed only after `GET /__self` on the bound address gave back this launch's random
id: a listener that answers somebody else's requests is not ours (`ui-design.md` §3.1). Start and
stop are serialised by one lock and may be called in any state.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import aiohttp
from aiohttp import web

from copilot_desktop.errors import BadSetting, PortTaken, Problem
from copilot_desktop.proxy.app import build_app, straight_way
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.connection import Runner
from copilot_desktop.proxy.relay import Relay

log = logging.getLogger(__name__)

START_LIMIT = 15.0  # seconds until a start has failed
HEAD_LIMIT = 16 * 1024  # bytes of one header line
_PORTS_TRIED = 50
_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})

Phase = Literal["stopped", "starting", "running", "stopping", "error"]


@dataclass(frozen=True, slots=True)
class ProxyState:
    """`since` is in seconds since the epoch."""

    phase: Phase = "stopped"
    host: str = "127.0.0.1"
    port: int = 4141
    since: float = 0.0
    problem: Problem | None = None


class _Stranger(Exception):
    """Somebody else answers at our address."""


class ProxyController:
    """Owns the listener. `holder_of(port)` names the program that holds a port, if it can.

    It may block: it is called on another thread.
    """

    def __init__(
        self, relay: Relay, holder_of: Callable[[int], str | None] = lambda _port: None
    ) -> None:
        self._relay = relay
        self._holder_of = holder_of
        self._lock = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self._app: tuple[int, web.Application] | None = None  # made for which size of a body
        self.on_change: Callable[[], None] = lambda: None
        self.state = ProxyState(host=relay.config.host, port=relay.config.port)

    async def start(
        self,
        config: ProxyConfig | Callable[[], ProxyConfig] | None = None,
        *,
        lost: bool = False,
    ) -> ProxyState:
        """Listen. Trouble becomes the state's `problem`; running already is fine.

        `config` may be a function: it is asked when a stop that is still under way has ended.
        `lost`: only bring back a listener that is in trouble, not one that somebody has stopped.
        """
        async with self._lock:
            if self.state.phase == "running" or (lost and self.state.phase != "error"):
                return self.state
            if config is not None:
                self._relay.config = config() if callable(config) else config
            self._enter("starting")
            try:
                problem = await self._attempt()
            except BaseException:
                await self._release()
                self._enter("stopped")
                raise
            self._enter("running" if problem is None else "error", problem)
            return self.state

    async def stop(self, drain: float = 10.0) -> ProxyState:
        """Take no more requests, let open ones finish for `drain` seconds, then cut them."""
        async with self._lock:
            if self._runner is not None:
                self._enter("stopping")
                self._relay.close()
                for site in list(self._runner.sites):
                    await site.stop()
                await self._drained(drain)
                self._relay.cut()
                await self._release()
            self._enter("stopped")
            return self.state

    def stop_now(self) -> None:
        """Cut what is still open while `stop` is waiting for it."""
        if self.state.phase == "stopping":
            self._relay.cut()

    async def probe(self) -> bool:
        """Is the listener still ours? After sleep it may not be; then the state says so."""
        async with self._lock:
            if self.state.phase != "running":
                return False
            try:
                async with asyncio.timeout(START_LIMIT):
                    await self._reach_itself()
            except (Problem, OSError, TimeoutError, _Stranger) as trouble:
                if getattr(trouble.__cause__, "errno", None) in _NO_DESCRIPTOR:
                    return True  # it could not even be asked
                self._relay.cut()
                await self._release()
                self._enter("error", await self._named(trouble))
                return False
            return True

    # ------------------------------------------------------------------------ inner workings

    async def _attempt(self) -> Problem | None:
        """Listen; why that did not work, if it did not."""
        try:
            async with asyncio.timeout(START_LIMIT):
                await self._listen()
                await self._reach_itself()
        except (Problem, OSError, OverflowError, TimeoutError, _Stranger) as trouble:
            await self._release()
            return await self._named(trouble)
        return None

    async def _listen(self) -> None:
        config = self._relay.config
        self._relay.reopen()
        # keepalive_timeout also bounds how long a new connection may take to send its head.
        runner = Runner(
            self._application(),
            before=partial(straight_way, self._relay),
            shutdown_timeout=1.0,
            access_log=None,
            keepalive_timeout=config.client_timeout,
            auto_decompress=False,
            max_line_size=HEAD_LIMIT,
            max_field_size=HEAD_LIMIT,
        )
        self._runner = runner
        await runner.setup()
        site = web.TCPSite(runner, config.host, config.port, backlog=512)
        await site.start()
        if config.port == 0:
            self._relay.config = replace(config, port=runner.addresses[0][1])

    def _application(self) -> web.Application:
        """The same for every start: aiohttp remembers each one that has answered, up to a thousand
        of them, so that switching the proxy off and on would cost memory each time."""
        largest = self._relay.config.max_body
        if self._app is None or self._app[0] != largest:
            self._app = largest, build_app(self._relay)
        return self._app[1]

    async def _reach_itself(self) -> None:
        config = self._relay.config
        url = f"{config.own_address}/__self"
        async with aiohttp.ClientSession(trust_env=False) as http:
            try:
                async with http.get(url, allow_redirects=False) as answer:
                    found = await answer.json() if answer.status == 200 else {}
            except (aiohttp.ClientError, ValueError) as error:
                raise Problem(f"The new listener did not answer: {error}") from error
        if not isinstance(found, dict) or found.get("nonce") != config.nonce:
            raise _Stranger

    async def _drained(self, limit: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._relay.traffic.idle.wait()

    async def _release(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _named(self, trouble: Exception) -> Problem:
        config = self._relay.config
        match trouble:
            case Problem():
                return trouble
            case TimeoutError():
                return Problem("The proxy did not start in time.")
            case _Stranger() | OSError(errno=errno.EADDRINUSE):
                return await self._taken()
            case OSError(errno=errno.EACCES):
                following = await asyncio.to_thread(next_free_port, config.host, config.port)
                fields = {"name": f"Port {config.port}", "reason": "the system does not allow it"}
                return BadSetting(fields={**fields, "next": str(following)})
            case OSError(errno=errno.EADDRNOTAVAIL | None):  # none: asyncio, from Python 3.13 on
                return BadSetting(
                    fields={"name": config.host, "reason": "this computer has no such address"}
                )
        return Problem(str(trouble))

    async def _taken(self) -> PortTaken:
        """Who has the port, and which one is free: other programs are asked, so off the loop."""
        config = self._relay.config
        holder = await asyncio.to_thread(self._holder_of, config.port)
        following = await asyncio.to_thread(next_free_port, config.host, config.port)
        return PortTaken(
            fields={
                "port": str(config.port),
                "holder": holder or "another program",
                "next": str(following),
            }
        )

    def _enter(self, phase: Phase, problem: Problem | None = None) -> None:
        config = self._relay.config
        since = self.state.since if self.state.phase == phase else time.time()
        idle = phase == self.state.phase == "stopped"  # as with each command that needs no proxy
        self.state = ProxyState(phase, config.host, config.port, since, problem)
        if not idle:
            log.info("proxy %s on %s:%s", phase, config.host, config.port)
        self.on_change()


def next_free_port(host: str, port: int) -> int:
    """The first free port above `port`, or one that the system chooses."""
    for candidate in range(port + 1, min(port + 1 + _PORTS_TRIED, 65536)):
        if is_free(host, candidate):
            return candidate
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        found: int = probe.getsockname()[1]
        return found


def is_free(host: str, port: int) -> bool:
    """Whether `port` can be bound right now."""
    # Where SO_REUSEADDR would let two programs have one port, its opposite exists.
    option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    try:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, option, 1)
            probe.bind((host, port))
    except OSError:  # also where there are no more descriptors, or no IPv6
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
